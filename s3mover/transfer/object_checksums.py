"""What one side says of an object, and whether its ETag proves the content; two sides meet in `verification.py`."""

from collections.abc import Mapping
from typing import NamedTuple

from s3mover.model import has_md5_shape

MANAGED_ENCRYPTION = {"", "AES256"}


class ObjectChecksums(NamedTuple):
    """What one side says of an object: its ETag and its headers, names in lower case."""

    etag: str
    headers: Mapping[str, str]


def etag_is_md5(evidence: ObjectChecksums) -> bool:
    """Tell whether the ETag is the MD5 of the content.

    It is for an object written in one piece and not encrypted with a KMS or customer key (Amazon S3 API Reference,
    data type Object, ETag).
    """
    if "x-amz-server-side-encryption-customer-algorithm" in evidence.headers:
        return False
    managed = evidence.headers.get("x-amz-server-side-encryption", "") in MANAGED_ENCRYPTION
    return managed and has_md5_shape(evidence.etag)
