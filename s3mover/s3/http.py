"""HTTP/1.1 on one keep-alive connection: sends a request, and receives the head of its response.

Knows nothing of S3, signatures or XML. `response.py` reads the body of a response, `wire.py` holds the socket. After
any error the connection is closed, so that no response is ever taken for another's. Sources: RFC 9110, RFC 9112.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from httptools import HttpResponseParser

from s3mover.errors import S3Error
from s3mover.s3.message import HttpMessage, parse_head
from s3mover.s3.protocol_errors import incomplete_body, invalid_response
from s3mover.s3.response import Response, make_response
from s3mover.s3.wire import Endpoint, Timeouts, Wire, open_wire, proxy_for

RECEIVE_BUFFER = 32 * 1024  # also the longest head of a response; those of S3 are below 10 KiB
SEND_BUFFER = 32 * 1024  # one per connection; four times as much is not faster under TLS
PAGE = 4096  # buffers have whole pages, first one: 150 threads have two connections each
END_OF_HEAD = b"\r\n\r\n"
_INTERIM = range(HTTPStatus.OK)
MAX_INTERIM = 16  # interim responses before the real one


class Stream(NamedTuple):
    """A request body of `length` bytes, read while it is sent: `read` fills a view and returns the count, 0 at the end.

    A view has room for `SEND_BUFFER` bytes, or for all that is left. The body is never sent twice, since it cannot be
    read again.
    """

    read: Callable[[memoryview], int]
    length: int


class NoResponseError(S3Error):
    """The server closed the connection before any byte of a response."""

    def __init__(self) -> None:
        super().__init__(
            "ConnectionError", "the server closed the connection without a response", temporary=True
        )


class Connection:
    """One connection to one endpoint, opened when needed and kept open; belongs to one thread."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self.endpoint = endpoint
        self._timeouts = timeouts
        self._silence = timeouts.read
        self._proxy = proxy_for(endpoint)
        self._wire: Wire | None = None
        self._buffer = bytearray(PAGE)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._send_view: memoryview | None = None
        self.busy = False  # the body of a response is still to be read: no request may be sent before

    def request(
        self, head: bytes, content: bytes | Stream = b"", *, without_body: bool = False, copies: bool = False
    ) -> Response:
        """Send a request and return its response once the head of that is read.

        The server may have closed a kept connection: where it does before any byte of a response, the request is
        sent again, once, on a new one, unless its body is a `Stream` or it is not idempotent (POST: RFC 9110, section
        9.2.2).

        Args:
            head: request line and headers up to and including the empty line.
            content: the body; `head` must contain its length.
            without_body: the response has no body, whatever its head says (HEAD).
            copies: the server may be silent for as long as it copies.

        Raises:
            S3Error: `ConnectionError`, `Timeout`, `IncompleteBody` or `InvalidResponse`.
        """
        kept = self._ensure_open()
        self.busy = True
        self._silence = self._timeouts.copy if copies else self._timeouts.read
        head = self._for_proxy(head)
        try:
            try:
                return self._exchange(head, content, without_body)
            except NoResponseError:
                if not kept or isinstance(content, Stream) or head.startswith(b"POST "):
                    raise
                self._reopen()
                return self._exchange(head, content, without_body)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        self.busy = False

    def receive_into(self, view: memoryview) -> int:
        """Fill `view` with buffered bytes, else with received ones; return the count, 0 where the server has closed."""
        if self._start == self._end:
            return self._open_wire.receive_into(view)
        count = min(len(view), self._end - self._start)
        view[:count] = self._view[self._start : self._start + count]
        self._start += count
        return count

    def receive(self) -> memoryview:
        """Return the next bytes, valid until the next call; none where the server has closed."""
        if self._start == self._end:
            self._grow()
            self._start, self._end = 0, self._open_wire.receive_into(self._view)
        start, self._start = self._start, self._end
        return self._view[start : self._end]

    def limit_time(self) -> None:
        """Let the rest of the response take as long as a document may."""
        if self._wire is not None:
            self._wire.limit_time(self._timeouts.document)

    def receive_buffered(self, count: int) -> bytes:
        """Return `count` bytes where all of them are buffered, else none."""
        if self._end - self._start < count:
            return b""
        start, self._start = self._start, self._start + count
        return bytes(self._view[start : self._start])

    def response_ended(self, keep_alive: bool) -> None:
        """Keep or close the connection after a response was read to its end.

        Raises:
            S3Error: the server sent more than its response.
        """
        self.busy = False
        overlong = self._start != self._end
        if overlong or not keep_alive:
            self.close()
        if overlong:
            raise invalid_response("the server sent more than its response")

    @property
    def _open_wire(self) -> Wire:
        if self._wire is None:
            raise S3Error("ConnectionError", "the connection is closed", temporary=True)
        return self._wire

    def _ensure_open(self) -> bool:
        """Open the connection if it is not open; return whether a kept one is used.

        A kept connection must be silent: one that was closed, or on which bytes arrived unasked, is replaced.
        """
        self._start = self._end = 0
        if self._wire is not None and self._wire.try_receive(self._view) is None:
            return True
        self._reopen()
        return False

    def _reopen(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        self._wire = open_wire(self.endpoint, self._proxy, self._timeouts)

    def _for_proxy(self, head: bytes) -> bytes:
        """Return `head` with the request line that a proxy for plain HTTP needs (RFC 9112, section 3.2.2)."""
        if self._proxy is None or self.endpoint.scheme != "http":
            return head
        method, target, rest = head.split(b" ", 2)
        line, headers = rest.split(b"\r\n", 1)
        authorization = self._proxy.authorization
        added = f"proxy-authorization: {authorization}\r\n".encode("latin-1") if authorization else b""
        url = b"http://" + self.endpoint.authority.encode() + target
        return b"%s %s %s\r\n%s%s" % (method, url, line, added, headers)

    def _exchange(self, head: bytes, content: bytes | Stream, without_body: bool) -> Response:
        self._open_wire.limit_rate()
        sent = (
            self._send_stream(head, content)
            if isinstance(content, Stream)
            else self._try_send(head + content)
        )
        for _ in range(MAX_INTERIM):
            message, parser = self._receive_head()
            if message.status not in _INTERIM:
                break
        else:
            raise invalid_response("the server sent interim responses only")
        if not sent:
            message.keep_alive = False
            if message.status < HTTPStatus.MULTIPLE_CHOICES:
                raise invalid_response("the server reported success before it had the whole body")
        return make_response(self, message, parser, without_body)

    def _try_send(self, data: bytes | memoryview) -> bool:
        """Send all; return False where the server has closed, most often after a refusal that can still be read."""
        try:
            self._open_wire.send(data)
        except S3Error as error:
            if error.code != "ConnectionError":
                raise
            return False
        return True

    def _send_stream(self, head: bytes, content: Stream) -> bool:
        """Send head and body; return False where the server responded or closed before the end."""
        left, filled = content.length, len(head)
        out = self._send_buffer(filled + min(left, SEND_BUFFER))
        out[:filled] = head
        while True:
            if left:
                count = content.read(out[filled : filled + left])
                if not count:
                    raise incomplete_body(f"the body to send ended {left} bytes early")
                left, filled = left - count, filled + count
            if self._has_early_response() or not self._try_send(out[:filled]):
                return False
            if not left:
                return True
            filled = 0

    def _send_buffer(self, size: int) -> memoryview:
        """Return a buffer of at least `size` bytes: the hundreds of connections for small objects need small ones."""
        if self._send_view is None or len(self._send_view) < size:
            self._send_view = memoryview(bytearray(-(-size // PAGE) * PAGE))
        return self._send_view

    def _has_early_response(self) -> bool:
        received = self._open_wire.try_receive(self._view)
        self._start, self._end = 0, received or 0
        return received is not None

    def _receive_head(self) -> tuple[HttpMessage, HttpResponseParser]:
        wire = self._open_wire
        if self._start == self._end:
            wire.wait(self._silence)
        wire.limit_time(self._timeouts.head)
        while (end := self._buffer.find(END_OF_HEAD, self._start, self._end)) < 0:
            self._receive_more(wire)
        wire.limit_rate()
        start, self._start = self._start, end + len(END_OF_HEAD)
        return parse_head(self._view[start : self._start])

    def _grow(self) -> None:
        """Enlarge the buffer to its bound, for a long head or a body that is read through it."""
        if len(self._buffer) < RECEIVE_BUFFER:
            self._buffer = self._buffer.ljust(RECEIVE_BUFFER, b"\0")
            self._view = memoryview(self._buffer)

    def _receive_more(self, wire: Wire) -> None:
        if self._end == RECEIVE_BUFFER:
            raise invalid_response(f"the head of the response is longer than {RECEIVE_BUFFER} bytes")
        if self._end == len(self._buffer):
            self._grow()
        has_begun = self._start != self._end
        try:
            count = wire.receive_into(self._view[self._end :])
        except S3Error as error:
            if has_begun or error.code != "ConnectionError":
                raise
            raise NoResponseError from error
        if not count:
            raise incomplete_body("the response ended within its head") if has_begun else NoResponseError
        self._end += count
