"""How transfers are to be made, as the workers get it: the settings that concern one object."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say of one transfer; sizes in bytes, empty texts mean "as at the source"/"none".

    `method` is `auto`, `server_side_copy` or `streaming`; `large_objects` is `transfer` or `report`.
    """

    method: str
    part_size: int
    max_attempts: int
    large_objects: str = "transfer"
    storage_class: str = ""
    acl: str = ""
    kms_key_id: str = ""
