"""S3's checksums: the algorithms, and which checksum an object has. `hashing.py` computes them.

Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3". A full-object checksum covers all bytes
whatever the parts were; a composite one (its text ends in `-` and the number of parts) depends on
the part size and is not used here.
"""

from base64 import b64encode
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

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
        """The header that carries a checksum of this algorithm."""
        return HEADER + self

    @property
    def is_combinable(self) -> bool:
        """Whether the checksums of parts can be combined into that of the whole object."""
        return self.startswith("crc")


class Checksum(NamedTuple):
    """A full-object checksum as S3 writes it, in base64."""

    algorithm: Algorithm
    value: str


def base64_text(digest: bytes) -> str:
    """Return a checksum as S3 writes it: in base64."""
    return b64encode(digest).decode()


def full_object_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Return the full-object checksum in `headers` (names in lower case), None where there is none."""
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    for algorithm in Algorithm:
        value = headers.get(algorithm.header, "")
        if value and "-" not in value:
            return Checksum(algorithm, value)
    return None
