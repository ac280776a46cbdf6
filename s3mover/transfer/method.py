"""What both ways share: what they give back, and the life of a multipart upload.

`server_side.py` and `streaming.py` are the ways; this module knows neither.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Head, Stored
from s3mover.s3.retry import Retry, retrying
from s3mover.transfer.parts import Part

# Parts that are left behind are paid for until someone aborts them, so that this is worth some more requests.
ABORT_ATTEMPTS = 3

# Does something with every part, perhaps several at once, and returns the results in the order of parts.
RunParts = Callable[[Callable[[Part], Any], Iterable[Part]], list[Any]]


class TransferResult(NamedTuple):
    """A verified copy: its ETag, what should be known of it, and the names of properties that it could not keep."""

    etag: str
    note: str = ""
    unkept: tuple[str, ...] = ()


class TransferMethod(Protocol):
    """One way for one object."""

    def transfer(self, order: Order) -> TransferResult:
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
    retry: Retry

    def complete(self, etags: Iterable[str], headers: Mapping[str, str]) -> Stored:
        """Make an object of the parts, whose ETags come in their order."""
        parts = list(enumerate(etags, start=1))
        return self.retry(lambda: self.destination.complete_upload(self.key, self.id, parts, headers))


def in_one_upload(
    destination: Bucket,
    order: Order,
    headers: dict[str, str],
    fill: Callable[[Upload], Stored],
    retry: Retry,
) -> Stored:
    """Write `order.target` as a multipart upload that `fill` fills and completes.

    One that cannot be completed is aborted, so that its parts are not paid for.
    """
    upload = Upload(destination, order.target, _create(destination, order.target, headers), retry)
    try:
        return fill(upload)
    except MoverError as error:
        _abort(upload, error)
        if isinstance(error, S3Error) and error.code in {"NoSuchUpload", "NotFound"}:
            # Somebody aborted it, or the answer that it was complete got lost: the object must be made anew.
            error.temporary = True
        raise


@contextmanager
def removed_if_wrong(destination: Bucket, key: str, etag: str) -> Iterator[None]:
    """Remove the copy just written with the ETag `etag` where what is done within finds it to be another object.

    Left there, it might pass for a right one in the next sweep.
    """
    try:
        yield
    except VerificationError as wrong:
        if etag:
            _remove(destination, key, etag, wrong)
        raise


def _remove(destination: Bucket, key: str, etag: str, wrong: VerificationError) -> None:
    try:
        destination.delete(key, if_match=etag)
    except S3Error as error:
        if error.status == HTTPStatus.NOT_FOUND or error.code == "PreconditionFailed":
            return
        raise VerificationError(
            f"{wrong}; what arrived could not be removed ({error.code}): remove it by hand"
        ) from wrong


def arrived_head(destination: Bucket, key: str, retry: Retry) -> Head:
    """Ask the destination about a copy that it has just taken.

    Raises:
        VerificationError: it is not there.
        S3Error: the destination could not be asked.
    """
    try:
        return retry(lambda: destination.head(key))
    except S3Error as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise VerificationError("the destination took the copy, and does not have it") from error
        raise


def notes(*said: str) -> str:
    """Join what should be known of a copy."""
    return "; ".join(filter(None, said))


def _create(destination: Bucket, key: str, headers: dict[str, str]) -> str:
    try:
        return destination.create_upload(key, headers)
    except S3Error as error:
        if error.temporary and not error.status:
            _abort_nameless(destination, key, error)
        raise


def _abort_nameless(destination: Bucket, key: str, why: S3Error) -> None:
    """Abort what an answer that got lost has begun: nobody knows its id, and it has no part yet."""
    try:
        for begun in destination.list_uploads(key):
            if begun.key == key and not any(destination.list_parts(key, begun.upload_id)):
                destination.abort_upload(key, begun.upload_id)
    except S3Error as error:
        why.add_note(f"a multipart upload may have been left behind: {error.code}")


def _abort(upload: Upload, why: MoverError) -> None:
    try:
        retrying(lambda: upload.destination.abort_upload(upload.key, upload.id), ABORT_ATTEMPTS)
    except S3Error as error:
        # The transfer's own error matters more, and decides what becomes of the object.
        why.add_note(f"its multipart upload {upload.id} could not be aborted: {error.code}")
