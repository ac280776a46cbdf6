"""Is what arrived what was sent? Pure rules; asking the buckets is the ways' affair.

The strongest evidence that both sides give decides: equal full-object checksums, then equal MD5s. An ETag is the
content's MD5 only for an object written in one piece and not encrypted with a KMS or customer key (Amazon S3 API
Reference, data type Object, ETag).
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from s3mover.errors import VerificationError
from s3mover.model import has_md5_shape
from s3mover.transfer.checksums import Checksum, full_object_checksum

MANAGED_ENCRYPTION = {"", "AES256"}


class Evidence(NamedTuple):
    """What one side says of an object: its ETag and its headers, names in lower case."""

    etag: str
    headers: Mapping[str, str]


def check_content(sent: Evidence, arrived: Evidence, computed: Checksum | None = None) -> bool:
    """Compare what both sides say; False where nothing that they say can be compared.

    `computed` is the checksum of the bytes that flowed through us, if they did.

    Raises:
        VerificationError: some evidence proves that the content is another one.
    """
    told, shown = full_object_checksum(sent.headers), full_object_checksum(arrived.headers)
    proven = False
    for one, other in ((computed, told), (computed, shown), (told, shown)):
        if one is not None and other is not None and one.algorithm == other.algorithm:
            _check(one.algorithm, one.value, other.value)
            proven = proven or other is shown
    if etag_is_md5(sent) and etag_is_md5(arrived):
        _check("MD5", sent.etag, arrived.etag)
        proven = True
    return proven


def check_size(sent: int, arrived: int) -> None:
    """Accept an object of the right size.

    Raises:
        VerificationError: its size is another one.
    """
    if sent != arrived:
        raise VerificationError(f"{arrived} bytes arrived, {sent} were sent")


def written_since(http_date: str, since: float) -> bool:
    """Tell whether an object of that date was written since then (seconds since the epoch).

    S3 tells times in whole seconds: what was written in the same second counts.
    """
    return parsedate_to_datetime(http_date).timestamp() >= int(since)


def etag_is_md5(evidence: Evidence) -> bool:
    """Tell whether the ETag is the MD5 of the content."""
    if "x-amz-server-side-encryption-customer-algorithm" in evidence.headers:
        return False
    managed = evidence.headers.get("x-amz-server-side-encryption", "") in MANAGED_ENCRYPTION
    return managed and has_md5_shape(evidence.etag)


def _check(what: str, sent: str, arrived: str) -> None:
    if sent != arrived:
        raise VerificationError(f"the content differs: its {what} is {arrived}, where {sent} was sent")
