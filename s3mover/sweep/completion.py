"""What an interrupted transfer left undone at a copy that arrived: tags that are written after the object.

In listings an object without its tags looks like a whole one, so no later sweep would move it again.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from s3mover.errors import MoverError, S3Error
from s3mover.model import INTERRUPTED, Outcome, Status
from s3mover.s3.bucket import Bucket, Head
from s3mover.s3.retry import Retry
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.method import join_notes, removed_on_mismatch
from s3mover.transfer.properties import is_tagged, lost_properties
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
    if _lacks_tags(arrived):
        try:
            tags = retry(partial(source.tags, outcome.key))
            write_tags(destination, arrived.target, tags, retry)
            headers = {**headers, "x-amz-tagging-count": str(len(tags))}
        except S3Error as error:
            if not is_denial(error):
                raise
            if error.code not in UNKNOWN_OPERATION:
                return _removed(outcome, arrived, destination, error)
    return _with_losses(outcome, arrived.source.headers, headers)


def _lacks_tags(arrived: Arrived) -> bool:
    counts = [head.headers.get("x-amz-tagging-count", "0") for head in (arrived.source, arrived.copy)]
    return is_tagged(arrived.source.headers) and counts[0] != counts[1]


def _removed(outcome: Outcome, arrived: Arrived, destination: Bucket, refusal: S3Error) -> Outcome:
    try:
        with removed_on_mismatch(destination, arrived.target, arrived.copy.etag, S3Error):
            raise refusal
    except MoverError as error:
        return outcome._replace(
            status=Status.ERROR,
            code=INTERRUPTED,
            message=f"interrupted before its tags were written: {error}",
        )


def _with_losses(outcome: Outcome, source: Mapping[str, str], copy: Mapping[str, str]) -> Outcome:
    lost = lost_properties(source, copy)
    note = f"its copy lacks: {', '.join(lost)}" if lost else ""
    return outcome._replace(unkept=lost, message=join_notes(outcome.message, note))
