"""One request to one bucket from beginning to end: head, signature, connection, verdict, count.

What the operations are called and say is `bucket.py`'s. Each thread has a connection of its own. Two refusals are
mended here by sending the request again, once: a clock that differs from S3's (which allows 15 minutes), and a
signature for another region than the bucket's.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar

from s3mover import __version__
from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.answers import refusal, succeeded
from s3mover.s3.http import Connection, Stream
from s3mover.s3.response import Response
from s3mover.s3.sigv4 import EMPTY_PAYLOAD, UNSIGNED_PAYLOAD, quote_key, quote_query, signed_headers
from s3mover.s3.wire import Endpoint, Timeouts

T = TypeVar("T")

CLOCK_TOLERANCE = 900.0
# RFC 9110, section 5.5: no control character but the tab; above 0xFF nothing is one byte.
_UNFIT = re.compile("[^\t\x20-\x7e\x80-\xff]")
_TOKEN = re.compile("[0-9A-Za-z!#$%&'*+.^_`|~-]*")


class Request(NamedTuple):
    """What an operation asks: `key` is None for the bucket itself; header names are in lower case."""

    operation: str
    method: str
    key: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    content: bytes | Stream = b""


class Client:
    """Sends requests to one bucket; many threads may share one client.

    Args:
        address: where the bucket answers.
        credentials: called for every request; returns what signs it.
        count: called for every answer with the operation and `200` or the error's code.
        headers: sent with every request; names in lower case.
        timeouts: bounds in seconds.
        clock: tells seconds since the epoch.
    """

    def __init__(
        self,
        address: BucketAddress,
        credentials: Callable[[], Credentials],
        count: Callable[[str, str], None],
        headers: Mapping[str, str],
        timeouts: Timeouts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._endpoint = Endpoint(address.scheme, address.host, address.port)
        self._path = address.path
        self._region = address.region
        self._credentials = credentials
        self._count = count
        self._headers = {"host": self._endpoint.authority, **headers}
        self._timeouts = timeouts
        self._clock = clock
        self._skew = 0.0
        self._local = threading.local()

    def perform(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send `request` and return what `read` makes of its successful answer.

        Raises:
            S3Error: S3 refused, the connection failed, or the answer could not be read.
        """
        try:
            return self._attempt(request, read)
        except S3Error as error:
            if not self._mend(error):
                raise
            if isinstance(request.content, Stream):
                # What was read is gone; but another attempt from its beginning will be signed rightly.
                error.temporary = True
                raise
        return self._attempt(request, read)

    def close_thread(self) -> None:
        """Close the calling thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    def _attempt(self, request: Request, read: Callable[[Response], T]) -> T:
        credentials = self._credentials()
        try:
            result = self._converse(request, read, credentials)
        except S3Error as error:
            error.operation = request.operation
            error.message = _discreet(error.message, credentials)
            self._count(request.operation, error.code)
            raise
        self._count(request.operation, "200")
        return result

    def _converse(self, request: Request, read: Callable[[Response], T], credentials: Credentials) -> T:
        head = self._head(request, credentials)
        response = self._connection().request(head, request.content, headless=request.method == "HEAD")
        try:
            if not succeeded(response):
                raise self._refused(response)
            return read(response)
        except BaseException:
            response.close()
            raise

    def _head(self, request: Request, credentials: Credentials) -> bytes:
        content = request.content
        streamed = isinstance(content, Stream)
        payload = UNSIGNED_PAYLOAD if streamed else sha256(content).hexdigest() if content else EMPTY_PAYLOAD
        headers = {**self._headers, "x-amz-content-sha256": payload, **request.headers}
        if _UNFIT.search("".join(headers.values())) or not _TOKEN.fullmatch("".join(headers)):
            raise S3Error("InvalidHeader", "a header holds characters that no header can")
        path = self._path + "/" + quote_key(request.key or "")
        query = quote_query(request.query)
        now = self._clock() + self._skew
        lines = signed_headers(request.method, path, query, headers, credentials, self._region, now)
        ...
