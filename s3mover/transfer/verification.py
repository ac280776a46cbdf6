"""Is what arrived what was sent? Pure rules; asking the buckets is the ways' affair.

The strongest evidence that both sides give decides: equal full-object checksums, then equal MD5s.
"""

from email.utils import parsedate_to_datetime

from s3mover.errors import VerificationError
from s3mover.transfer.checksums import Checksum, full_object_checksum
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5


def check_content(sent: ObjectChecksums, arrived: ObjectChecksums, computed: Checksum | None = None) -> bool:
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


def _check(what: str, sent: str, arrived: str) -> None:
    if sent != arrived:
        raise VerificationError(f"the content differs: its {what} is {arrived}, where {sent} was sent")
