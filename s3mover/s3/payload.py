"""Request bodies: the headers that describe them, and their framing.

A body that is read while it is sent cannot be hashed beforehand. Over TLS it is unsigned, and its checksum follows as a
trailer where the store accepts that. Over plain HTTP it is sent in chunks, each signed, so that it cannot be altered
unnoticed. All lengths are known beforehand, so that `Content-Length` can be sent.
Sources: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header" (the values of
`x-amz-content-sha256`), "Signature calculations: transferring payload in multiple chunks" and "... trailing headers".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from s3mover.s3.http import SEND_BUFFER, Stream
from s3mover.s3.protocol_errors import incomplete_body
from s3mover.s3.sigv4 import UNSIGNED_PAYLOAD, ChunkSigner

CHUNK_SIZE = 128 * 1024
# A signed chunk must fit into the send buffer; the lines around it, and after the last chunk, need less than this.
MAX_LINES_LENGTH = 1024
SIGNED_CHUNK_SIZE = SEND_BUFFER - MAX_LINES_LENGTH
# The longest body that is read beforehand, to be hashed; each connection's buffer is as large.
MAX_HASHED = SEND_BUFFER
UNSIGNED_WITH_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_WITH_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_END_OF_LINE = b"\r\n"
_SIGNATURE = 64  # characters

ReadInto = Callable[[memoryview], int]


class Trailer(NamedTuple):
    """A header after the body: its name, its `length` in characters, and its value, called once the body is read."""

    name: str
    length: int
    value: Callable[[], str]


class Outgoing(NamedTuple):
    """A body of `length` bytes to send; `read` fills a view with the next ones and returns the count.

    `chunks` says that the store accepts signed chunks; it checks the body by `trailer`, which needs chunks.
    """

    read: ReadInto
    length: int
    trailer: Trailer | None = None
    chunks: bool = False


def buffered(content: bytes | Outgoing, *, secure: bool) -> bytes | Outgoing:
    """Return `content`, read beforehand if it is small and would be unprotected otherwise."""
    if (
        secure
        or isinstance(content, bytes)
        or content.length > MAX_HASHED
        or content.trailer
        or content.chunks
    ):
        return content
    whole = memoryview(bytearray(content.length))
    _fill(content.read, whole)
    return bytes(whole)


def body_headers(body: Outgoing, encoding: str, *, secure: bool) -> dict[str, str]:
    """Return the headers that describe the framing of `body`; `encoding` is the object's own Content-Encoding.

    | connection | trailer | signed chunks | sent                                             |
    |------------|---------|---------------|--------------------------------------------------|
    | TLS        | no      | any           | as it is, unsigned                               |
    | TLS        | yes     | any           | in chunks, unsigned, then the checksum           |
    | plain      | yes     | any           | in signed chunks, then the checksum, signed, too |
    | plain      | no      | taken         | in signed chunks                                 |
    | plain      | no      | not taken     | as it is, unsigned; if small, hashed (`buffered`) |
    """
    payload = _payload(body, secure)
    headers = {"x-amz-content-sha256": payload, "content-length": str(_sent_length(body, payload))}
    if payload != UNSIGNED_PAYLOAD:
        headers["content-encoding"] = f"{encoding},aws-chunked" if encoding else "aws-chunked"
        headers["x-amz-decoded-content-length"] = str(body.length)
    if body.trailer is not None:
        headers["x-amz-trailer"] = body.trailer.name
        # Some stores (RGW 20, moto) check the trailer only where this is sent, too.
        headers["x-amz-sdk-checksum-algorithm"] = body.trailer.name.removeprefix("x-amz-checksum-").upper()
    return headers


def body_stream(body: Outgoing, headers: Mapping[str, str], signer: Callable[[], ChunkSigner]) -> Stream:
    """Return `body` as it is sent after a head with `headers`, which include those of `body_headers`."""
    length, payload = int(headers["content-length"]), headers["x-amz-content-sha256"]
    if payload == UNSIGNED_PAYLOAD:
        return Stream(body.read, length)
    if payload == UNSIGNED_WITH_TRAILER and body.trailer is not None:
        return Stream(_TrailerBody(body.read, body.length, body.trailer).read_into, length)
    return Stream(_SignedBody(body, signer()).read_into, length)


def _payload(body: Outgoing, secure: bool) -> str:
    if secure:
        return UNSIGNED_WITH_TRAILER if body.trailer is not None else UNSIGNED_PAYLOAD
    if body.trailer is not None:
        return SIGNED_WITH_TRAILER
    return SIGNED if body.chunks else UNSIGNED_PAYLOAD


class _TrailerBody:
    """A body in unsigned chunks with a trailer, as a reader that fills views."""

    def __init__(self, read: ReadInto, length: int, trailer: Trailer) -> None:
        self._read = read
        self._chunks = _chunks(length)
        self._trailer = trailer
        self._chunk_left = 0
        self._line = self._next_line()

    def read_into(self, view: memoryview) -> int:
        """Fill `view` with what is available and return the count; 0 at the end."""
        filled = 0
        while filled < len(view) and (self._line or self._chunk_left):
            room = view[filled:]
            if self._line:
                filled += self._put_line(room)
                continue
            count = self._read(room[: self._chunk_left])
            filled += count
            self._chunk_left -= count
            if not self._chunk_left:
                self._line = _END_OF_LINE + self._next_line()
            elif count < len(room):
                break
        return filled

    def _put_line(self, room: memoryview) -> int:
        count = min(len(room), len(self._line))
        room[:count], self._line = self._line[:count], self._line[count:]
        return count

    def _next_line(self) -> bytes:
        self._chunk_left = next(self._chunks, 0)
        if self._chunk_left:
            return b"%x\r\n" % self._chunk_left
        return f"0\r\n{self._trailer.name}:{self._trailer.value()}\r\n\r\n".encode()


class _SignedBody:
    """A body in signed chunks, each read, hashed and sent in the send buffer itself."""

    def __init__(self, body: Outgoing, signer: ChunkSigner) -> None:
        self._read = body.read
        self._left = body.length
        self._trailer = body.trailer
        self._signer = signer
        self._ended = False

    def read_into(self, view: memoryview) -> int:
        """Fill `view` with one chunk, and with the end after the last one; return the count, 0 at the end.

        The view has the room that `Stream` promises, which is enough for a chunk.
        """
        filled = self._put_chunk(view) if self._left else 0
        if not self._left and not self._ended:
            end = self._end()
            view[filled : filled + len(end)] = end
            filled += len(end)
            self._ended = True
        return filled

    def _put_chunk(self, view: memoryview) -> int:
        size = min(SIGNED_CHUNK_SIZE, self._left)
        first = _signed_line_length(size)
        data = view[first : first + size]
        _fill(self._read, data)
        view[:first] = _signed_line(size, self._signer.chunk(data))
        view[first + size : first + size + len(_END_OF_LINE)] = _END_OF_LINE
        self._left -= size
        return first + size + len(_END_OF_LINE)

    def _end(self) -> bytes:
        last = _signed_line(0, self._signer.chunk(b""))
        if self._trailer is None:
            return last + _END_OF_LINE
        header = f"{self._trailer.name}:{self._trailer.value()}"
        # It is signed with the line feed of the documentation, and sent with the end of line of HTTP.
        signature = self._signer.trailer(f"{header}\n".encode())
        return last + f"{header}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()


def _fill(read: ReadInto, view: memoryview) -> None:
    filled = 0
    while filled < len(view):
        count = read(view[filled:])
        if not count:
            raise incomplete_body(f"the body to send ended {len(view) - filled} bytes early")
        filled += count


def _chunks(length: int) -> Iterator[int]:
    for first in range(0, length, CHUNK_SIZE):
        yield min(CHUNK_SIZE, length - first)


def _signed_line(size: int, signature: str) -> bytes:
    return f"{size:x};chunk-signature={signature}\r\n".encode()


def _signed_line_length(size: int) -> int:
    return len(_signed_line(size, "")) + _SIGNATURE


def _line_length(size: int) -> int:
    return len(f"{size:x}") + len(_END_OF_LINE)


def _sent_length(body: Outgoing, payload: str) -> int:
    """Return the length of the body with its framing, in bytes."""
    if payload == UNSIGNED_PAYLOAD:
        return body.length
    signed = payload != UNSIGNED_WITH_TRAILER
    line, step = (_signed_line_length, SIGNED_CHUNK_SIZE) if signed else (_line_length, CHUNK_SIZE)
    whole, rest = divmod(body.length, step)
    lines = whole * line(step) + (line(rest) if rest else 0) + line(0)
    length = body.length + lines + (whole + bool(rest)) * len(_END_OF_LINE)
    return length + _trailer_length(body.trailer, signed) + len(_END_OF_LINE)


def _trailer_length(trailer: Trailer | None, signed: bool) -> int:
    if trailer is None:
        return 0
    signature = len("x-amz-trailer-signature:\r\n") + _SIGNATURE if signed else 0
    return len(trailer.name) + len(":") + trailer.length + len(_END_OF_LINE) + signature
