"""The restoration of an archived object, which a later sweep then moves.

Source: Amazon S3 API Reference, RestoreObject: objects of GLACIER and DEEP_ARCHIVE are restored for so many days; those
of INTELLIGENT_TIERING move back to a tier that can be read, for which `Days` is refused.
"""

from s3mover.errors import S3Error
from s3mover.model import Order
from s3mover.s3.bucket import Bucket
from s3mover.transfer.policy import TransferPolicy

# Codes that stores have for an element that they do not expect.
_UNEXPECTED_ELEMENT = frozenset({"InvalidArgument", "InvalidRequest", "MalformedXML"})


def request_restoration(source: Bucket, order: Order, policy: TransferPolicy) -> str:
    """Request the restoration of an archived object if the settings say so; return a note of what S3 said."""
    if not policy.restore_tier:
        return ""
    try:
        _restore(source, order, policy)
    except S3Error as error:
        if error.code == "RestoreAlreadyInProgress":
            return "its restoration is under way"
        return f"its restoration was refused: {error.code}"
    return "its restoration was asked for"


def _restore(source: Bucket, order: Order, policy: TransferPolicy) -> None:
    if order.storage_class != "INTELLIGENT_TIERING":
        try:
            source.restore(order.key, tier=policy.restore_tier, days=policy.restore_days)
        except S3Error as error:
            # The listing may be older than the object's class, and stores have classes of their own.
            if error.code not in _UNEXPECTED_ELEMENT:
                raise
        else:
            return
    source.restore(order.key, tier=policy.restore_tier)
