"""HTTP/1.1 on one keep-alive connection: a request's head and body out, an answer's head in.

Knows nothing of S3, signatures or XML; an answer's body is `response.py`'s, the socket `wire.py`'s. Whatever goes
wrong, the connection is closed, so that no answer is ever taken for another's. Sources: RFC 9110, RFC 9112.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from httptools import HttpResponseParser

from s3mover.errors import S3Error
from s3mover.s3.response import Message, Response, incomplete, invalid, parse_head, response
from s3mover.s3.wire import Endpoint, Timeouts, Wire, open_wire, proxy_for

RECEIVE_BUFFER = 32 * 1024  # bounds the head of an answer, too; S3's own are below 10 KiB
SEND_BUFFER = 32 * 1024  # each thread may hold one; four times as much is no faster under TLS
PAGE = 4096  # buffers begin with one and grow by whole ones: 150 threads have two connections each
END_OF_HEAD = b"\r\n\r\n"
_INTERIM = range(HTTPStatus.OK)


class Stream(NamedTuple):
    """A request body that is read as it is sent: `read` fills a view and returns the count, 0 at the end.

    A view has room for `SEND_BUFFER` bytes, or for all that is left. The body is never sent twice, because what was
    read is gone.
    """

    read: Callable[[memoryview], int]
    length: int


class UnansweredError(S3Error):
    """The server closed the connection before any byte of an answer."""

    def __init__(self) -> None:
        super().__init__(
            "ConnectionError", "the server closed the connection without an answer", temporary=True
        )


class Connection:
    """One connection to one endpoint, opened when needed and kept open; belongs to one thread."""

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self.endpoint = endpoint
        self._timeouts = timeouts
        self._proxy = proxy_for(endpoint)
        self._wire: Wire | None = None
        self._buffer = bytearray(PAGE)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._out: memoryview | None = None
        self.busy = False  # an answer's body is still to be read: nothing else may be asked meanwhile

    def request(self, head: bytes, content: bytes | Stream = b"", *, headless: bool = False) -> Response:
        """Send a request and return its answer once the answer's head is read.

        A kept connection may have been closed by the server meanwhile: where it closes before any byte of an
        answer, the request is sent once more on a new one, unless its body is a stream, or repeating it would do
        something twice (POST: RFC 9110, section 9.2.2).

        Args:
            head: request line and headers up to and including the empty line.
            content: the body; its length must stand in `head`.
            headless: the answer has no body whatever its head says (HEAD).

        Raises:
            S3Error: `ConnectionError`, `Timeout`, `IncompleteBody` or `InvalidResponse`.
        """
        kept = self._open()
        self.busy = True
        head = self._addressed(head)
        try:
            try:
                return self._exchange(head, content, headless)
            except UnansweredError:
                if not kept or isinstance(content, Stream) or head.startswith(b"POST "):
                    raise
                self._reopen()
                return self._exchange(head, content, headless)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        self.busy = False

    def take_into(self, view: memoryview) -> int:
        """Give bytes of the answer: what is here already, else what comes; 0 where the server has closed."""
        if self._start == self._end:
            return self._opened.receive_into(view)
        count = min(len(view), self._end - self._start)
        view[:count] = self._view[self._start : self._start + count]
        self._start += count
        return count

    def take(self) -> memoryview:
        """Give the next bytes of the answer as they are, valid until the next call; none where it has closed."""
        if self._start == self._end:
            self._grow()
            self._start, self._end = 0, self._opened.receive_into(self._view)
        start, self._start = self._start, self._end
        return self._view[start : self._end]

    def take_at_once(self, count: int) -> bytes:
        """Give so many bytes of the answer where all of them are here already, else none."""
        if self._end - self._start < count:
            return b""
        start, self._start = self._start, self._start + count
        return bytes(self._view[start : self._start])

    def answered(self, keep: bool) -> None:
        """Note that an answer was read to its end: keep the connection, or close it.

        Raises:
            S3Error: the server sent more than its answer.
        """
        self.busy = False
        overlong = self._start != self._end
        if overlong or not keep:
            self.close()
        if overlong:
            raise invalid("the server sent more than its answer")

    @property
    def _opened(self) -> Wire:
        if self._wire is None:
            raise S3Error("ConnectionError", "the connection is closed", temporary=True)
        return self._wire

    def _open(self) -> bool:
        """Open the connection where there is none; return whether a kept one is used.

        A kept connection must be silent: its end, or bytes that nobody asked for, make it useless.
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

    def _addressed(self, head: bytes) -> bytes:
        """Write the request line as a proxy for plain HTTP wants it (RFC 9112, section 3.2.2)."""
        if self._proxy is None or self.endpoint.scheme != "http":
            return head
        method, target, rest = head.split(b" ", 2)
        line, headers = rest.split(b"\r\n", 1)
        said = self._proxy.authorization
        added = f"proxy-authorization: {said}\r\n".encode("latin-1") if said else b""
        url = b"http://" + self.endpoint.authority.encode() + target
        return b"%s %s %s\r\n%s%s" % (method, url, line, added, headers)

    def _exchange(self, head: bytes, content: bytes | Stream, headless: bool) -> Response:
        sent = self._send_stream(head, content) if isinstance(content, Stream) else self._sent(head + content)
        message, parser = self._receive_head()
        while message.status in _INTERIM:
            message, parser = self._receive_head()
        if not sent:
            message.keep = False
            if message.status < HTTPStatus.MULTIPLE_CHOICES:
                raise invalid("the server reported success before it had the whole body")
        return response(self, message, parser, headless)

    def _sent(self, data: bytes | memoryview) -> bool:
        """Send all; False where the server has closed: most often after a refusal, which waits to be read."""
        try:
            self._opened.send(data)
        except S3Error as error:
            if error.code != "ConnectionError":
                raise
            return False
        return True

    def _send_stream(self, head: bytes, content: Stream) -> bool:
        """Send head and body; False where the server answered or closed before the end."""
        left, filled = content.length, len(head)
        out = self._room_for(filled + min(left, SEND_BUFFER))
        out[:filled] = head
        while True:
            if left:
                count = content.read(out[filled : filled + left])
                if not count:
                    raise incomplete(f"the body to send ended {left} bytes early")
                left, filled = left - count, filled + count
            if self._interrupted() or not self._sent(out[:filled]):
                return False
            if not left:
                return True
            filled = 0

    def _room_for(self, size: int) -> memoryview:
        """Give a buffer of at least `size` bytes: hundreds of connections for small objects need no large ones."""
        if self._out is None or len(self._out) < size:
            self._out = memoryview(bytearray(-(-size // PAGE) * PAGE))
        return self._out

    def _interrupted(self) -> bool:
        came = self._opened.try_receive(self._view)
        self._start, self._end = 0, came or 0
        return came is not None

    def _receive_head(self) -> tuple[Message, HttpResponseParser]:
        if self._start == self._end:
            self._opened.wait()
        while (end := self._buffer.find(END_OF_HEAD, self._start, self._end)) < 0:
            self._receive_more()
        start, self._start = self._start, end + len(END_OF_HEAD)
        return parse_head(self._view[start : self._start])

    def _grow(self) -> None:
        """Make the buffer as large as it may be: a long head, or a body that is read through it, has come."""
        if len(self._buffer) < RECEIVE_BUFFER:
            self._buffer = self._buffer.ljust(RECEIVE_BUFFER, b"\0")
            self._view = memoryview(self._buffer)

    def _receive_more(self) -> None:
        if self._end == RECEIVE_BUFFER:
            raise invalid(f"the head of the answer is longer than {RECEIVE_BUFFER} bytes")
        if self._end == len(self._buffer):
            self._grow()
        begun = self._start != self._end
        try:
            count = self._opened.receive_into(self._view[self._end :])
        except S3Error as error:
            if begun or error.code != "ConnectionError":
                raise
            raise UnansweredError from error
        if not count:
            raise incomplete("the answer ended within its head") if begun else UnansweredError
        self._end += count
