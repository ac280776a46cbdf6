"""One request to one bucket from beginning to end: head, signature, connection, result or error, count.

`bucket.py` defines the operations. Each thread has connections of its own. After two refusals the request is corrected
and sent again, once: a clock that differs from S3's (which allows 15 minutes), and a region that is not the bucket's,
in the signature or, on AWS, in the host's name. The correction holds for all later requests.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple, TypeVar

from s3mover import __version__
from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.documents import error_from, is_success
from s3mover.s3.http import Connection, Stream
from s3mover.s3.payload import Outgoing, body_headers, body_stream, buffered
from s3mover.s3.regions import host_for_region
from s3mover.s3.response import Response
from s3mover.s3.sigv4 import (
    EMPTY_PAYLOAD,
    ChunkSigner,
    quote_key,
    quote_query,
    signed_headers,
)
from s3mover.s3.throttle import UNBOUNDED, Limiter
from s3mover.s3.values import http_time, printable, short
from s3mover.s3.wire import Endpoint, Timeouts

T = TypeVar("T")

CLOCK_TOLERANCE = 900.0
# Operations in which a store may copy gigabytes before it answers.
COPIES = frozenset({"CompleteMultipartUpload", "CopyObject", "UploadPartCopy"})
MAX_MESSAGE = 500
# A larger difference is nonsense, and would make the signatures of all later requests invalid.
MAX_SKEW = 86_400.0
# RFC 9110, section 5.5: no control character except the tab; beyond 0xFF a character is not one byte.
_INVALID_VALUE = re.compile("[^\t\x20-\x7e\x80-\xff]")
_VALID_NAMES = re.compile("[0-9a-z!#$%&'*+.^_`|~-]*")
_WRONG_REGION = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.BAD_REQUEST)
_CORRECTABLE = (*_WRONG_REGION, HTTPStatus.FORBIDDEN)


class _Target(NamedTuple):
    """Where requests go: the endpoint, the bucket's region, and the seconds by which S3's clock is ahead (`skew`).

    `host` is the value of the Host header.
    """

    endpoint: Endpoint
    host: str
    region: str
    skew: float


class Request(NamedTuple):
    """The request of an operation; `key` is None for the bucket itself; header names are in lower case."""

    operation: str
    method: str
    key: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    content: bytes | Outgoing = b""


class Client:
    """Sends requests to one bucket; many threads may share one client.

    Args:
        address: where the bucket is.
        credentials: called for every request; returns the keys that sign it.
        count: called after every request with the operation and `200` or the error's code.
        headers: sent with every request; names in lower case.
        timeouts: bounds in seconds.
        clock: returns seconds since the epoch.
        limiter: limits the requests per second.
        watch: returns a context for the duration of a request, which may take so many seconds; None where nothing
            watches.
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
        watch: Callable[[float], AbstractContextManager[object]] | None = None,
    ) -> None:
        endpoint = Endpoint(address.scheme, address.host, address.port)
        self._secure = address.scheme == "https"
        self._bucket = address.bucket
        self._path = address.path
        self._target = _Target(endpoint, endpoint.authority, address.region, 0.0)
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
        self._watch = watch
        self._local = threading.local()

    def perform(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send `request` and return what `read` returns for its successful response.

        Raises:
            S3Error: S3 refused, the connection failed, or the response could not be read.
        """
        target = self._target
        content = buffered(request.content, secure=self._secure)
        if content is not request.content:
            request = request._replace(content=content)
        try:
            return self._attempt(request, read)
        except S3Error as error:
            # A stream cannot be read again: another attempt must begin with its source.
            if isinstance(request.content, Outgoing) or not self._is_corrected(error, target):
                raise
        return self._attempt(request, read)

    def close_thread(self) -> None:
        """Close the calling thread's connections."""
        for connection in self._connections():
            connection.close()

    def _attempt(self, request: Request, read: Callable[[Response], T]) -> T:
        self._limiter.take()
        target, credentials = self._target, self._credentials()
        try:
            if self._watch is None:
                result = self._exchange(request, read, target, credentials)
            else:
                with self._watch(self._timeouts.longest):
                    result = self._exchange(request, read, target, credentials)
        except S3Error as error:
            # A relayed body may have failed at its source: the error then names that request already.
            if not error.operation:
                error.operation, error.bucket = request.operation, self._bucket
            error.temporary = error.temporary or self._is_corrected(error, target)
            _clean(error, credentials)
            self._count(request.operation, error.code)
            raise
        self._count(request.operation, "200")
        return result

    def _is_corrected(self, error: S3Error, target: _Target) -> bool:
        """Return whether the target was corrected since `target`, so that another attempt is signed otherwise."""
        return self._target != target and error.status in _CORRECTABLE

    def _exchange(
        self, request: Request, read: Callable[[Response], T], target: _Target, credentials: Credentials
    ) -> T:
        head, content = self._sign(request, target, credentials)
        response = self._connection(target.endpoint).request(
            head, content, without_body=request.method == "HEAD", copies=request.operation in COPIES
        )
        try:
            self._raise_for_status(response)
            return read(response)
        except BaseException:
            response.close()
            raise

    def _raise_for_status(self, response: Response) -> None:
        if not is_success(response):
            error = error_from(response)
            self._correct_target(error, response.headers)
            raise error

    def _connection(self, endpoint: Endpoint) -> Connection:
        """Return the thread's connection, another one where a body is still being read from it.

        Connections to a former endpoint are closed.
        """
        connections = self._connections()
        if connections and not connections[0].busy and connections[0].endpoint == endpoint:
            return connections[0]
        for connection in [candidate for candidate in connections if not candidate.busy]:
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

    def _sign(
        self, request: Request, target: _Target, credentials: Credentials
    ) -> tuple[bytes, bytes | Stream]:
        """Return the signed head, and the body as it is sent."""
        path = f"{self._path}/{quote_key(request.key)}" if request.key is not None else self._path or "/"
        query = quote_query(request.query) if request.query else ""
        headers = {"host": target.host, **self._headers, **request.headers, **self._content_headers(request)}
        if _is_invalid_value("".join(headers.values())) or not _are_valid_names(tuple(headers)):
            raise S3Error("InvalidHeader", "a header contains a character that is not allowed in headers")
        region, now = target.region, self._clock() + target.skew
        sent = signed_headers(
            request.method, path, query, headers, credentials=credentials, region=region, now=now
        )
        head = _head(request.method, f"{path}?{query}" if query else path, sent)
        if isinstance(request.content, bytes):
            return head, request.content
        return head, body_stream(request.content, sent, lambda: ChunkSigner(sent, credentials, region))

    def _content_headers(self, request: Request) -> dict[str, str]:
        content = request.content
        if isinstance(content, Outgoing):
            encoding = request.headers.get("content-encoding", "")
            return body_headers(content, encoding, secure=self._secure)
        payload = sha256(content).hexdigest() if content else EMPTY_PAYLOAD
        if request.method in ("PUT", "POST"):
            return {"x-amz-content-sha256": payload, "content-length": str(len(content))}
        return {"x-amz-content-sha256": payload}

    def _correct_target(self, error: S3Error, headers: Mapping[str, str]) -> None:
        """Correct the target where a refusal names another region or shows that S3's clock is ahead."""
        endpoint, _, region, skew = self._target
        if error.status in _WRONG_REGION and error.region and error.region != region:
            region = error.region
            endpoint = endpoint._replace(host=host_for_region(endpoint.host, region))
        if error.status == HTTPStatus.FORBIDDEN:
            skew = self._skew(error.code, headers.get("date", ""))
        self._target = _Target(endpoint, endpoint.authority, region, skew)

    def _skew(self, code: str, date: str) -> float:
        """Return by how many seconds S3's clock is ahead of ours; the code of a refused HEAD does not say."""
        known, theirs = self._target.skew, http_time(date)
        if theirs is None:
            return known
        measured = theirs - self._clock()
        is_skewed = code == "RequestTimeTooSkewed" or abs(measured - known) > CLOCK_TOLERANCE
        return measured if is_skewed and abs(measured) <= MAX_SKEW else known


def _is_invalid_value(text: str) -> bool:
    # Almost all values are plain ASCII, for which no search is needed.
    return not (text.isascii() and text.isprintable()) and _INVALID_VALUE.search(text) is not None


@lru_cache(maxsize=64)
def _are_valid_names(names: tuple[str, ...]) -> bool:
    """Return whether all are valid names; cached, since most requests have the same names."""
    return _VALID_NAMES.fullmatch("".join(names)) is not None


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def _clean(error: S3Error, credentials: Credentials) -> None:
    """Remove secrets from a server's texts, should it repeat them, and cut what is too long."""
    for secret in filter(None, (credentials.secret_key, credentials.session_token)):
        error.message = error.message.replace(secret, "…")
        error.request_id = error.request_id.replace(secret, "…")
        error.host_id = error.host_id.replace(secret, "…")
    error.message = printable(error.message[:MAX_MESSAGE])
    error.request_id, error.host_id = short(error.request_id), short(error.host_id)
    error.args = (error.code, error.message)
