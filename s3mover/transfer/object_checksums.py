"""The checksums of an object at one side, and whether its ETag is one; `verification.py` compares two sides."""

from collections.abc import Mapping
from typing import NamedTuple

from s3mover.model import has_md5_shape

MANAGED_ENCRYPTION = {"", "AES256"}


class ObjectChecksums(NamedTuple):
    """An object's ETag, and its headers, which may carry checksums; names in lower case."""

    etag: str
    headers: Mapping[str, str]


def etag_is_md5(checksums: ObjectChecksums) -> bool:
    """Return whether the ETag is the MD5 of the content.

    It is for an object written in one piece and not encrypted with a KMS or customer key (Amazon S3 API Reference,
    data type Object, ETag).
    """
    if "x-amz-server-side-encryption-customer-algorithm" in checksums.headers:
        return False
    managed = checksums.headers.get("x-amz-server-side-encryption", "") in MANAGED_ENCRYPTION
    return managed and has_md5_shape(checksums.etag)
