"""Content of an object: its bytes as pieces of memory and stretches of the tape, with checksums and identity.

ETags: up to `EXACT_LIMIT` bytes `md5` is the true MD5. Above it, content that was not received in one body (a
copy, an object made by the control port) has a synthetic one, computed from the CRCs of its bytes: equal for
equal content, different for different content.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property

from simulator import virtual
from simulator.checksums import CRCS, RunningChecksum, crc_text
from simulator.virtual import PERIOD, Stretch

EXACT_LIMIT = 16 * 1024 * 1024
"""Bytes up to which hashes are computed on demand; hashing this much takes about 25 ms."""
RECOGNISABLE = 64 * 1024
"""Size in bytes from which an incoming body is compared with the tape; smaller ones are simply kept in memory."""

Piece = bytes | Stretch


def _length(piece: Piece) -> int:
    return piece.length if isinstance(piece, Stretch) else len(piece)


class Content:
    """Immutable bytes of one object or part. `size` is in bytes."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces = _joined(pieces)
        self.size = sum(map(_length, self.pieces))

    def chunks(self, step: int = 256 * 1024) -> Iterator[bytes | memoryview]:
        """Yield the bytes in chunks of at most `step` bytes."""
        for piece in self.pieces:
            if isinstance(piece, Stretch):
                yield from piece.chunks(step)
            else:
                for start in range(0, len(piece), step):
                    yield piece[start : start + step]

    def cut(self, start: int, end: int) -> "Content":
        """Return the bytes from `start` to before `end`."""
        if (start, end) == (0, self.size):
            return self
        cuts: list[Piece] = []
        offset = 0
        for piece in self.pieces:
            low, high = max(start - offset, 0), min(end - offset, _length(piece))
            if low < high:
                cuts.append(piece.cut(low, high) if isinstance(piece, Stretch) else piece[low:high])
            offset += _length(piece)
        return Content(cuts)

    def crc(self, algorithm: str) -> int:
        """Return the CRC of all bytes."""
        total = 0
        for piece in self.pieces:
            one = piece.crc(algorithm) if isinstance(piece, Stretch) else CRCS[algorithm].update(piece)
            total = CRCS[algorithm].combine(total, one, _length(piece)) if total else one
        return total

    def checksum(self, algorithm: str) -> str:
        """Return a checksum in base64; a SHA of virtual content above `EXACT_LIMIT` is synthetic."""
        if algorithm in CRCS:
            return crc_text(algorithm, self.crc64 if algorithm == "CRC64NVME" else self.crc(algorithm))
        running = RunningChecksum(algorithm)
        for chunk in self.chunks() if self.size <= EXACT_LIMIT else [self.identity.encode()]:
            running.update(chunk)
        return running.text

    @cached_property
    def crc64(self) -> int:
        """The CRC64NVME of all bytes."""
        return self.crc("CRC64NVME")

    @cached_property
    def md5(self) -> str:
        """The MD5 in hex, synthetic above `EXACT_LIMIT`."""
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self.chunks() if self.size <= EXACT_LIMIT else [self.identity.encode()]:
            digest.update(chunk)
        return digest.hexdigest()

    @cached_property
    def identity(self) -> str:
        """A text that is equal for equal bytes, however they were received and are stored."""
        if self.size <= EXACT_LIMIT:
            return self.md5
        return f"{self.size}-{self.crc64:016x}-{self.crc('CRC32'):08x}"


def joined(contents: Iterable[Content]) -> Content:
    """Return the contents one after the other."""
    return Content(piece for content in contents for piece in content.pieces)


def _joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Merge adjacent stretches, so that parts of virtual content become one stretch again."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(last, Stretch):
            following = piece if isinstance(piece, Stretch) else _continuation(last, piece)
            if following is not None and following.follows(last):
                merged[-1] = Stretch(last.position, last.length + following.length)
                continue
        if _length(piece):
            merged.append(piece)
    return tuple(merged)


def _continuation(last: Stretch, data: bytes) -> Stretch | None:
    position = (last.position + last.length) % PERIOD
    if len(data) <= PERIOD and virtual.agrees(data, position):
        return Stretch(position, len(data))
    return None


class Gatherer:
    """Collects a body that comes in pieces; `expected` is its announced size in bytes."""

    def __init__(self, expected: int) -> None:
        self.size = 0
        self._pieces: list[Piece] = []
        self._plain: list[bytes] = []
        self._looking = expected >= RECOGNISABLE
        self._position: int | None = None
        self._start = 0

    def add(self, data: bytes | memoryview) -> None:
        """Take further bytes (at most `PERIOD` at once)."""
        self.size += len(data)
        if self._looking and len(data) >= virtual.FINGERPRINT and self._position is None:
            self._look(data)
        if self._position is None:
            self._plain.append(bytes(data))
        elif virtual.agrees(data, self._position):
            self._position = (self._position + len(data)) % PERIOD
        else:
            self._leave_tape(len(data))
            self._plain.append(bytes(data))

    def _look(self, data: bytes | memoryview) -> None:
        self._looking = False
        self._position = virtual.locate(data)
        self._start = self.size - len(data)
        self._flush_plain()

    def _leave_tape(self, beyond: int) -> None:
        if self._position is not None:
            length = self.size - beyond - self._start
            self._pieces.append(Stretch((self._position - length) % PERIOD, length))
        self._position = None

    def _flush_plain(self) -> None:
        if self._plain:
            self._pieces.append(b"".join(self._plain))
            self._plain = []

    def content(self) -> Content:
        """Return all that was added."""
        self._leave_tape(0)
        self._flush_plain()
        return Content(self._pieces)


EMPTY = Content(())
