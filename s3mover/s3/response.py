"""Answers: the head of one, and its body as it comes. The connection they come through is next door (`http.py`).

Heads and chunked bodies go through httptools (llhttp), which refuses contradictory ones; a body of known length
goes from the socket straight into the caller's buffer. Sources: RFC 9112, sections 6.3 and 7.1.
"""

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import Protocol

from httptools import HttpParserError, HttpResponseParser

from s3mover.errors import S3Error

UNKNOWN = -1
# Looked up once: Python takes 0.2 us to find a member of an enumeration.
_WITHOUT_BODY = (int(HTTPStatus.NO_CONTENT), int(HTTPStatus.NOT_MODIFIED))


class Incoming(Protocol):
    """What an answer needs of its connection."""

    def take_into(self, view: memoryview) -> int:
        """Give bytes of the answer; 0 where the server has closed."""

    def take(self) -> memoryview:
        """Give the next bytes of the answer as they are, valid until the next call; none where it has closed."""

    def take_at_once(self, count: int) -> bytes:
        """Give so many bytes of the answer where all of them are here already, else none."""

    def answered(self, keep: bool) -> None:
        """Note that the answer was read to its end."""

    def close(self) -> None:
        """Give the connection up."""


class Message:
    """What httptools says of one answer: the callbacks of its parser, and what they noted."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.keep = False
        self.pieces: list[bytes] = []
        self.begun = 0
        self.head_ended = False
        self.ended = False

    def on_message_begin(self) -> None:
        """Count: a second one is what the server sent after its answer."""
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header; several of one name are joined as RFC 9110, section 5.3 has it; trailers are not kept."""
        if self.head_ended:
            return
        key, text = name.lower().decode("latin-1"), value.strip().decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """Note the end of the head."""
        self.head_ended = True

    def on_body(self, piece: bytes) -> None:
        """Note a piece of the body."""
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """Note the end of the answer."""
        self.ended = True


def parse_head(head: memoryview) -> tuple[Message, HttpResponseParser]:
    """Read a whole head, its empty line included.

    Raises:
        S3Error: `InvalidResponse`.
    """
    message = Message()
    parser = HttpResponseParser(message)
    feed(parser, head)
    if not message.head_ended:
        raise invalid("the head of the answer is malformed")
    message.status = parser.get_status_code()
    closing = "close" in message.headers.get("connection", "").lower()
    message.keep = not closing and parser.get_http_version() == "1.1"
    return message, parser


def feed(parser: HttpResponseParser, data: memoryview) -> None:
    """Let httptools read on.

    Raises:
        S3Error: `InvalidResponse`.
    """
    try:
        parser.feed_data(data)
    except HttpParserError as error:
        raise invalid(f"the answer is not HTTP: {error}") from error


def invalid(message: str) -> S3Error:
    """Make the error for an answer that is none."""
    return S3Error("InvalidResponse", message, temporary=True)


def incomplete(message: str) -> S3Error:
    """Make the error for what ended too early."""
    return S3Error("IncompleteBody", message, temporary=True)


class Response(ABC):
    """An answer whose head was read; its body is read from here.

    `headers` are in lower case, their values latin-1 of the bytes that were sent; `length` is the body's in bytes,
    -1 where the server does not say. Closing a response whose body was not read to its end closes the connection.
    """

    length: int

    def __init__(self, incoming: Incoming, message: Message) -> None:
        self.status = message.status
        self.headers = message.headers
        self._incoming = incoming
        self._message = message
        self._ended = False

    @abstractmethod
    def read_into(self, view: memoryview) -> int:
        """Fill as much of `view` as comes at once and return the count; 0 at the end.

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
        """Give the connection up, unless the body was read to its end."""
        if not self._ended:
            self._ended = True
            self._incoming.close()

    def _end(self) -> None:
        self._ended = True
        self._incoming.answered(self._message.keep)


class _Sized(Response):
    """A body of known length, which may be nothing."""

    def __init__(self, incoming: Incoming, message: Message, length: int) -> None:
        super().__init__(incoming, message)
        self.length = self._left = length
        if not length:
            self._end()

    def read_into(self, view: memoryview) -> int:
        if not self._left:
            return 0
        try:
            count = self._incoming.take_into(view[: self._left])
            if not count:
                raise incomplete(f"the body ended {self._left} bytes early")
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
            raise invalid(f"the body is longer than {limit} bytes")
        # A short body mostly comes with its head: to fill a buffer with it takes four times as long.
        if self._left and (body := self._incoming.take_at_once(self._left)):
            self._left = 0
            self._end()
            return body
        whole, filled = memoryview(bytearray(self._left)), 0
        while self._left:
            filled += self.read_into(whole[filled:])
        return bytes(whole)


class _Unsized(Response):
    """A body that comes in pieces until its end is marked, one way or another."""

    length = UNKNOWN
    _rest = memoryview(b"")

    def read_into(self, view: memoryview) -> int:
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def read_all(self, limit: int) -> bytes:
        whole = bytearray(self._rest)
        while piece := self._next():
            whole += piece
            if len(whole) > limit:
                self.close()
                raise invalid(f"the body is longer than {limit} bytes")
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
    def __init__(self, incoming: Incoming, message: Message, parser: HttpResponseParser) -> None:
        super().__init__(incoming, message)
        self._parser = parser

    def _receive(self) -> bytes:
        message = self._message
        while not message.pieces and not message.ended:
            data = self._incoming.take()
            if not data:
                raise incomplete("the body ended before its last chunk")
            feed(self._parser, data)
        if message.begun > 1:
            raise invalid("the server sent more than its answer")
        if message.ended:
            self._end()
        body = b"".join(message.pieces)
        message.pieces.clear()
        return body


class _UntilClosed(_Unsized):
    def _receive(self) -> bytes:
        data = bytes(self._incoming.take())
        if not data:
            self._end()
        return data


def response(incoming: Incoming, message: Message, parser: HttpResponseParser, headless: bool) -> Response:
    """Make the response whose body is framed as the head says; none where `headless` (HEAD), 204 or 304."""
    if headless or message.status in _WITHOUT_BODY:
        return _Sized(incoming, message, 0)
    if "transfer-encoding" in message.headers:
        return _Chunked(incoming, message, parser)
    if "content-length" in message.headers:
        return _Sized(incoming, message, int(message.headers["content-length"]))
    message.keep = False
    return _UntilClosed(incoming, message)
