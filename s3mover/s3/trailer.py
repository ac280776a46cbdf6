"""Bodies that end with their checksum: S3 refuses them where the bytes changed on the way.

Source: Amazon S3 API Reference, "Signature calculations: trailing headers" (chunked uploads with
`STREAMING-UNSIGNED-PAYLOAD-TRAILER`). The body is cut into chunks, each after a line with its length in hex; after the
last, empty one comes the trailer. All lengths are known beforehand, so that `Content-Length` can be sent.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from s3mover.s3.http import Stream

CHUNK_SIZE = 128 * 1024
PAYLOAD = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_END_OF_LINE = b"\r\n"


class Trailer(NamedTuple):
    """What follows the body: a header's name, and its value of `length` characters, asked for once the body is read."""

    name: str
    length: int
    value: Callable[[], str]


def with_trailer(
    read: Callable[[memoryview], int], length: int, headers: Mapping[str, str], trailer: Trailer
) -> tuple[Stream, dict[str, str]]:
    """Return a body of `length` bytes as it is sent with `trailer`, and the headers that go with it."""
    encoding = headers.get("content-encoding", "")
    told = {
        **headers,
        "content-encoding": f"{encoding},aws-chunked" if encoding else "aws-chunked",
        "x-amz-content-sha256": PAYLOAD,
        "x-amz-decoded-content-length": str(length),
        "x-amz-trailer": trailer.name,
    }
    body = _TrailedBody(read, length, trailer)
    return Stream(body.read_into, _encoded_length(length, trailer)), told


class _TrailedBody:
    """The body with its lines in between, as a reader that fills views."""

    def __init__(self, read: Callable[[memoryview], int], length: int, trailer: Trailer) -> None:
        self._read = read
        self._chunks = _chunks(length)
        self._trailer = trailer
        self._chunk_left = 0
        self._line = self._next_line()

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as what comes allows and return the count; 0 at the end."""
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


def _chunks(length: int) -> Iterator[int]:
    for first in range(0, length, CHUNK_SIZE):
        yield min(CHUNK_SIZE, length - first)


def _encoded_length(length: int, trailer: Trailer) -> int:
    whole, rest = divmod(length, CHUNK_SIZE)
    chunks = whole * _chunk_length(CHUNK_SIZE) + (_chunk_length(rest) if rest else 0)
    return chunks + len("0\r\n") + len(trailer.name) + len(":") + trailer.length + len("\r\n\r\n")


def _chunk_length(size: int) -> int:
    return len(f"{size:x}") + size + 2 * len(_END_OF_LINE)
