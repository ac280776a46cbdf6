"""The settings that concern one transfer, as workers get them."""

from dataclasses import dataclass, replace

from s3mover.model import BucketAddress, Method
from s3mover.stores import store_of
from s3mover.transfer.parts import MAX_SINGLE_COPY


@dataclass(frozen=True, slots=True)
class TransferPolicy:
    """The settings of a transfer; sizes in bytes, empty texts mean "as at the source" or "none".

    `method` is `auto`, `server_side_copy` or `streaming`; `large_objects` is `transfer` or `report`. Objects larger
    than `largest_copy` are copied in parts. `thorough` says whether a HeadObject precedes each server-side
    copy, so that properties that CopyObject drops are kept: `auto`, `always` or `never`. Archived objects are restored
    at `restore_tier` for `restore_days`; an empty tier restores none.
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
    encryption: str = ""
    kms_key_id: str = ""
    copy_annotations: bool = False


def policy_between(
    policy: TransferPolicy, source: BucketAddress, destination: BucketAddress
) -> TransferPolicy:
    """Return `policy` as it applies between two buckets: between two stores `auto` streams (`stores.py`)."""
    if policy.method == "auto" and store_of(source) != store_of(destination):
        return replace(policy, method=Method.STREAMING)
    return policy
