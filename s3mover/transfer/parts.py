"""The arithmetic of parts: size, number and byte ranges. Pure; the limits are Amazon S3's.

Source of the limits: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
"""

from collections.abc import Iterator
from typing import NamedTuple

MIB = 1024 * 1024
GIB = 1024 * MIB

MIN_PART_SIZE = 5 * MIB
MAX_PART_SIZE = 5 * GIB
MAX_PARTS = 10_000
MAX_OBJECT_SIZE = MAX_PARTS * MAX_PART_SIZE
MAX_SINGLE_COPY = 5 * GIB


class Part(NamedTuple):
    """Bytes `first` to `last`, both included, of one object; `number` counts from 1."""

    number: int
    first: int
    last: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.last - self.first + 1


def part_size_for(size: int, part_size: int) -> int:
    """Return the part size in bytes for an object of `size` bytes: `part_size`, or more above 10,000 parts.

    Grown sizes are whole MiB, so that they read well in a console.
    """
    if size <= part_size * MAX_PARTS:
        return part_size
    least = -(-size // MAX_PARTS)
    return min(-(-least // MIB) * MIB, MAX_PART_SIZE)


def parts_of(size: int, part_size: int) -> Iterator[Part]:
    """Yield the parts of an object of `size` bytes, in order; only the last may be smaller than `part_size`."""
    for number, first in enumerate(range(0, size, part_size), start=1):
        yield Part(number, first, min(first + part_size, size) - 1)
