"""Decodes `aws-chunked` bodies with trailers.

Source: S3 API, "Uploading an object using unsigned payload option with trailing checksums": hexadecimal size,
line end, bytes, line end, ..., `0`, line end, trailers, empty line.
"""

from collections.abc import Callable
from enum import Enum

from tests.simulator.refusals import Refusal

_LONGEST_LINE = 4096


class _State(Enum):
    SIZE = 0
    DATA = 1
    LINE_END = 2
    TRAILER = 3
    DONE = 4


class ChunkDecoder:
    """Takes framed bytes and hands on the bare ones; `trailers` are complete when `done` is true."""

    def __init__(self, sink: Callable[[memoryview], None]) -> None:
        self._sink = sink
        self._state = _State.SIZE
        self._line = bytearray()
        self._left = 0
        self.trailers: dict[str, str] = {}

    @property
    def done(self) -> bool:
        """Whether the final empty line was seen."""
        return self._state is _State.DONE

    def feed(self, data: bytes) -> None:
        """Take further bytes.

        Raises:
            Refusal: IncompleteBody for framing that is none.
        """
        view = memoryview(data)
        offset = 0
        while offset < len(view):
            if self._state is _State.DONE:
                raise Refusal("IncompleteBody", "Bytes after the last chunk")
            if self._state is _State.DATA:
                offset += self._data(view[offset : offset + self._left])
            else:
                offset = self._read_line(data, offset)

    def _data(self, piece: memoryview) -> int:
        self._sink(piece)
        self._left -= len(piece)
        if self._left == 0:
            self._state = _State.LINE_END
        return len(piece)

    def _read_line(self, data: bytes, offset: int) -> int:
        end = data.find(b"\n", offset)
        stop = len(data) if end < 0 else end + 1
        self._line += data[offset:stop]
        if len(self._line) > _LONGEST_LINE:
            raise Refusal("IncompleteBody", "A chunk's header is too long")
        if end >= 0:
            line, self._line = bytes(self._line).strip(), bytearray()
            self._end_line(line)
        return stop

    def _end_line(self, line: bytes) -> None:
        if self._state is _State.SIZE:
            self._begin_chunk(line)
        elif self._state is _State.LINE_END:
            if line:
                raise Refusal("IncompleteBody", "A chunk is longer than its header says")
            self._state = _State.SIZE
        elif line:
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers[name.strip().lower()] = value.strip()
        else:
            self._state = _State.DONE

    def _begin_chunk(self, line: bytes) -> None:
        try:
            self._left = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise Refusal("IncompleteBody", "A chunk's header is not a size") from error
        self._state = _State.DATA if self._left else _State.TRAILER
