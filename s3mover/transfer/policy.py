"""How transfers are to be made, as the workers get it: the settings that concern one object."""

from dataclasses import dataclass

from s3mover.transfer.parts import MAX_SINGLE_COPY


@dataclass(frozen=True, slots=True)
class TransferPolicy:
    """What the settings say of one transfer; sizes in bytes, empty texts mean "as at the source"/"none".

    `method` is `auto`, `server_side_copy` or `streaming`; `large_objects` is `transfer` or `report`. Objects larger
    than `largest_copy` are copied in parts. `thorough` says whether every object is asked about before a server-side
    copy, so that what S3 does not copy is kept, too: `auto`, `always` or `never`. Archived objects are restored at
    `restore_tier` for so many days, if at all.
    """

    method: str
    part_size: int
    max_attempts: int
    large_objects: str = "transfer"
    largest_copy: int = MAX_SINGLE_COPY
    thorough: str = "auto"
    delete_source: bool = False
    restore_tier: str = ""
    restore_days: int = 0
    storage_class: str = ""
    acl: str = ""
    kms_key_id: str = ""
