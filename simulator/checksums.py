"""The checksums that S3 knows: CRC32, CRC32C, CRC64NVME, SHA1, SHA256, and how CRCs of pieces combine.

CRC parameters: Rocksoft catalogue (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME); all are reflected, with every
bit set at the start and inverted at the end, so that `crc(A + B) = shift(crc(A), len(B)) ^ crc(B)`.
"""

import base64
import hashlib
import zlib
from collections.abc import Callable
from functools import cached_property, lru_cache


class Crc:
    """One CRC: its width in bits and its reflected polynomial."""

    def __init__(self, width: int, polynomial: int) -> None:
        self.width = width
        self.polynomial = polynomial
        self._mask = (1 << width) - 1

    @cached_property
    def _table(self) -> list[int]:
        """The remainders of every 16-bit value: two bytes a step, because this loop is Python."""
        by_byte = [self._remainder(value) for value in range(256)]
        return [
            (by_byte[(low := value & 0xFF)] >> 8) ^ by_byte[(by_byte[low] ^ value >> 8) & 0xFF]
            for value in range(65536)
        ]

    def _remainder(self, value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (self.polynomial if value & 1 else 0)
        return value

    def update(self, data: bytes | memoryview, crc: int = 0) -> int:
        """Return the CRC of what `crc` stands for, followed by `data`."""
        table = self._table
        state = crc ^ self._mask
        even = len(data) & ~1
        for pair in memoryview(data)[:even].cast("H"):
            state = (state >> 16) ^ table[(state ^ pair) & 0xFFFF]
        if len(data) > even:
            state = (state >> 8) ^ self._remainder((state ^ data[even]) & 0xFF)
        return state ^ self._mask

    def combine(self, first: int, second: int, second_length: int) -> int:
        """Return the CRC of two pieces one after the other; the length is the second's, in bytes."""
        return self.shift(first, second_length) ^ second

    def shift(self, crc: int, length: int) -> int:
        """Multiply by x to the 8 `length`: the part that `length` following bytes play in a combination."""
        return self._multiply(self._power(length), crc)

    def _multiply(self, left: int, right: int) -> int:
        product = 0
        bit = 1 << (self.width - 1)
        while left:
            if left & bit:
                product ^= right
                left ^= bit
            bit >>= 1
            right = (right >> 1) ^ (self.polynomial if right & 1 else 0)
        return product

    @lru_cache(maxsize=4096)  # noqa: B019 - the three CRCs live as long as the module
    def _power(self, length: int) -> int:
        result = 1 << (self.width - 1)
        square = result >> 8
        while length:
            if length & 1:
                result = self._multiply(square, result)
            square = self._multiply(square, square)
            length >>= 1
        return result


class _Zlib(Crc):
    def update(self, data: bytes | memoryview, crc: int = 0) -> int:
        """Return the CRC of what `crc` stands for, followed by `data`."""
        return zlib.crc32(data, crc)


CRCS: dict[str, Crc] = {
    "CRC32": _Zlib(32, 0xEDB88320),
    "CRC32C": Crc(32, 0x82F63B78),
    "CRC64NVME": Crc(64, 0x9A6C9329AC4BC9B5),
}
HASHES: dict[str, Callable[[], "hashlib._Hash"]] = {
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}
ALGORITHMS = (*CRCS, *HASHES)


def header_of(algorithm: str) -> str:
    """Return the header that carries the algorithm's value."""
    return f"x-amz-checksum-{algorithm.lower()}"


def crc_text(algorithm: str, crc: int) -> str:
    """Return a CRC as S3 writes it: base64 of its big-endian bytes."""
    return base64.b64encode(crc.to_bytes(CRCS[algorithm].width // 8, "big")).decode()


class RunningChecksum:
    """An incremental checksum."""

    def __init__(self, algorithm: str) -> None:
        self._algorithm = algorithm
        self._crc = 0
        self._hash = HASHES[algorithm]() if algorithm in HASHES else None

    def update(self, data: bytes | memoryview) -> None:
        """Take further bytes."""
        if self._hash:
            self._hash.update(data)
        else:
            self._crc = CRCS[self._algorithm].update(data, self._crc)

    @property
    def text(self) -> str:
        """The value so far, in base64."""
        if self._hash:
            return base64.b64encode(self._hash.digest()).decode()
        return crc_text(self._algorithm, self._crc)
