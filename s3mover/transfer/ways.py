"""What both ways share: what they give back, and the life of a multipart upload.

`server_side.py` and `streaming.py` are the ways; this module knows neither.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from s3mover.errors import MoverError, S3Error
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Stored
from s3mover.s3.retry import retrying
from s3mover.transfer.parts import Part

# Parts that are left behind are paid for until someone aborts them, so that this is worth some more requests.
ABORT_ATTEMPTS = 3

# Does something with every part, perhaps several at once, and returns the results in the order of parts.
RunParts = Callable[[Callable[[Part], Any], Iterable[Part]], list[Any]]


class Arrival(NamedTuple):
    """A verified copy: its ETag, and what should be known of it."""

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


class Upload(NamedTuple):
    """A multipart upload under way."""

    destination: Bucket
    key: str
    id: str

    def complete(self, etags: Iterable[str], headers: Mapping[str, str]) -> Stored:
        """Make an object of the parts, whose ETags come in their order."""
        return self.destination.complete_upload(self.key, self.id, list(enumerate(etags, start=1)), headers)


def in_one_upload(
    destination: Bucket, order: Order, headers: dict[str, str], fill: Callable[[Upload], Stored]
) -> Stored:
    """Write `order.target` as a multipart upload that `fill` fills and completes.

    One that cannot be completed is aborted, so that its parts are not paid for.
    """
    upload = Upload(destination, order.target, destination.create_upload(order.target, headers))
    try:
        return fill(upload)
    except MoverError as error:
        _abort(upload, error)
        raise


def one_by_one(do: Callable[[Part], Any], parts: Iterable[Part]) -> list[Any]:
    """Do the parts on the calling thread."""
    return [do(part) for part in parts]


def notes(*said: str) -> str:
    """Join what should be known of a copy."""
    return "; ".join(filter(None, said))


def _abort(upload: Upload, why: MoverError) -> None:
    try:
        retrying(lambda: upload.destination.abort_upload(upload.key, upload.id), ABORT_ATTEMPTS)
    except S3Error as error:
        # The transfer's own error matters more, and decides what becomes of the object.
        why.add_note(f"its multipart upload {upload.id} could not be aborted: {error.code}")
