"""Compares two buckets object by object, without changing anything."""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from s3mover.errors import S3Error, VerificationError
from s3mover.model import ObjectEntry, Pair, key_text
from s3mover.planning.compare import etags_prove_equality, reason_to_transfer
from s3mover.planning.filters import KeyFilter
from s3mover.planning.page_diff import Lookup, Pages
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Head
from s3mover.s3.retry import Retry
from s3mover.transfer.object_checksums import ObjectChecksums
from s3mover.transfer.verification import check_content

HASHING_THREADS = 16
HASHING_BUFFER = 256 * 1024
# What a request for an object is refused with that was listed, and is another one or none now.
CHANGED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED})

# Returns the heads of an object and its copy.
ReadHeads = Callable[[ObjectEntry, ObjectEntry], tuple[Head, Head]]
# Returns whether the bytes of an object and its copy are equal.
SameBytes = Callable[[ObjectEntry, ObjectEntry], bool]
# Returns the names of the properties that differ.
DifferingProperties = Callable[[ObjectEntry, ObjectEntry, Head, Head], list[str]]


class Comparison(StrEnum):
    """The result of comparing one object; `EXTRA` ones are found at the destination only."""

    EQUAL = "equal"
    UNPROVEN = "unproven"
    MISSING = "missing"
    DIFFERENT = "different"
    EXTRA = "extra"


class ComparedObject(NamedTuple):
    """One object and the result of its comparison; `reason` is for people."""

    key: str
    result: Comparison
    reason: str


@dataclass(frozen=True, slots=True)
class Comparator:
    """What is compared, and how.

    `read_heads` sends requests to both sides; it is called where the ETags prove nothing, and for the properties. If no
    checksum decides, `same_bytes` reads both objects; None reads nothing. `differing_properties` is None where the
    properties are not compared.
    """

    pair: Pair
    included: KeyFilter | None
    read_heads: ReadHeads
    same_bytes: SameBytes | None
    differing_properties: DifferingProperties | None = None

    def compare(self, entry: ObjectEntry, copy: ObjectEntry | None) -> ComparedObject:
        """Compare an object of the source with its copy, the cheapest way first."""
        if copy is None:
            return ComparedObject(entry.key, Comparison.MISSING, "not found at the destination")
        if entry.size != copy.size:
            reason = f"{entry.size} bytes at the source, {copy.size} at the destination"
            return ComparedObject(entry.key, Comparison.DIFFERENT, reason)
        try:
            return self._compare(entry, copy)
        except S3Error as error:
            if error.status not in CHANGED:
                raise
            return ComparedObject(
                entry.key, Comparison.UNPROVEN, f"it changed while it was compared ({error})"
            )

    def _compare(self, entry: ObjectEntry, copy: ObjectEntry) -> ComparedObject:
        if etags_prove_equality(entry, copy):
            compared = _proven(entry, "ETags", same=True)
            if self.differing_properties is None:
                return compared
            heads = self.read_heads(entry, copy)
        else:
            heads = self.read_heads(entry, copy)
            compared = self._compare_content(entry, copy, *heads)
        if compared.result is Comparison.DIFFERENT or self.differing_properties is None:
            return compared
        if names := self.differing_properties(entry, copy, *heads):
            reason = f"these properties differ: {', '.join(names)}"
            return ComparedObject(entry.key, Comparison.DIFFERENT, reason)
        return compared

    def _compare_content(
        self, entry: ObjectEntry, copy: ObjectEntry, original: Head, copied: Head
    ) -> ComparedObject:
        same = _same_checksum(original, copied)
        if same is not None:
            return _proven(entry, "checksums", same=same)
        if self.same_bytes is not None:
            return _proven(entry, "bytes", same=self.same_bytes(entry, copy))
        if reason_to_transfer(entry, copy, md5_etags=False):
            return ComparedObject(entry.key, Comparison.DIFFERENT, "it changed after it was copied")
        reason = "size and time agree, no checksum can be compared"
        return ComparedObject(entry.key, Comparison.UNPROVEN, reason)


def compare_buckets(source: Pages, destination: Pages, comparator: Comparator) -> Iterator[ComparedObject]:
    """Yield the comparison of every object of the source that the filter includes, in key order.

    Objects of the destination that the source does not have, filtered or not, come between them.
    """
    lookup = Lookup(destination)
    included = comparator.included
    with ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="verify") as threads:
        for page in source:
            entries: list[ObjectEntry] = []
            copies: list[ObjectEntry | None] = []
            for entry in page:
                target = comparator.pair.destination_key(entry.key)
                yield from map(_extra, _keys_before(target, lookup))
                copy = lookup.find(target)
                if included is None or included(entry.key):
                    entries.append(entry)
                    copies.append(copy)
            yield from threads.map(comparator.compare, entries, copies)
            for key in map(key_text, page.unusable):
                if included is None or included(key):
                    yield ComparedObject(key, Comparison.MISSING, "no request can name its key")
    while ahead := lookup.ahead():
        yield from map(_extra, ahead)
        lookup.pass_until(ahead[-1])


def _keys_before(key: str, lookup: Lookup) -> Iterator[str]:
    """Yield the keys that the listing has before `key`, and pass them."""
    while ahead := lookup.ahead():
        before = ahead[: bisect_left(ahead, key)]
        yield from before
        if len(before) < len(ahead):
            return
        lookup.pass_until(ahead[-1])


def _extra(key: str) -> ComparedObject:
    return ComparedObject(key, Comparison.EXTRA, "not found at the source")


def _proven(entry: ObjectEntry, what: str, *, same: bool) -> ComparedObject:
    if same:
        return ComparedObject(entry.key, Comparison.EQUAL, f"the {what} are equal")
    return ComparedObject(entry.key, Comparison.DIFFERENT, f"the {what} differ")


def head_reader(source: Bucket, destination: Bucket, retry: Retry) -> ReadHeads:
    """Return the function that reads the heads of an object and its copy."""

    def read_heads(entry: ObjectEntry, copy: ObjectEntry) -> tuple[Head, Head]:
        return retry(partial(source.head, entry.key)), retry(partial(destination.head, copy.key))

    return read_heads


def _same_checksum(original: Head, copied: Head) -> bool | None:
    """Return whether the checksums that both sides report are equal, None if none can be compared."""
    try:
        proven = check_content(
            ObjectChecksums(original.etag, original.headers), ObjectChecksums(copied.etag, copied.headers)
        )
    except VerificationError:
        return False
    return True if proven else None


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
