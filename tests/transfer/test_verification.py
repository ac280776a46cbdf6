"""What proves that a copy is equal to its source."""

import pytest

from s3mover.errors import VerificationError
from s3mover.transfer.checksums import Algorithm, Checksum
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5
from s3mover.transfer.verification import check_content, check_size

MD5, OTHER, PARTS = "d" * 32, "e" * 32, "d" * 32 + "-2"
CRC, OTHER_CRC = "AAAAAAAAAAA=", "BBBBBBBBBBB="
KMS = {"x-amz-server-side-encryption": "aws:kms"}


def shows(crc: str = "", etag: str = PARTS, **more: str) -> ObjectChecksums:
    headers = {"x-amz-checksum-crc64nvme": crc} if crc else {}
    return ObjectChecksums(etag, headers | more)


@pytest.mark.parametrize(
    ("etag", "headers", "expected"),
    [
        (MD5, {}, True),
        (MD5, {"x-amz-server-side-encryption": "AES256"}, True),
        (MD5, KMS, False),
        (MD5, {"x-amz-server-side-encryption": "aws:kms:dsse"}, False),
        (MD5, {"x-amz-server-side-encryption-customer-algorithm": "AES256"}, False),
        (PARTS, {}, False),
    ],
)
def test_only_plain_etags_are_md5s(etag: str, headers: dict[str, str], expected: bool) -> None:
    """A multipart or KMS ETag is not an MD5 of the content."""
    assert etag_is_md5(ObjectChecksums(etag, headers)) is expected


@pytest.mark.parametrize(
    ("sent", "arrived", "computed", "proven"),
    [
        (ObjectChecksums(MD5, {}), ObjectChecksums(MD5, {}), None, True),
        (ObjectChecksums(MD5, KMS), ObjectChecksums(OTHER, {}), None, False),
        (ObjectChecksums(PARTS, {}), ObjectChecksums(MD5, {}), None, False),
        (shows(CRC), shows(CRC), None, True),
        (shows(CRC), shows(""), None, False),
        (shows(""), shows(CRC), CRC, True),
        (shows(CRC), shows(""), CRC, False),
        (shows(CRC), shows(CRC), CRC, True),
    ],
)
def test_checksums_that_both_sides_have_decide(
    sent: ObjectChecksums, arrived: ObjectChecksums, computed: str | None, proven: bool
) -> None:
    """Equal checksums or MD5s at the destination prove the copy; without any, nothing is proven."""
    checksum = Checksum(Algorithm.CRC64NVME, computed) if computed else None
    assert check_content(sent, arrived, checksum) is proven


@pytest.mark.parametrize(
    ("sent", "arrived", "computed"),
    [
        (ObjectChecksums(MD5, {}), ObjectChecksums(OTHER, {}), None),
        (shows(CRC), shows(OTHER_CRC), None),
        (shows(CRC), shows(CRC), OTHER_CRC),
        (shows(CRC), shows(""), OTHER_CRC),
        (shows(""), shows(CRC), OTHER_CRC),
        (shows(CRC, etag=MD5), shows(CRC, etag=OTHER), CRC),
    ],
)
def test_any_difference_is_a_temporary_error(
    sent: ObjectChecksums, arrived: ObjectChecksums, computed: str | None
) -> None:
    """Altered content never counts as success, whichever checksum shows it."""
    checksum = Checksum(Algorithm.CRC64NVME, computed) if computed else None
    with pytest.raises(VerificationError) as altered:
        check_content(sent, arrived, checksum)
    assert altered.value.temporary


def test_sizes_must_be_equal() -> None:
    """A wrong size is an error whatever else agrees."""
    check_size(5, 5)
    with pytest.raises(VerificationError):
        check_size(5, 4)
