"""Computing S3's checksums as bytes flow, and joining those of parts. The only door to awscrt.

AWS's own C library computes the CRCs at memory speed. What checksums there are is `checksums.py`'s, which the
supervisor uses without loading this.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from awscrt import checksums as crc

from s3mover.transfer.checksums import Algorithm, written


class Hasher(Protocol):
    """Computes one checksum over bytes that come piece by piece."""

    def update(self, data: memoryview) -> None:
        """Take in some more bytes."""

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""


class _Crc(NamedTuple):
    update: Callable[[memoryview, int], int]
    combine: Callable[[int, int, int], int]
    width: int


_CRCS = {
    Algorithm.CRC64NVME: _Crc(crc.crc64nvme, crc.combine_crc64nvme, 8),
    Algorithm.CRC32C: _Crc(crc.crc32c, crc.combine_crc32c, 4),
    Algorithm.CRC32: _Crc(crc.crc32, crc.combine_crc32, 4),
}


class _CrcHasher:
    def __init__(self, kind: _Crc) -> None:
        self._kind = kind
        self._value = 0

    def update(self, data: memoryview) -> None:
        self._value = self._kind.update(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._kind.width, "big")


def hasher(algorithm: Algorithm) -> Hasher:
    """Return what computes checksums of `algorithm`."""
    if algorithm in _CRCS:
        return _CrcHasher(_CRCS[algorithm])
    digest: Hasher = hashlib.new(algorithm, usedforsecurity=False)
    return digest


def written_length(algorithm: Algorithm) -> int:
    """Return how many characters a checksum of `algorithm` is written with."""
    return len(written(hasher(algorithm).digest()))


def joined(algorithm: Algorithm, parts: list[tuple[bytes, int]]) -> bytes:
    """Return the checksum of an object from those of its parts, each with its length in bytes, in their order."""
    kind = _CRCS[algorithm]
    whole = 0
    for digest, length in parts:
        whole = kind.combine(whole, int.from_bytes(digest, "big"), length)
    return whole.to_bytes(kind.width, "big")
