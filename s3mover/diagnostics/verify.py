"""Compares two buckets object by object, without changing anything."""

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

# Returns whether the checksums of an object and its copy are equal, None if none can be compared.
SameChecksum = Callable[[ObjectEntry, ObjectEntry], bool | None]
# Returns whether the bytes of an object and its copy are equal.
SameBytes = Callable[[ObjectEntry, ObjectEntry], bool]


class Comparison(StrEnum):
    """The result of comparing one object."""

    EQUAL = "equal"
    UNPROVEN = "unproven"
    MISSING = "missing"
    DIFFERENT = "different"


class ComparedObject(NamedTuple):
    """One object of the source and the result of its comparison; `reason` is for people."""

    key: str
    result: Comparison
    reason: str


@dataclass(frozen=True, slots=True)
class Comparator:
    """What is compared, and how.

    `same_checksum` sends requests to both sides and is called if the ETags differ. If it cannot decide, `same_bytes`
    reads both objects; None reads nothing.
    """

    pair: Pair
    included: KeyFilter | None
    same_checksum: SameChecksum
    same_bytes: SameBytes | None

    def compare(self, entry: ObjectEntry, copy: ObjectEntry | None) -> ComparedObject:
        """Compare an object of the source with its copy, the cheapest way first."""
        if copy is None:
            return ComparedObject(entry.key, Comparison.MISSING, "not found at the destination")
        if entry.size != copy.size:
            reason = f"{entry.size} bytes at the source, {copy.size} at the destination"
            return ComparedObject(entry.key, Comparison.DIFFERENT, reason)
        if entry.etag == copy.etag:
            return _proven(entry, "ETags", same=True)
        return self._compare_content(entry, copy)

    def _compare_content(self, entry: ObjectEntry, copy: ObjectEntry) -> ComparedObject:
        same = self.same_checksum(entry, copy)
        if same is not None:
            return _proven(entry, "checksums", same=same)
        if self.same_bytes is not None:
            return _proven(entry, "bytes", same=self.same_bytes(entry, copy))
        if reason_to_transfer(entry, copy, md5_etags=False):
            return ComparedObject(entry.key, Comparison.DIFFERENT, "it changed after it was copied")
        reason = "size and time agree, no checksum can be compared"
        return ComparedObject(entry.key, Comparison.UNPROVEN, reason)


def compare_buckets(source: Pages, destination: Pages, comparator: Comparator) -> Iterator[ComparedObject]:
    """Yield the comparison of every object of the source that the filter includes, in key order."""
    lookup = Lookup(destination)
    included = comparator.included
    with ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="verify") as threads:
        for page in source:
            entries = [entry for entry in page if included is None or included(entry.key)]
            copies = [lookup.find(comparator.pair.destination_key(entry.key)) for entry in entries]
            yield from threads.map(comparator.compare, entries, copies)


def _proven(entry: ObjectEntry, what: str, *, same: bool) -> ComparedObject:
    if same:
        return ComparedObject(entry.key, Comparison.EQUAL, f"the {what} are equal")
    return ComparedObject(entry.key, Comparison.DIFFERENT, f"the {what} differ")


def checksum_comparer(source: Bucket, destination: Bucket, retry: Retry) -> SameChecksum:
    """Return the function that compares the checksums that both sides report."""

    def same_checksum(entry: ObjectEntry, copy: ObjectEntry) -> bool | None:
        original = retry(partial(source.head, entry.key))
        copied = retry(partial(destination.head, copy.key))
        try:
            proven = check_content(
                ObjectChecksums(original.etag, original.headers),
                ObjectChecksums(copied.etag, copied.headers),
            )
        except VerificationError:
            return False
        return True if proven else None

    return same_checksum


def byte_comparer(source: Bucket, destination: Bucket, retry: Retry) -> SameBytes:
    """Return the function that reads object and copy, each pinned to its listed ETag, and compares their hashes."""

    def same_bytes(entry: ObjectEntry, copy: ObjectEntry) -> bool:
        return retry(partial(_hash, source, entry)) == retry(partial(_hash, destination, copy))

    return same_bytes


def _hash(bucket: Bucket, entry: ObjectEntry) -> bytes:
    buffer = memoryview(bytearray(HASHING_BUFFER))
    digest = hashlib.sha256()
    with bucket.get(entry.key, if_match=entry.etag) as body:
        while count := body.read_into(buffer):
            digest.update(buffer[:count])
    return digest.digest()
