"""Are both buckets equal? Compares object by object and changes nothing."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from s3mover.errors import VerificationError
from s3mover.model import ObjectEntry, Pair
from s3mover.planning.compare import reason_to_transfer
from s3mover.planning.filters import KeyFilter
from s3mover.planning.page_diff import Lookup, Pages
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry
from s3mover.transfer.object_checksums import ObjectChecksums
from s3mover.transfer.verification import check_content

HASHING_THREADS = 16
HASHING_BUFFER = 256 * 1024

# Tells whether the bytes of a source object and of its copy are the same.
SameBytes = Callable[[ObjectEntry, ObjectEntry], bool]


class Comparison(StrEnum):
    """What a comparison of one object came to."""

    EQUAL = "equal"
    UNPROVEN = "unproven"
    MISSING = "missing"
    DIFFERENT = "different"


class Difference(NamedTuple):
    """One object of the source, and what its copy is like; `why` is for people."""

    key: str
    finding: Comparison
    why: str


@dataclass(frozen=True, slots=True)
class Comparator:
    """What is compared, and how.

    `same_checksum` asks both sides where the ETags differ; it gives None where they tell nothing that can be compared.
    `same_bytes` then reads both; without it nothing is read.
    """

    pair: Pair
    included: KeyFilter | None
    same_checksum: Callable[[ObjectEntry, ObjectEntry], bool | None]
    same_bytes: SameBytes | None


def verify(source: Pages, destination: Pages, comparison: Comparator) -> Iterator[Difference]:
    """Yield a verdict on every object of the source that the filter lets through, in the order of keys."""
    lookup = Lookup(destination)
    included = comparison.included
    with ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="verify") as readers:
        for page in source:
            entries = [entry for entry in page if included is None or included(entry.key)]
            copies = [lookup.find(comparison.pair.destination_key(entry.key)) for entry in entries]
            yield from readers.map(partial(_judge, comparison), entries, copies)


def _judge(comparison: Comparator, entry: ObjectEntry, copy: ObjectEntry | None) -> Difference:
    if copy is None:
        return Difference(entry.key, Comparison.MISSING, "the destination does not hold it")
    if entry.size != copy.size:
        why = f"{entry.size} bytes at the source, {copy.size} at the destination"
        return Difference(entry.key, Comparison.DIFFERENT, why)
    if entry.etag == copy.etag:
        return Difference(entry.key, Comparison.EQUAL, "the ETags are equal")
    return _ask(comparison, entry, copy)


def _ask(comparison: Comparator, entry: ObjectEntry, copy: ObjectEntry) -> Difference:
    same = comparison.same_checksum(entry, copy)
    if same is not None:
        return _proven(entry, same, "checksums")
    if comparison.same_bytes is not None:
        return _proven(entry, comparison.same_bytes(entry, copy), "bytes")
    if reason_to_transfer(entry, copy, md5_etags=False):
        return Difference(entry.key, Comparison.DIFFERENT, "it changed after it was copied")
    return Difference(entry.key, Comparison.UNPROVEN, "size and time agree, no checksum can be compared")


def _proven(entry: ObjectEntry, same: bool, what: str) -> Difference:
    if same:
        return Difference(entry.key, Comparison.EQUAL, f"the {what} are equal")
    return Difference(entry.key, Comparison.DIFFERENT, f"the {what} differ")


def checksum_comparer(
    source: Bucket, destination: Bucket, retry: Retry
) -> Callable[[ObjectEntry, ObjectEntry], bool | None]:
    """Return what compares the checksums that both sides tell of an object and its copy."""

    def same_checksum(entry: ObjectEntry, copy: ObjectEntry) -> bool | None:
        sent = retry(partial(source.head, entry.key))
        arrived = retry(partial(destination.head, copy.key))
        try:
            proven = check_content(
                ObjectChecksums(sent.etag, sent.headers), ObjectChecksums(arrived.etag, arrived.headers)
            )
        except VerificationError:
            return False
        return True if proven else None

    return same_checksum


def byte_comparer(source: Bucket, destination: Bucket, retry: Retry) -> SameBytes:
    """Return what reads an object and its copy, each pinned to its listed ETag, and compares their hashes."""

    def same_bytes(entry: ObjectEntry, copy: ObjectEntry) -> bool:
        ours = retry(partial(_hash, source, entry))
        return ours == retry(partial(_hash, destination, copy))

    return same_bytes


def _hash(bucket: Bucket, entry: ObjectEntry) -> bytes:
    buffer = memoryview(bytearray(HASHING_BUFFER))
    digest = hashlib.sha256()
    with bucket.get(entry.key, if_match=entry.etag) as body:
        while count := body.read_into(buffer):
            digest.update(buffer[:count])
    return digest.digest()
