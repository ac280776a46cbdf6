"""Multipart uploads of a killed process, which nobody completes: their parts are paid for until aborted."""

from s3mover.s3.bucket import Bucket
from s3mover.s3.values import iso_time
from s3mover.transfer.parts import MIN_PART_SIZE

# S3 gives times in whole seconds, and clocks differ a little.
CLOCK_TOLERANCE_SECONDS = 60.0


def abort_orphaned_uploads(destination: Bucket, key: str, size: int, since: float) -> None:
    """Abort the multipart uploads of `key` begun since `since` (seconds since the epoch).

    They are our own, since under the lease no other process writes this key. An object whose `size` in bytes is less
    than a part's has none. An upload whose time is not readable is left alone: it may be somebody else's.

    Raises:
        S3Error: the uploads could not be listed or aborted.
    """
    if size < MIN_PART_SIZE:
        return
    for upload in list(destination.list_uploads(key)):
        initiated = iso_time(upload.initiated)
        is_ours = initiated is not None and initiated >= since - CLOCK_TOLERANCE_SECONDS
        if upload.key == key and is_ours:
            destination.abort_upload(key, upload.upload_id)
