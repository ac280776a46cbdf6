"""Responses: the head, and the body while it is received. `http.py` holds the connection.

A body of known length goes from the socket straight into the caller's buffer; a chunked one is parsed by `message.py`.
Sources: RFC 9112, sections 6.3 and 7.1.
"""

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import Protocol

from httptools import HttpResponseParser

from s3mover.errors import S3Error
from s3mover.s3.message import HttpMessage, feed
from s3mover.s3.protocol_errors import incomplete_body, invalid_response

UNKNOWN_LENGTH = -1
FIRST_BUFFER = 64 * 1024
# Sizes and extensions of chunks, and trailers, in a row without a byte of the body.
MAX_FRAMING = 64 * 1024
# Looked up once: Python takes 0.2 us to find a member of an enumeration.
_WITHOUT_BODY = (int(HTTPStatus.NO_CONTENT), int(HTTPStatus.NOT_MODIFIED))


class Incoming(Protocol):
    """What a response needs of its connection."""

    def receive_into(self, view: memoryview) -> int:
        """Fill `view` with bytes and return the count; 0 where the server has closed."""

    def receive(self) -> memoryview:
        """Return the next bytes, valid until the next call; none where the server has closed."""

    def receive_buffered(self, count: int) -> bytes:
        """Return `count` bytes where all of them are buffered, else none."""

    def limit_time(self) -> None:
        """Let the rest of the response take as long as a document may."""

    def response_ended(self, keep_alive: bool) -> None:
        """Keep or close the connection after the response was read to its end."""

    def close(self) -> None:
        """Close the connection."""


class Response(ABC):
    """A response whose head was read, and whose body is still to be read.

    `headers` have names in lower case, and values that are the bytes read as latin-1; `length` is the body's in bytes,
    -1 where the server does not say. Closing a response whose body was not read to its end closes the connection.
    """

    length: int

    def __init__(self, incoming: Incoming, message: HttpMessage) -> None:
        self.status = message.status
        self.headers = message.headers
        self._incoming = incoming
        self._message = message
        self._ended = False

    @abstractmethod
    def read_into(self, view: memoryview) -> int:
        """Read available bytes into `view` and return the count; 0 at the end.

        Raises:
            S3Error: `IncompleteBody`, `InvalidResponse`, `ConnectionError` or `Timeout`; the connection is closed.
        """

    @abstractmethod
    def read_all(self, limit: int) -> bytes:
        """Return the rest of the body.

        Raises:
            S3Error: as `read_into`; `InvalidResponse` for more than `limit` bytes.
        """

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        if not self._ended:
            self._ended = True
            self._incoming.close()

    def _end(self) -> None:
        self._ended = True
        self._incoming.response_ended(self._message.keep_alive)


class _Sized(Response):
    """A body of known length, which may be 0."""

    def __init__(self, incoming: Incoming, message: HttpMessage, length: int) -> None:
        super().__init__(incoming, message)
        self.length = self._left = length
        if not length:
            self._end()

    def read_into(self, view: memoryview) -> int:
        if not self._left:
            return 0
        try:
            count = self._incoming.receive_into(view[: self._left])
            if not count:
                raise incomplete_body(f"the body ended {self._left} bytes early")
        except S3Error:
            self.close()
            raise
        self._left -= count
        if not self._left:
            self._end()
        return count

    def read_all(self, limit: int) -> bytes:
        if self._left > limit:
            self.close()
            raise invalid_response(f"the body is longer than {limit} bytes")
        # A short body mostly arrives with its head: copying it into a buffer takes four times as long.
        if self._left and (body := self._incoming.receive_buffered(self._left)):
            self._left = 0
            self._end()
            return body
        self._incoming.limit_time()
        # The buffer grows as bytes come: a promised length costs a server nothing.
        whole, filled = bytearray(), 0
        while self._left:
            if filled == len(whole):
                whole.extend(bytes(min(self._left, max(filled, FIRST_BUFFER))))
            with memoryview(whole) as view:
                filled += self.read_into(view[filled:])
        return bytes(whole)


class _Unsized(Response):
    """A body of unknown length, which is read until its end is marked."""

    length = UNKNOWN_LENGTH
    _rest = memoryview(b"")

    def read_into(self, view: memoryview) -> int:
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def read_all(self, limit: int) -> bytes:
        self._incoming.limit_time()
        whole = bytearray(self._rest)
        while piece := self._next():
            whole += piece
            if len(whole) > limit:
                self.close()
                raise invalid_response(f"the body is longer than {limit} bytes")
        return bytes(whole)

    def _next(self) -> bytes:
        if self._ended:
            return b""
        try:
            return self._receive()
        except S3Error:
            self.close()
            raise

    @abstractmethod
    def _receive(self) -> bytes:
        """Return the next bytes of the body, nothing at its end."""


class _Chunked(_Unsized):
    def __init__(self, incoming: Incoming, message: HttpMessage, parser: HttpResponseParser) -> None:
        super().__init__(incoming, message)
        self._parser = parser

    def _receive(self) -> bytes:
        message, framing = self._message, 0
        while not message.pieces and not message.ended:
            data = self._incoming.receive()
            if not data:
                raise incomplete_body("the body ended before its last chunk")
            framing += len(data)
            if framing > MAX_FRAMING:
                raise invalid_response(f"more than {MAX_FRAMING} bytes come between two chunks")
            feed(self._parser, data)
        if message.messages_begun > 1:
            raise invalid_response("the server sent more than its response")
        if message.ended:
            self._end()
        body = b"".join(message.pieces)
        message.pieces.clear()
        return body


class _UntilClosed(_Unsized):
    def _receive(self) -> bytes:
        data = bytes(self._incoming.receive())
        if not data:
            self._end()
        return data


def make_response(
    incoming: Incoming, message: HttpMessage, parser: HttpResponseParser, without_body: bool
) -> Response:
    """Return the response with its body framed as the head says; no body if `without_body` (HEAD), 204 or 304."""
    if without_body or message.status in _WITHOUT_BODY:
        return _Sized(incoming, message, 0)
    if "transfer-encoding" in message.headers:
        return _Chunked(incoming, message, parser)
    if "content-length" in message.headers:
        return _Sized(incoming, message, int(message.headers["content-length"]))
    message.keep_alive = False
    return _UntilClosed(incoming, message)
