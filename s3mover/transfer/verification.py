"""Is what arrived what was sent? Pure rules; asking the buckets is the ways' affair.

An ETag is the content's MD5 only for an object written in one piece and not encrypted with a KMS or customer
key (Amazon S3 API Reference, data type Object, ETag).
"""

from collections.abc import Mapping

from s3mover.errors import VerificationError
from s3mover.model import has_md5_shape

MANAGED_ENCRYPTION = {"", "AES256"}


def etag_is_md5(etag: str, headers: Mapping[str, str]) -> bool:
    """Tell whether the ETag of an answer with `headers` (names in lower case) is the MD5 of the content."""
    if "x-amz-server-side-encryption-customer-algorithm" in headers:
        return False
    return has_md5_shape(etag) and headers.get("x-amz-server-side-encryption", "") in MANAGED_ENCRYPTION


def check_md5(sent: str, arrived: str) -> None:
    """Accept equal MD5s.

    Raises:
        VerificationError: they differ, so the content that arrived is another one.
    """
    if sent != arrived:
        raise VerificationError(f"what arrived has the MD5 {arrived}, what was sent had {sent}")


def check_size(sent: int, arrived: int) -> None:
    """Accept an object of the right size.

    Raises:
        VerificationError: its size is another one.
    """
    if sent != arrived:
        raise VerificationError(f"{arrived} bytes arrived, {sent} were sent")
