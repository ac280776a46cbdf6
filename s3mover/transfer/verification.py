"""Whether a copy is equal to its source. Pure rules; the transfer methods ask the buckets.

Full-object checksums of the same algorithm are compared, then MD5s; any difference is an error.
"""

from s3mover.errors import VerificationError
from s3mover.s3.values import http_time
from s3mover.transfer.checksums import Checksum, full_object_checksum
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5


def check_content(sent: ObjectChecksums, arrived: ObjectChecksums, computed: Checksum | None = None) -> bool:
    """Compare the checksums of both sides; return False where they have none in common.

    `computed` is the checksum of the bytes that were streamed, None for a server-side copy.

    Raises:
        VerificationError: two checksums differ.
    """
    at_source, at_destination = full_object_checksum(sent.headers), full_object_checksum(arrived.headers)
    proven = False
    for one, other in (
        (computed, at_source),
        (computed, at_destination),
        (at_source, at_destination),
    ):
        if one is not None and other is not None and one.algorithm == other.algorithm:
            _check(one.algorithm, one.value, other.value)
            proven = proven or other is at_destination
    if etag_is_md5(sent) and etag_is_md5(arrived):
        _check("MD5", sent.etag, arrived.etag)
        proven = True
    return proven


def check_size(sent: int, arrived: int) -> None:
    """Compare sizes in bytes.

    Raises:
        VerificationError: they differ.
    """
    if sent != arrived:
        raise VerificationError(f"{arrived} bytes arrived, {sent} were sent")


def written_since(http_date: str, since: float, *, unknown: bool) -> bool:
    """Return whether an object with this Last-Modified was written since then (seconds since the epoch).

    S3 gives times in whole seconds: an object written in the same second counts. `unknown` is returned for a time that
    is not readable.
    """
    written_at = http_time(http_date)
    return unknown if written_at is None else written_at >= int(since)


def _check(what: str, sent: str, arrived: str) -> None:
    if sent != arrived:
        raise VerificationError(f"the content differs: its {what} is {arrived}, where {sent} was sent")
