"""What both ways share: what they give back, and the life of a multipart upload.

`server_side.py` and `streaming.py` are the ways; this module knows neither.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from s3mover.errors import MoverError, S3Error
from s3mover.model import Order
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Stored
from s3mover.transfer.parts import Part, part_size_for, parts_of

SendPart = Callable[[str, Part], str]


class Arrival(NamedTuple):
    """A verified copy at the destination: its ETag, and what could not be kept or should be known, if anything."""

    etag: str
    note: str = ""


class Way(Protocol):
    """One way for one object."""

    def carry(self, order: Order) -> Arrival:
        """Bring the object to the destination and verify it.

        Raises:
            S3Error: a request was refused or failed.
            VerificationError: what arrived is not what was sent.
        """


def upload_in_parts(
    destination: Bucket, order: Order, headers: dict[str, str], part_size: int, send: SendPart
) -> Stored:
    """Write `order.target` as a multipart upload, `send(upload_id, part)` giving each part's ETag.

    An upload that cannot be completed is aborted, so that its parts are not paid for.
    """
    upload = destination.create_upload(order.target, headers)
    try:
        size = part_size_for(order.size, part_size)
        etags = [(part.number, send(upload, part)) for part in parts_of(order.size, size)]
        return destination.complete_upload(order.target, upload, etags, {})
    except MoverError:
        _abort(destination, order.target, upload)
        raise


def _abort(destination: Bucket, key: str, upload: str) -> None:
    try:
        destination.abort_upload(key, upload)
    except S3Error as error:
        # The transfer's own error matters more; the bucket's stale uploads are aborted at the next start.
        error.add_note("left a multipart upload behind")
