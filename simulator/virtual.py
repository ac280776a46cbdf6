"""The tape: content that costs no memory, however long it is.

Every virtual object is a stretch of one endless tape, which repeats a pseudo-random block of `PERIOD` bytes.
The period is prime, so that no part size is a multiple of it: parts that were swapped, repeated or shifted
differ. An object's seed says where on the tape it begins. CRCs of any stretch come from arithmetic, exactly and
at once; bytes of the tape that are uploaded are recognised again (`locate`) and cost no memory either.
"""

import random
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from simulator.checksums import CRCS

PERIOD = 1_048_573
"""The largest prime below 2**20, in bytes."""
_TAPE = random.Random("the tape").randbytes(PERIOD) * 2  # noqa: S311 - test data, the same in every run
_VIEW = memoryview(_TAPE)
_MARK = 4096
"""CRCs of the tape's beginnings are kept at every multiple of this, in bytes."""
FINGERPRINT = 64
"""Bytes by which a place on the tape is recognised."""


class Stretch(NamedTuple):
    """`length` bytes of the tape from `position` on (modulo `PERIOD`)."""

    position: int
    length: int

    def cut(self, start: int, end: int) -> "Stretch":
        """Return the bytes from `start` to before `end` of this stretch."""
        return Stretch((self.position + start) % PERIOD, end - start)

    def chunks(self, step: int) -> Iterator[memoryview]:
        """Yield the bytes in views of at most `step` (itself at most `PERIOD`) bytes."""
        for start in range(0, self.length, step):
            position = (self.position + start) % PERIOD
            yield _VIEW[position : position + min(step, self.length - start)]

    def follows(self, other: "Stretch") -> bool:
        """Return whether this stretch begins on the tape where the other ends."""
        return (other.position + other.length - self.position) % PERIOD == 0

    def crc(self, algorithm: str) -> int:
        """Return the CRC of the bytes, by arithmetic."""
        crc = CRCS[algorithm]
        if self.length < _MARK:
            return crc.update(next(self.chunks(PERIOD), b""))
        head = min(self.length, PERIOD - self.position)
        result = _between(algorithm, self.position, self.position + head)
        laps, tail = divmod(self.length - head, PERIOD)
        result = crc.combine(result, _laps(algorithm, laps), laps * PERIOD)
        return crc.combine(result, _beginning(algorithm, tail), tail)


def stretch_of(seed: int, length: int) -> Stretch:
    """Return the content of a seed: the same in every process."""
    return Stretch(seed * 7919 % PERIOD, length)


def locate(data: bytes | memoryview) -> int | None:
    """Return where on the tape the bytes lie; at least `FINGERPRINT` bytes are needed to be certain."""
    position = _TAPE.find(bytes(data[:FINGERPRINT]))
    return None if position < 0 else position % PERIOD


def agrees(data: bytes | memoryview, position: int) -> bool:
    """Return whether the bytes are the tape's from the position on; at most `PERIOD` bytes."""
    return _TAPE.startswith(bytes(data), position)


def _between(algorithm: str, start: int, end: int) -> int:
    crc = CRCS[algorithm]
    return _beginning(algorithm, end) ^ crc.shift(_beginning(algorithm, start), end - start)


def _beginning(algorithm: str, length: int) -> int:
    mark = length // _MARK
    return CRCS[algorithm].update(_VIEW[mark * _MARK : length], _marks(algorithm)[mark])


@lru_cache
def _marks(algorithm: str) -> list[int]:
    crc = CRCS[algorithm]
    marks = [0]
    for start in range(0, PERIOD, _MARK):
        marks.append(crc.update(_VIEW[start : min(start + _MARK, PERIOD)], marks[-1]))
    return marks


@lru_cache(maxsize=4096)
def _laps(algorithm: str, laps: int) -> int:
    if laps == 0:
        return 0
    crc = CRCS[algorithm]
    half = _laps(algorithm, laps // 2)
    double = crc.combine(half, half, laps // 2 * PERIOD)
    return double if laps % 2 == 0 else crc.combine(double, _beginning(algorithm, PERIOD), PERIOD)
