"""What proves that the content arrived."""

import pytest

from s3mover.errors import VerificationError
from s3mover.transfer.verification import check_md5, check_size, etag_is_md5

MD5 = "d" * 32


@pytest.mark.parametrize(
    ("etag", "headers", "expected"),
    [
        (MD5, {}, True),
        (MD5, {"x-amz-server-side-encryption": "AES256"}, True),
        (MD5, {"x-amz-server-side-encryption": "aws:kms"}, False),
        (MD5, {"x-amz-server-side-encryption": "aws:kms:dsse"}, False),
        (MD5, {"x-amz-server-side-encryption-customer-algorithm": "AES256"}, False),
        (MD5[:30] + "-2", {}, False),
        (MD5 + "-12", {}, False),
    ],
)
def test_only_plain_etags_are_md5s(etag: str, headers: dict[str, str], expected: bool) -> None:
    """A multipart or KMS ETag says nothing of the content."""
    assert etag_is_md5(etag, headers) is expected


def test_differences_are_errors_worth_another_attempt() -> None:
    """Altered content and wrong sizes never count as success, and are tried again."""
    check_md5(MD5, MD5)
    check_size(5, 5)
    with pytest.raises(VerificationError) as altered:
        check_md5(MD5, "e" * 32)
    with pytest.raises(VerificationError) as short:
        check_size(5, 4)
    assert altered.value.temporary
    assert short.value.temporary
