"""An object on its way to us: what its head says, and its bytes."""

from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType

from s3mover.errors import S3Error
from s3mover.s3 import xml
from s3mover.s3.records import Head
from s3mover.s3.response import UNKNOWN, Response, invalid
from s3mover.s3.throttle import UNBOUNDED, Limiter

MAX_WHOLE_BODY = 64 * 1024 * 1024


class Body:
    """The bytes of one object, or a range of them, on their way; a context manager.

    `length` is how many bytes come, -1 where a store does not say. Leaving before the end closes the connection.
    """

    def __init__(self, response: Response, bucket: str) -> None:
        self.head = object_head(response)
        self.length = response.length
        self._response = response
        self._bucket = bucket
        self._limiter: Limiter = UNBOUNDED

    def limited_by(self, limiter: Limiter) -> "Body":
        """Let the bytes come no faster than `limiter`."""
        self._limiter = limiter
        return self

    def read_into(self, view: memoryview) -> int:
        """Fill as much of `view` as comes at once and return the count; 0 at the end.

        Raises:
            S3Error: the body did not come whole.
        """
        try:
            count = self._response.read_into(view)
        except S3Error as error:
            error.operation, error.bucket = "GetObject", self._bucket
            raise
        self._limiter.take(count)
        return count

    def read_all(self, limit: int = MAX_WHOLE_BODY) -> bytes:
        """Return the rest of the bytes, at most `limit`; errors as `read_into`."""
        try:
            return self._response.read_all(limit)
        except S3Error as error:
            error.operation, error.bucket = "GetObject", self._bucket
            raise

    def __enter__(self) -> "Body":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.close()


def object_head(response: Response) -> Head:
    """Read what the head of an answer says of its object."""
    headers = response.headers
    total = headers.get("content-range", "").rpartition("/")[2] or headers.get("content-length", "")
    size = int(total) if total.isascii() and total.isdigit() else UNKNOWN
    return Head(size, etag_of(headers), headers.get("last-modified", ""), headers)


def opened(bucket: str, if_match: str, first: int | None, response: Response) -> Body:
    """Return the body of an answer to GetObject, which must be of the version and the bytes that were asked for."""
    # Not every store heeds the condition, nor gives an ETag.
    if if_match and etag_of(response.headers) not in ("", if_match):
        raise S3Error("PreconditionFailed", "the store gives another version than the one asked for")
    if first is not None:
        told = response.headers.get("content-range", "")
        if response.status != HTTPStatus.PARTIAL_CONTENT or not told.startswith(f"bytes {first}-"):
            raise invalid("the store gives other bytes than those asked for")
    elif response.status != HTTPStatus.OK:
        raise invalid(f"the store answers {response.status} where the whole object was asked for")
    return Body(response, bucket)


def etag_of(headers: Mapping[str, str]) -> str:
    """Return the ETag that headers tell, without its quotes."""
    return xml.bare_etag(headers.get("etag", ""))
