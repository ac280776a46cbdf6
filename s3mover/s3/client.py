"""One request to one bucket from beginning to end: head, signature, connection, verdict, count.

What the operations are called and say is `bucket.py`'s. Each thread has connections of its own. Two refusals are
mended here by sending the request again, once: a clock that differs from S3's (which allows 15 minutes), and a region
that is not the bucket's, in the signature or, on AWS, in the host's name. What was learnt holds for all that follow.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple, TypeVar

from s3mover import __version__
from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.documents import refusal, succeeded
from s3mover.s3.http import Connection, Stream
from s3mover.s3.payload import Outgoing, as_sent, buffered, declared
from s3mover.s3.regions import host_in
from s3mover.s3.response import Response
from s3mover.s3.sigv4 import (
    EMPTY_PAYLOAD,
    ChunkSigner,
    quote_key,
    quote_query,
    signed_headers,
)
from s3mover.s3.throttle import UNBOUNDED, Limiter
from s3mover.s3.wire import Endpoint, Timeouts

T = TypeVar("T")

CLOCK_TOLERANCE = 900.0
# RFC 9110, section 5.5: no control character but the tab; above 0xFF nothing is one byte.
_UNFIT = re.compile("[^\t\x20-\x7e\x80-\xff]")
_NAMES = re.compile("[0-9a-z!#$%&'*+.^_`|~-]*")
_ELSEWHERE = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.BAD_REQUEST)
_MENDABLE = (*_ELSEWHERE, HTTPStatus.FORBIDDEN)


class _Terms(NamedTuple):
    """What requests are made for: where they go, the bucket's region, and how many seconds S3's clock is ahead.

    `host` is how the endpoint is called in a request.
    """

    endpoint: Endpoint
    host: str
    region: str
    skew: float


class Request(NamedTuple):
    """What an operation asks: `key` is None for the bucket itself; header names are in lower case."""

    operation: str
    method: str
    key: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    content: bytes | Outgoing = b""


class Client:
    """Sends requests to one bucket; many threads may share one client.

    Args:
        address: where the bucket answers.
        credentials: called for every request; returns what signs it.
        count: called for every answer with the operation and `200` or the error's code.
        headers: sent with every request; names in lower case.
        timeouts: bounds in seconds.
        clock: tells seconds since the epoch.
        pace: bounds the requests per second.
    """

    def __init__(
        self,
        address: BucketAddress,
        credentials: Callable[[], Credentials],
        count: Callable[[str, str], None],
        *,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        clock: Callable[[], float] = time.time,
        limiter: Limiter = UNBOUNDED,
    ) -> None:
        endpoint = Endpoint(address.scheme, address.host, address.port)
        self._secure = address.scheme == "https"
        self._bucket = address.bucket
        self._path = address.path
        self._terms = _Terms(endpoint, endpoint.authority, address.region, 0.0)
        self._credentials = credentials
        self._count = count
        self._headers = {
            "user-agent": f"s3mover/{__version__}",
            "accept-encoding": "identity",
            **headers,
        }
        self._timeouts = timeouts
        self._clock = clock
        self._limiter = limiter
        self._local = threading.local()

    def perform(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send `request` and return what `read` makes of its successful answer.

        Raises:
            S3Error: S3 refused, the connection failed, or the answer could not be read.
        """
        terms = self._terms
        content = buffered(request.content, secure=self._secure)
        if content is not request.content:
            request = request._replace(content=content)
        try:
            return self._attempt(request, read)
        except S3Error as error:
            # What was read of a stream is gone: another attempt must begin with its source.
            if isinstance(request.content, Outgoing) or not self._is_mended(error, terms):
                raise
        return self._attempt(request, read)

    def close_thread(self) -> None:
        """Close the calling thread's connections."""
        for connection in self._connections():
            connection.close()

    def _attempt(self, request: Request, read: Callable[[Response], T]) -> T:
        self._limiter.take()
        terms, credentials = self._terms, self._credentials()
        try:
            result = self._converse(request, read, terms, credentials)
        except S3Error as error:
            # A body that is relayed may have failed where it comes from: then that request is named already.
            if not error.operation:
                error.operation, error.bucket = request.operation, self._bucket
            error.temporary = error.temporary or self._is_mended(error, terms)
            _silence(error, credentials)
            self._count(request.operation, error.code)
            raise
        self._count(request.operation, "200")
        return result

    def _is_mended(self, error: S3Error, terms: _Terms) -> bool:
        """Tell whether something was learnt since `terms`, so that another attempt is signed otherwise."""
        return self._terms != terms and error.status in _MENDABLE

    def _converse(
        self, request: Request, read: Callable[[Response], T], terms: _Terms, credentials: Credentials
    ) -> T:
        head, content = self._signed(request, terms, credentials)
        response = self._connection(terms.endpoint).request(head, content, headless=request.method == "HEAD")
        try:
            self._check(response)
            return read(response)
        except BaseException:
            response.close()
            raise

    def _check(self, response: Response) -> None:
        if not succeeded(response):
            error = refusal(response)
            self._learn(error, response.headers)
            raise error

    def _connection(self, endpoint: Endpoint) -> Connection:
        """Take the thread's connection; only where a body is still being read from it, another one.

        Those to where the bucket is not are given up.
        """
        connections = self._connections()
        if connections and not connections[0].busy and connections[0].endpoint == endpoint:
            return connections[0]
        for connection in [one for one in connections if not one.busy]:
            if connection.endpoint == endpoint:
                return connection
            connection.close()
            connections.remove(connection)
        connections.append(Connection(endpoint, self._timeouts))
        return connections[-1]

    def _connections(self) -> list[Connection]:
        try:
            connections: list[Connection] = self._local.connections
        except AttributeError:
            connections = self._local.connections = []
        return connections

    def _signed(
        self, request: Request, terms: _Terms, credentials: Credentials
    ) -> tuple[bytes, bytes | Stream]:
        """Return the head and the body as they are sent."""
        path = f"{self._path}/{quote_key(request.key)}" if request.key is not None else self._path or "/"
        query = quote_query(request.query) if request.query else ""
        headers = {"host": terms.host, **self._headers, **request.headers, **self._content_headers(request)}
        if _is_unfit("".join(headers.values())) or not _are_names(tuple(headers)):
            raise S3Error("InvalidHeader", "a header holds a character that headers must not hold")
        region, now = terms.region, self._clock() + terms.skew
        sent = signed_headers(
            request.method, path, query, headers, credentials=credentials, region=region, now=now
        )
        head = _head(request.method, f"{path}?{query}" if query else path, sent)
        if isinstance(request.content, bytes):
            return head, request.content
        return head, as_sent(request.content, sent, lambda: ChunkSigner(sent, credentials, region))

    def _content_headers(self, request: Request) -> dict[str, str]:
        content = request.content
        if isinstance(content, Outgoing):
            encoding = request.headers.get("content-encoding", "")
            return declared(content, encoding, secure=self._secure)
        payload = sha256(content).hexdigest() if content else EMPTY_PAYLOAD
        if request.method in ("PUT", "POST"):
            return {"x-amz-content-sha256": payload, "content-length": str(len(content))}
        return {"x-amz-content-sha256": payload}

    def _learn(self, error: S3Error, headers: Mapping[str, str]) -> None:
        """Note what the request should have been made for, where a refusal tells."""
        endpoint, _, region, skew = self._terms
        if error.status in _ELSEWHERE and error.region and error.region != region:
            region = error.region
            endpoint = endpoint._replace(host=host_in(endpoint.host, region))
        if error.status == HTTPStatus.FORBIDDEN:
            skew = self._skew(error.code, headers.get("date", ""))
        self._terms = _Terms(endpoint, endpoint.authority, region, skew)

    def _skew(self, code: str, date: str) -> float:
        """Return how many seconds S3's clock is ahead of ours; an answer to HEAD does not say why it refuses."""
        known = self._terms.skew
        try:
            found = parsedate_to_datetime(date).timestamp() - self._clock()
        except ValueError:
            return known
        return found if code == "RequestTimeTooSkewed" or abs(found - known) > CLOCK_TOLERANCE else known


def _is_unfit(text: str) -> bool:
    # Almost all is plain ASCII, which is seen at once.
    return not (text.isascii() and text.isprintable()) and _UNFIT.search(text) is not None


@lru_cache(maxsize=64)
def _are_names(names: tuple[str, ...]) -> bool:
    """Tell whether all may be called so: most requests have the names of others."""
    return _NAMES.fullmatch("".join(names)) is not None


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def _silence(error: S3Error, credentials: Credentials) -> None:
    """Take secrets out of what a server said, should it repeat them."""
    for secret in filter(None, (credentials.secret_key, credentials.session_token)):
        error.message = error.message.replace(secret, "…")
    error.args = (error.code, error.message)
