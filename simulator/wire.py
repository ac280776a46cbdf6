"""HTTP/1.1 on one connection: requests in, replies out, in their order. Nothing of S3 here.

Replies say how they are delivered (late, slowly, truncated, not at all): every network fault is applied here.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import unquote_to_bytes

import httptools

from simulator.content import Content
from simulator.latch import Latch

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REASONS = {
    200: "OK", 202: "Accepted", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently",
    304: "Not Modified", 307: "Temporary Redirect", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 411: "Length Required", 412: "Precondition Failed",
    416: "Requested Range Not Satisfiable", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable",
}  # fmt: skip
_CHUNK = 256 * 1024


class Request:
    """The head of one request. `path` is decoded (bytes that are not UTF-8 are escaped by surrogates); `query` too."""

    __slots__ = ("headers", "method", "path", "query", "raw_path", "secure")

    def __init__(self, method: str, target: bytes, headers: dict[str, str], *, secure: bool = False) -> None:
        raw_path, _, raw_query = target.partition(b"?")
        self.method = method
        self.headers = headers
        self.secure = secure
        self.raw_path = raw_path.decode("latin-1")
        self.path = (unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path).decode(
            "utf-8", "surrogateescape"
        )
        self.query = _query(raw_query) if raw_query else {}


def _query(raw: bytes) -> dict[str, str]:
    query = {}
    for pair in raw.replace(b"+", b" ").split(b"&"):
        name, _, value = pair.partition(b"=")
        query[unquote_to_bytes(name).decode("utf-8", "replace")] = unquote_to_bytes(value).decode(
            "utf-8", "replace"
        )
    return query


@dataclass(slots=True)
class Delivery:
    """How a reply reaches the client; the default is at once and whole.

    `delay` is in seconds, `rate` in bytes per second (0: no limit), `cut` the bytes of the body after which the
    connection is closed, `reset` closes it (TCP RST) instead of an answer, `hang` never answers, `latch` holds the
    answer back until it is opened, `flip` inverts one bit of the body's byte at that offset.
    """

    delay: float = 0.0
    rate: int = 0
    cut: int | None = None
    reset: bool = False
    hang: bool = False
    latch: Latch | None = None
    flip: int | None = None


class Reply:
    """One answer. `length` is sent instead of the body's size where they differ (HEAD).

    `code` and `detail` are for the log: the error's code, and what was missing. `endless` says that the length is not
    told: the body ends with the connection.
    """

    __slots__ = ("body", "close", "code", "delivery", "detail", "endless", "headers", "length", "status")

    def __init__(
        self,
        status: int = 200,
        headers: list[tuple[str, str]] | None = None,
        body: bytes | Content = b"",
        length: int | None = None,
    ) -> None:
        self.status = status
        self.headers = headers if headers is not None else []
        self.body = body
        self.length = length
        self.code = ""
        self.detail = ""
        self.close = False
        self.endless = False
        self.delivery: Delivery | None = None

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.body.size if isinstance(self.body, Content) else len(self.body)

    def head(self) -> bytes:
        """Return the status line and headers as they go out."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.status not in (204, 304) and not self.endless:
            lines.append(f"Content-Length: {self.size if self.length is None else self.length}")
        if self.close:
            lines.append("Connection: close")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("latin-1", "replace")


class Exchange(Protocol):
    """One request in progress."""

    def refused(self) -> bool:
        """Return whether the answer is already known and the body not needed."""

    def take(self, data: bytes) -> None:
        """Take further bytes of the body."""

    def finish(self) -> Reply:
        """Execute the request, once the body is complete."""


