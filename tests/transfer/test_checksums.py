"""Which checksum an object has."""

import pytest

from s3mover.transfer.checksums import Algorithm, Checksum, full_object_checksum


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, Checksum(Algorithm.CRC32, "AAAAAA==")),
        (
            {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc64nvme": "AAAAAAAAAAA="},
            Checksum(Algorithm.CRC64NVME, "AAAAAAAAAAA="),
        ),
        ({"x-amz-checksum-crc32": "AAAAAA==-3"}, None),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-type": "COMPOSITE"}, None),
        (
            {"x-amz-checksum-sha256": "x=", "x-amz-checksum-type": "FULL_OBJECT"},
            Checksum(Algorithm.SHA256, "x="),
        ),
    ],
)
def test_only_full_object_checksums_are_compared(headers: dict[str, str], expected: Checksum | None) -> None:
    """A checksum of checksums says nothing across different parts."""
    assert full_object_checksum(headers) == expected
