"""Hashers for S3's checksums, and the combination of parts' checksums. The only module that imports awscrt.

AWS's own C library computes the CRCs at memory speed. Its start takes a tenth of a second, more than a third of that of
all that workers need, so that it is loaded for the first object that is streamed, or checked by parts.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

from s3mover.transfer.checksums import Algorithm, base64_text


class Hasher(Protocol):
    """Computes one checksum incrementally, as those of `hashlib` do."""

    def update(self, data: memoryview) -> None:
        """Add bytes."""

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""


class _Crc(NamedTuple):
    update: Callable[[memoryview, int], int]
    combine: Callable[[int, int, int], int]
    width: int


@cache
def _crcs() -> dict[Algorithm, _Crc]:
    from awscrt import checksums as awscrt  # noqa: PLC0415 - see above

    return {
        Algorithm.CRC64NVME: _Crc(awscrt.crc64nvme, awscrt.combine_crc64nvme, 8),
        Algorithm.CRC32C: _Crc(awscrt.crc32c, awscrt.combine_crc32c, 4),
        Algorithm.CRC32: _Crc(awscrt.crc32, awscrt.combine_crc32, 4),
    }


class _CrcHasher:
    def __init__(self, crc: _Crc) -> None:
        self._crc = crc
        self._value = 0

    def update(self, data: memoryview) -> None:
        self._value = self._crc.update(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._crc.width, "big")


def hasher(algorithm: Algorithm) -> Hasher:
    """Return a new hasher for `algorithm`."""
    crc = _crcs().get(algorithm)
    if crc is not None:
        return _CrcHasher(crc)
    digest: Hasher = hashlib.new(algorithm, usedforsecurity=False)
    return digest


def base64_length(algorithm: Algorithm) -> int:
    """Return the number of characters of a checksum of `algorithm` in base64."""
    return len(base64_text(hasher(algorithm).digest()))


def combine(algorithm: Algorithm, parts: list[tuple[bytes, int]]) -> bytes:
    """Return the CRC of an object from those of its parts in order, each with its length in bytes."""
    crc = _crcs()[algorithm]
    whole = 0
    for digest, length in parts:
        whole = crc.combine(whole, int.from_bytes(digest, "big"), length)
    return whole.to_bytes(crc.width, "big")
