"""S3's checksums: which one an object has, computing it as bytes flow, joining those of parts. The door to awscrt.

Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3". A full-object checksum covers all bytes
whatever the parts were; a composite one (its text ends in `-` and the number of parts) cannot be compared across
different parts and is not used here. AWS's own C library computes the CRCs at memory speed.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from awscrt import checksums as crc

HEADER = "x-amz-checksum-"


class Algorithm(StrEnum):
    """S3's checksum algorithms, as headers spell them."""

    CRC64NVME = "crc64nvme"
    CRC32C = "crc32c"
    CRC32 = "crc32"
    SHA256 = "sha256"
    SHA1 = "sha1"

    @property
    def header(self) -> str:
        """The header that carries a checksum of this kind."""
        return HEADER + self

    @property
    def length(self) -> int:
        """How many characters a checksum of this kind is written with."""
        return len(written(hasher(self).digest()))

    @property
    def joins(self) -> bool:
        """Whether the checksums of parts can be joined into that of the whole object."""
        return self in _CRCS


class Checksum(NamedTuple):
    """A full-object checksum as S3 writes it, in base64."""

    algorithm: Algorithm
    value: str


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


def written(digest: bytes) -> str:
    """Return a checksum as S3 writes it."""
    return b64encode(digest).decode()


def joined(algorithm: Algorithm, parts: list[tuple[bytes, int]]) -> bytes:
    """Return the checksum of an object from those of its parts, each with its length in bytes, in their order."""
    kind = _CRCS[algorithm]
    whole = 0
    for digest, length in parts:
        whole = kind.combine(whole, int.from_bytes(digest, "big"), length)
    return whole.to_bytes(kind.width, "big")


def full_object_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Return the full-object checksum that `headers` (names in lower case) tell, the strongest first."""
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    for algorithm in Algorithm:
        value = headers.get(algorithm.header, "")
        if value and "-" not in value:
            return Checksum(algorithm, value)
    return None
