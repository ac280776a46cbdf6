"""The response to GetObject: the object's head and its body."""

from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType

from s3mover.errors import S3Error
from s3mover.s3 import xml
from s3mover.s3.protocol_errors import invalid_response
from s3mover.s3.records import Head
from s3mover.s3.response import UNKNOWN_LENGTH, Response
from s3mover.s3.throttle import UNBOUNDED, Limiter
from s3mover.s3.values import number, total_of_range

MAX_WHOLE_BODY = 64 * 1024 * 1024


class Body:
    """The bytes of one object, or a range of them, still to be read; a context manager.

    `length` is in bytes, -1 where a store does not say. Leaving the context before the end closes the connection.
    """

    def __init__(self, response: Response, bucket: str) -> None:
        self.head = object_head(response)
        self.length = response.length
        self._response = response
        self._bucket = bucket
        self._limiter: Limiter = UNBOUNDED

    def limited_by(self, limiter: Limiter) -> "Body":
        """Read no faster than `limiter` permits; return this body."""
        self._limiter = limiter
        return self

    def read_into(self, view: memoryview) -> int:
        """Read available bytes into `view` and return the count; 0 at the end.

        Raises:
            S3Error: the body ended early, or the connection failed.
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
    """Return what the headers of a response say of its object."""
    headers = response.headers
    stated = headers.get("content-range", "")
    size = total_of_range(stated) if stated else number(headers.get("content-length", ""))
    return Head(
        UNKNOWN_LENGTH if size is None else size, etag_of(headers), headers.get("last-modified", ""), headers
    )


def checked_body(bucket: str, if_match: str, first: int | None, response: Response) -> Body:
    """Return the body of a GetObject; ensure that it is of the requested version and the requested range."""
    # Some stores ignore the condition, and some return no ETag.
    if if_match and etag_of(response.headers) not in ("", if_match):
        raise S3Error("PreconditionFailed", "the store returned another version than the one asked for")
    if first is not None:
        if not _is_range_from(first, response):
            raise invalid_response("the store returned other bytes than those asked for")
    elif response.status != HTTPStatus.OK:
        raise invalid_response(
            f"the store responded with {response.status}, expected 200 for the whole object"
        )
    return Body(response, bucket)


def _is_range_from(first: int, response: Response) -> bool:
    """Return whether the body begins at the byte `first`: some stores say so with 200, and the length must agree."""
    stated = response.headers.get("content-range", "")
    if not stated.startswith(f"bytes {first}-"):
        return False
    last = number(stated.partition("-")[2].partition("/")[0])
    whole_range = last is not None and response.length == last - first + 1
    return response.status == HTTPStatus.PARTIAL_CONTENT or (response.status == HTTPStatus.OK and whole_range)


def etag_of(headers: Mapping[str, str]) -> str:
    """Return the ETag in `headers`, without its quotes, empty where there is none."""
    return xml.unquote_etag(headers.get("etag", ""))
