"""What both transfer methods share: their interface, the result, and the life of a multipart upload.

The methods are `server_side.py` and `streaming.py`; this module knows neither.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Head, Stored
from s3mover.s3.retry import Retry, retrying
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.parts import Part
from s3mover.transfer.properties import TAG_COUNT
from s3mover.transfer.whole_checksums import WRONG_CHECKSUM

# The parts of an upload are paid for until it is aborted, which makes some more requests worthwhile.
ABORT_ATTEMPTS = 3

# Calls a function for every part, perhaps for several at once, and returns the results in the order of the parts.
RunParts = Callable[[Callable[[Part], Any], Iterable[Part]], list[Any]]


class TransferResult(NamedTuple):
    """A verified copy: its ETag, a note for the audit trail, and the names of the properties that it does not have."""

    etag: str
    note: str = ""
    unkept: tuple[str, ...] = ()


class TransferMethod(Protocol):
    """A strategy to transfer one object."""

    def transfer(self, order: Order) -> TransferResult:
        """Copy the object to the destination and verify the copy.

        Raises:
            S3Error: a request was refused or failed.
            VerificationError: the copy is not equal to the source.
        """


class CopyMethod(TransferMethod, Protocol):
    """A strategy by which a store copies without an answer until it has done so."""

    def find_copy(self, order: Order, seconds: float) -> TransferResult | None:
        """Return the copy that the destination made within so many seconds, None where it has none.

        Raises:
            S3Error: it could not be looked for.
        """


class MultipartUpload(NamedTuple):
    """A multipart upload in progress."""

    destination: Bucket
    key: str
    id: str
    retry: Retry

    def complete(self, etags: Iterable[str], headers: Mapping[str, str]) -> Stored:
        """Complete the upload from the ETags of its parts, in order."""
        parts = list(enumerate(etags, start=1))
        return self.retry(lambda: self._complete_once(parts, headers))

    def _complete_once(self, parts: list[tuple[int, str]], headers: Mapping[str, str]) -> Stored:
        try:
            return self.destination.complete_upload(self.key, self.id, parts, headers)
        except S3Error as error:
            if error.code == WRONG_CHECKSUM:
                # The same parts would be refused again.
                error.temporary = False
            raise

    def size_of(self, part: Part) -> int:
        """Return how many bytes the store has of a part, 0 where it has none."""
        written = self.destination.list_parts(self.key, self.id)
        return next((one.size for one in written if one.number == part.number), 0)


def head_with_tags(source: Bucket, order: Order) -> Head:
    """Return the head of an object that is written in parts, with the number of its tags.

    Some stores state the number with GetObject only. Where that is denied, the head is returned as it is: a copy may
    be permitted to another principal.
    """
    head = source.head(order.key)
    if TAG_COUNT in head.headers:
        return head
    try:
        with source.get(order.key, if_match=order.etag, first=0, last=0) as first_byte:
            first_byte.read_all()
            count = first_byte.head.headers.get(TAG_COUNT, "0")
    except S3Error as error:
        if not is_denial(error):
            raise
        return head
    return head._replace(headers={**head.headers, TAG_COUNT: count})


def write_multipart(
    destination: Bucket,
    order: Order,
    headers: dict[str, str],
    fill: Callable[[MultipartUpload], Stored],
    retry: Retry,
) -> Stored:
    """Write `order.target` as a multipart upload, which `fill` fills and completes; abort it after an error."""
    upload = MultipartUpload(destination, order.target, _create(destination, order.target, headers), retry)
    try:
        return fill(upload)
    except MoverError as error:
        _abort(upload, error)
        if isinstance(error, S3Error) and _may_begin_again(error):
            error.temporary = True
        raise


def _may_begin_again(error: S3Error) -> bool:
    """Return whether a new upload may succeed: this one was aborted, or completed unheard, or has a wrong part."""
    wrong_parts = error.operation == "CompleteMultipartUpload" and error.code == WRONG_CHECKSUM
    return wrong_parts or error.code in {"NoSuchUpload", "NotFound"}


@contextmanager
def removed_on_mismatch(destination: Bucket, key: str, etag: str) -> Iterator[None]:
    """Remove the copy just written with the ETag `etag` if a `VerificationError` is raised within the context.

    Left there, it might pass for a good one in the next sweep.
    """
    try:
        yield
    except VerificationError as mismatch:
        if refusal := remove_copy(destination, key, etag):
            raise VerificationError(
                f"{mismatch}; the copy could not be removed ({refusal}): remove it by hand"
            ) from mismatch
        raise


def remove_copy(destination: Bucket, key: str, etag: str) -> str:
    """Remove the copy just written with the ETag `etag`, if there is one; return the code of a refusal."""
    if not etag:
        return ""
    try:
        destination.delete(key, if_match=etag)
    except S3Error as error:
        if error.status == HTTPStatus.NOT_FOUND or error.code == "PreconditionFailed":
            return ""
        return error.code
    return ""


def head_of_copy(destination: Bucket, key: str, retry: Retry) -> Head:
    """Return the head of a copy just written.

    Raises:
        VerificationError: the copy is not there.
        S3Error: HeadObject failed.
    """
    try:
        return retry(lambda: destination.head(key))
    except S3Error as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise VerificationError("the destination accepted the copy, and does not have it") from error
        raise


def join_notes(*notes: str) -> str:
    """Join the notes that are not empty."""
    return "; ".join(filter(None, notes))


def _create(destination: Bucket, key: str, headers: dict[str, str]) -> str:
    try:
        return destination.create_upload(key, headers)
    except S3Error as error:
        if error.temporary and not error.status:
            _abort_unanswered(destination, key, error)
        raise


def _abort_unanswered(destination: Bucket, key: str, cause: S3Error) -> None:
    """Abort the upload whose id was lost with the response of its creation: one without parts."""
    try:
        for listed in destination.list_uploads(key):
            if listed.key == key and not any(destination.list_parts(key, listed.upload_id)):
                destination.abort_upload(key, listed.upload_id)
    except S3Error as error:
        cause.add_note(f"a multipart upload may have been left behind: {error.code}")


def _abort(upload: MultipartUpload, cause: MoverError) -> None:
    try:
        retrying(lambda: upload.destination.abort_upload(upload.key, upload.id), ABORT_ATTEMPTS)
    except S3Error as error:
        # Not raised: the transfer's own error decides on the outcome.
        cause.add_note(f"its multipart upload {upload.id} could not be aborted: {error.code}")
