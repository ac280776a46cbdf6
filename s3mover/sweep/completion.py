"""What an interrupted transfer left undone at a copy that arrived: tags that are written after the object.

In listings an object without its tags looks like a whole one, so no later sweep would move it again.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from s3mover.errors import S3Error
from s3mover.model import INTERRUPTED, Outcome, Status
from s3mover.s3.bucket import Bucket, Head
from s3mover.s3.retry import Retry
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.method import join_notes, remove_copy
from s3mover.transfer.properties import TAG_COUNT, Tags, lost_properties
from s3mover.transfer.store_features import UNKNOWN_OPERATION
from s3mover.transfer.tagging import write_tags


class Arrived(NamedTuple):
    """A copy that was found under the key `target`, and the head of what it was copied from."""

    target: str
    copy: Head
    source: Head


def complete(
    outcome: Outcome, arrived: Arrived, source: Bucket, destination: Bucket, retry: Retry
) -> Outcome:
    """Write the tags that the copy lacks; return the outcome with what it lacks then.

    A copy whose tags may not be written is removed: the outcome is an error, and a later sweep moves the object.

    Raises:
        S3Error: a side could not be asked.
    """
    headers = arrived.copy.headers
    try:
        if tags := _missing_tags(outcome, arrived, source, retry):
            write_tags(destination, arrived.target, tags, retry)
            headers = {**headers, TAG_COUNT: str(len(tags))}
    except S3Error as error:
        if not is_denial(error):
            raise
        if error.code not in UNKNOWN_OPERATION:
            return _removed(outcome, arrived, destination, error)
    return _with_losses(outcome, arrived.source.headers, headers)


def _missing_tags(outcome: Outcome, arrived: Arrived, source: Bucket, retry: Retry) -> Tags:
    """Return the tags of the source if the copy seems to have others; not all stores state their number in a head."""
    stated = arrived.source.headers.get(TAG_COUNT)
    if stated is not None and stated == arrived.copy.headers.get(TAG_COUNT, "0"):
        return ()
    try:
        return retry(partial(source.tags, outcome.key))
    except S3Error as error:
        if stated is None and is_denial(error):
            return ()
        raise


def _removed(outcome: Outcome, arrived: Arrived, destination: Bucket, refusal: S3Error) -> Outcome:
    message = f"interrupted before its tags were written: {refusal}"
    if kept := remove_copy(destination, arrived.target, arrived.copy.etag):
        message += f"; the copy without its tags could not be removed ({kept})"
    return outcome._replace(status=Status.ERROR, code=INTERRUPTED, message=message)


def _with_losses(outcome: Outcome, source: Mapping[str, str], copy: Mapping[str, str]) -> Outcome:
    lost = lost_properties(source, copy)
    note = f"its copy lacks: {', '.join(lost)}" if lost else ""
    return outcome._replace(unkept=lost, message=join_notes(outcome.message, note))
