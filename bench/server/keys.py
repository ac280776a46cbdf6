"""Virtual objects: keys, sizes and ETags that are computed from a number, and the rows that list them."""

import hashlib
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from awscrt.checksums import crc64nvme

TAPE = hashlib.shake_128(b"s3mover").digest(1 << 20)
PREFIX = b"documents/"
_DIGITS = 8
_BLOCK = 1000
_LARGEST_HASHED = 1 << 30
_ROW = (
    b"<Contents><Key>%b</Key><LastModified>2025-01-04T03:17:09.000Z</LastModified><ETag>&quot;%b&quot;</ETag>"
    b"<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>%d</Size>"
    b"<StorageClass>STANDARD</StorageClass></Contents>"
)


class Kind(NamedTuple):
    """What the objects of a world are like: sizes from `low` to `high`, in bytes."""

    low: int
    high: int

    def size(self, number: int) -> int:
        """Return the size of object `number`."""
        return self.low + (number * 2654435761 & 0xFFFFFFFF) % (self.high - self.low + 1)

    def etag(self, number: int) -> bytes:
        """Return the ETag: the content's MD5 where all objects have one size, else one that looks like it."""
        if self.low == self.high:
            return content_of(self.low).etag
        return b"%032x" % (number * 0x9E3779B97F4A7C15F39CC0605CEDC835 & (1 << 128) - 1)


class Content(NamedTuple):
    """What is told of all objects of one size; `checksum` is empty where the object is too large to be hashed."""

    etag: bytes
    checksum: bytes


@lru_cache
def content_of(size: int) -> Content:
    """Hash the beginning of the endless tape."""
    if size > _LARGEST_HASHED:
        return Content(b"0123456789abcdef0123456789abcdef-1000", b"")
    digest, check = hashlib.md5(usedforsecurity=False), 0
    for first in range(0, size, len(TAPE)):
        piece = TAPE[: size - first]
        digest.update(piece)
        check = crc64nvme(piece, check)
    return Content(digest.hexdigest().encode(), check.to_bytes(8, "big"))


def key_of(number: int) -> bytes:
    """Return the key of object `number`."""
    return PREFIX + b"%0*d" % (_DIGITS, number)


def number_of(key: bytes) -> int:
    """Return the number of the object called `key`, -1 where none can be called so."""
    digits = key.removeprefix(PREFIX)
    return int(digits) if len(digits) == _DIGITS and digits.isdigit() else -1


def first_after(place: bytes, count: int) -> int:
    """Return the number of the first of `count` objects whose key comes after `place`."""
    return bisect_right(range(count), place, key=key_of)


def row(kind: Kind, number: int) -> bytes:
    """Return how a listing tells of object `number`."""
    return _ROW % (key_of(number), kind.etag(number), kind.size(number))


def rows(kind: Kind, first: int, end: int) -> bytes:
    """Return the rows of the objects from `first` to before `end`."""
    pieces = []
    for block in range(first // _BLOCK, -(-end // _BLOCK)):
        text, ends = _block(kind, block)
        start = block * _BLOCK
        pieces.append(text[ends[max(first - start, 0)] : ends[min(end - start, _BLOCK)]])
    return b"".join(pieces)


@lru_cache(maxsize=1100)
def _block(kind: Kind, number: int) -> tuple[bytes, list[int]]:
    """Return the rows of a thousand objects, and where each begins."""
    made = [row(kind, one) for one in range(number * _BLOCK, (number + 1) * _BLOCK)]
    return b"".join(made), [0, *accumulate(map(len, made))]
