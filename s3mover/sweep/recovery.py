"""What a killed run left behind: each pending row is resolved by looking at the destination, before new work."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from s3mover.audit.patience import PatientTrail
from s3mover.audit.trail import PendingRow
from s3mover.errors import S3Error
from s3mover.events import Notify, ObjectRecovered
from s3mover.model import Outcome, Pair, Status, WaitChanges, has_md5_shape
from s3mover.s3.bucket import Bucket, Head
from s3mover.transfer.parts import MIN_PART_SIZE

# Rows resolved at a time: a killed run leaves at most what its crew held.
BATCH = 500
LOOKING_THREADS = 16

# S3 tells times in whole seconds, and clocks differ a little.
CLOCK_TOLERANCE_SECONDS = 60.0


def recover(
    trail: PatientTrail,
    pair: Pair,
    destination: Bucket,
    notify: Notify,
    clock: Callable[[], float],
    *,
    delete_sources: bool = False,
) -> int:
    """Resolve every pending row of `pair` and mark the sweeps that were cut off as interrupted.

    Multipart uploads that were begun for such a row, and will never be completed, are aborted. Returns the number
    of rows resolved.

    Raises:
        S3Error: the destination could not be asked; the rows stay pending.
    """
    resolved = 0
    with ThreadPoolExecutor(LOOKING_THREADS, thread_name_prefix="recovery") as looking:
        while rows := trail.pending(pair, BATCH):
            heads = looking.map(lambda row: _look(destination, pair.destination_key(row.key), row), rows)
            outcomes = [resolution(row, head, clock()) for row, head in zip(rows, heads, strict=True)]
            if delete_sources:
                outcomes = [o._replace(delete_due=o.status is Status.SUCCESS) for o in outcomes]
            # What was interrupted did not fail: it waits for nothing.
            arrived = [outcome.key for outcome in outcomes if outcome.status is Status.SUCCESS]
            trail.settle(outcomes, WaitChanges(pair, ended=arrived))
            for outcome in outcomes:
                notify(ObjectRecovered(outcome.sweep, outcome.key, outcome.status))
            resolved += len(rows)
    trail.interrupt_sweeps(pair, clock())
    return resolved


def resolution(row: PendingRow, head: Head | None, now: float) -> Outcome:
    """Decide what became of a transfer, from what the destination holds now.

        destination | size   | ETags                    | written          | row becomes
        ------------|--------|--------------------------|------------------|------------
        absent      | -      | -                        | -                | error
        there       | differ | -                        | -                | error
        there       | equal  | equal                    | -                | success
        there       | equal  | both MD5s, differ        | -                | error
        there       | equal  | cannot be compared       | since the intent | success
        there       | equal  | cannot be compared       | before           | error

    An error is the safe answer: the next sweep looks at the object again.
    """
    arrived = head is not None and _is_the_copy(row, head)
    return Outcome(
        sweep=row.sweep,
        number=row.number,
        key=row.key,
        size=row.size,
        status=Status.SUCCESS if arrived else Status.ERROR,
        method=None,
        moved_at=now,
        duration_us=0,
        attempts=1,
        source_etag=row.source_etag,
        destination_etag=head.etag if head is not None and arrived else "",
        code="" if arrived else "Interrupted",
        message="found at the destination after an interruption"
        if arrived
        else "interrupted before its copy was whole",
    )


def _is_the_copy(row: PendingRow, head: Head) -> bool:
    if head.size != row.size:
        return False
    if head.etag == row.source_etag:
        return True
    encrypted = head.headers.get("x-amz-server-side-encryption", "AES256") != "AES256"
    if has_md5_shape(head.etag) and has_md5_shape(row.source_etag) and not encrypted:
        return False
    # S3 tells times in whole seconds.
    return _seconds(head.last_modified) >= int(row.created_at)


def _look(destination: Bucket, key: str, row: PendingRow) -> Head | None:
    if row.size >= MIN_PART_SIZE:
        _abort_uploads(destination, key, row.created_at - CLOCK_TOLERANCE_SECONDS)
    try:
        return destination.head(key)
    except S3Error as error:
        missing = error.status == HTTPStatus.NOT_FOUND
        if missing or (error.status == HTTPStatus.FORBIDDEN and not destination.lists(key)):
            return None
        raise
    finally:
        destination.close_thread()


def _abort_uploads(destination: Bucket, key: str, since: float) -> None:
    """Abort what was begun for `key` since the row was written: under the lease nobody else writes this key."""
    for upload in list(destination.list_uploads(key)):
        if upload.key == key and datetime.fromisoformat(upload.initiated).timestamp() >= since:
            destination.abort_upload(key, upload.upload_id)


def _seconds(http_date: str) -> float:
    return parsedate_to_datetime(http_date).timestamp()
