"""Decodes `aws-chunked` bodies: signed chunks or not, trailers or not.

Source: S3 API, "Uploading an object using unsigned payload option with trailing checksums": hexadecimal size,
line end, bytes, line end, ..., `0`, line end, trailers, empty line. Signed ones have `;chunk-signature=...` behind
each size, and the signature of the trailers as the last of them (chunked uploads, trailing headers).
"""

import hashlib
from collections.abc import Callable
from enum import Enum

from simulator.refusals import Refusal
from simulator.signature import ChunkSignatures

_LONGEST_LINE = 4096
_SMALLEST_SIGNED = 8192
"""Bytes of a signed chunk that is not the last one, at least (S3 API: InvalidChunkSizeError)."""
_SIGNATURE = b"chunk-signature="
_TRAILERS_SIGNATURE = "x-amz-trailer-signature"


class _State(Enum):
    SIZE = 0
    DATA = 1
    LINE_END = 2
    TRAILER = 3
    DONE = 4


class ChunkDecoder:
    """Takes framed bytes and hands on the bare ones; `trailers` are complete when `done` is true.

    `signatures` judges those of signed chunks, None where the chunks are not signed.
    """

    def __init__(self, sink: Callable[[memoryview], None], signatures: ChunkSignatures | None = None) -> None:
        self._sink = sink
        self._signatures = signatures
        self._signature = ""
        self._hash = hashlib.sha256()
        self._smaller = False
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
            Refusal: IncompleteBody for framing that is none, SignatureDoesNotMatch, InvalidChunkSizeError.
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
        if self._signatures:
            self._hash.update(piece)
        if self._left == 0:
            self._check_chunk()
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
            self._end()

    def _begin_chunk(self, line: bytes) -> None:
        size, _, signature = line.partition(b";")
        try:
            self._left = int(size, 16)
        except ValueError as error:
            raise Refusal("IncompleteBody", "A chunk's header is not a size") from error
        self._signature = signature.removeprefix(_SIGNATURE).decode("latin-1")
        self._check_size()
        if not self._left:
            self._check_chunk()
        self._state = _State.DATA if self._left else _State.TRAILER

    def _check_size(self) -> None:
        if self._signatures and self._left and self._smaller:
            raise Refusal(
                "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes"
            )
        self._smaller = self._left < _SMALLEST_SIGNED

    def _check_chunk(self) -> None:
        if self._signatures:
            self._signatures.check_chunk(self._hash.hexdigest(), self._signature)
            self._hash = hashlib.sha256()

    def _end(self) -> None:
        signature = self.trailers.pop(_TRAILERS_SIGNATURE, "")
        if self._signatures and self.trailers:
            lines = "".join(f"{name}:{value}\n" for name, value in self.trailers.items())
            self._signatures.check_trailers(lines, signature)
        self._state = _State.DONE