class Service(Protocol):
    """Answers requests."""

    def open(self, request: Request) -> Exchange:
        """Begin a request whose head has arrived."""


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, service: Service, connections: set["Connection"]) -> None:
        self._service = service
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._exchange: Exchange | None = None
        self._replies: deque[Reply] = deque()
        self._busy = False
        self._ending = False
        self._paused = False
        self._chunks: Iterator[bytes | memoryview] | None = None
        self._reply = Reply()
        self._timer: asyncio.TimerHandle | None = None
        self._secure = False

    # callbacks of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._secure = transport.get_extra_info("ssl_object") is not None
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Drop everything that was still to be sent."""
        self._connections.discard(self)
        self._ending = True
        self._chunks = None
        self._replies.clear()
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, whose callbacks do the rest."""
        if self._ending:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # an internal error: asyncio reports it and closes the connection
        except httptools.HttpParserError:
            self._ending = True
            self._transport.write(_BAD_REQUEST)
            self._transport.close()

    def pause_writing(self) -> None:
        """Stop sending: the client reads slower than we write."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with the body from the event loop: asyncio does not support a close within this callback."""
        self._paused = False
        self._loop.call_soon(self._pump)

    def abort(self) -> None:
        """Close at once with a TCP reset, as a failing peer or middlebox does."""
        self._ending = True
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # callbacks of the parser

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target = b""
        self._headers = {}

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; repeated ones are joined by a comma."""
        text = name.decode("latin-1").lower()
        known = self._headers.get(text)
        self._headers[text] = (
            value.decode("latin-1") if known is None else f"{known},{value.decode('latin-1')}"
        )

    def on_headers_complete(self) -> None:
        """Open the request, and answer `Expect: 100-continue`."""
        method = self._parser.get_method().decode("latin-1")
        self._exchange = self._service.open(Request(method, self._target, self._headers, secure=self._secure))
        if self._headers.get("expect", "").lower() == "100-continue":
            if not self._exchange.refused():
                self._transport.write(_CONTINUE)
            else:
                self._answer(self._exchange.finish(), close=True)
                self._exchange = None

    def on_body(self, data: bytes) -> None:
        """Pass on a piece of the body."""
        if self._exchange is not None:
            self._exchange.take(data)

    def on_message_complete(self) -> None:
        """Answer."""
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            self._answer(exchange.finish(), close=not self._parser.should_keep_alive())

    # sending

    def _answer(self, reply: Reply, *, close: bool) -> None:
        reply.close = reply.close or close or reply.endless
        self._replies.append(reply)
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._replies)
        if not self._busy or self._ending:
            return
        self._reply = self._replies.popleft()
        delivery = self._reply.delivery
        if delivery is None:
            self._send()
        elif delivery.latch is not None:
            delivery.latch.run_when_open(self._send_late)
        elif not delivery.hang:
            self._timer = self._loop.call_later(delivery.delay, self._send) if delivery.delay else None
            if self._timer is None:
                self._send()

    def _send_late(self) -> None:
        if not self._ending:
            self._send()

    def _send(self) -> None:
        reply = self._reply
        if reply.delivery and reply.delivery.reset:
            self.abort()
        elif isinstance(reply.body, bytes) and reply.delivery is None:
            self._transport.write(reply.head() + reply.body)
            self._sent()
        else:
            self._transport.write(reply.head())
            self._chunks = _delivered(reply)
            self._pump()

    def _pump(self) -> None:
        delivery = self._reply.delivery
        if self._timer:
            self._timer.cancel()
        while self._chunks is not None and not self._paused:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._chunks = None
                self._sent()
                return
            self._transport.write(chunk)
            if delivery and delivery.rate:
                self._timer = self._loop.call_later(len(chunk) / delivery.rate, self._pump)
                return

    def _sent(self) -> None:
        cut = self._reply.delivery is not None and self._reply.delivery.cut is not None
        if self._reply.close or cut:
            self._ending = True
            self._transport.close()
        else:
            self._next()


def _delivered(reply: Reply) -> Iterator[bytes | memoryview]:
    """Yield the body as the delivery says."""
    delivery = reply.delivery or Delivery()
    body = reply.body if isinstance(reply.body, Content) else Content((reply.body,))
    if delivery.cut is not None:
        body = body.cut(0, min(delivery.cut, body.size))
    step = max(1, min(_CHUNK, delivery.rate // 10)) if delivery.rate else _CHUNK
    offset = 0
    for chunk in body.chunks(step):
        if delivery.flip is not None and offset <= delivery.flip < offset + len(chunk):
            yield flipped(chunk, delivery.flip - offset)
        else:
            yield chunk
        offset += len(chunk)


def flipped(data: bytes | memoryview, offset: int) -> bytes:
    """Return the bytes with one bit inverted."""
    changed = bytearray(data)
    changed[offset] ^= 1
    return bytes(changed)
