"""Multipart uploads that a killed process began and nobody will complete: their parts are paid for until aborted."""

from datetime import datetime

from s3mover.s3.bucket import Bucket
from s3mover.transfer.parts import MIN_PART_SIZE

# S3 tells times in whole seconds, and clocks differ a little.
CLOCK_TOLERANCE_SECONDS = 60.0


def abort_orphaned_uploads(destination: Bucket, key: str, size: int, since: float) -> None:
    """Abort what was begun for `key` since then: under the lease nobody else writes this key.

    `since` is in seconds since the epoch; objects of less than a part's `size` in bytes have no uploads.

    Raises:
        S3Error: the uploads could not be listed or aborted.
    """
    if size < MIN_PART_SIZE:
        return
    for upload in list(destination.list_uploads(key)):
        begun = datetime.fromisoformat(upload.initiated).timestamp()
        if upload.key == key and begun >= since - CLOCK_TOLERANCE_SECONDS:
            destination.abort_upload(key, upload.upload_id)
