"""Server-side copy: S3 copies from bucket to bucket, and no byte passes through this process.

One principal must be permitted to read the source and to write the destination (Amazon S3 User Guide, "Copying
objects": permissions). It may be either account's: each is tried in turn.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

from s3mover.errors import S3Error, VerificationError
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Head, Stored
from s3mover.s3.retry import Retry, no_retry
from s3mover.s3.values import http_time
from s3mover.stores import store_of
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.bucket_identity import BucketIdentity
from s3mover.transfer.copy_limit import CopyLimit
from s3mover.transfer.method import (
    MultipartUpload,
    RunParts,
    TransferResult,
    head_of_copy,
    head_with_tags,
    join_notes,
    removed_on_mismatch,
    write_multipart,
)
from s3mover.transfer.object_checksums import ObjectChecksums
from s3mover.transfer.parts import Part, part_size_for, parts_of
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.properties import (
    LOCK,
    WriteHeaders,
    with_clean_coding,
    with_source_properties,
    write_headers,
)
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.tagging import write_late_tags
from s3mover.transfer.verification import check_content, check_size

# Requested of a multipart copy, so that its checksum covers the whole object, as that of its source does.
FULL_OBJECT_CHECKSUM = {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "FULL_OBJECT"}
EMPTY_HEAD = Head(0, "", "", {})
# Object annotations are copied unless this is sent (Amazon S3 API Reference: CopyObject).
WITHOUT_ANNOTATIONS = {"x-amz-object-annotation-directive": "EXCLUDE"}
# With these, stores refuse headers that they do not know; a copy without it shows whether they meant this one.
REFUSALS_OF_ANNOTATIONS = frozenset({"InvalidArgument", "InvalidRequest", "NotImplemented"})


class ServerSideCopy:
    """Copies by CopyObject, and by UploadPartCopy above a limit.

    `principals` are the destination bucket as seen with each account's credentials, its own first; copies
    begin with the one that last succeeded. `identities` has what proves that a principal sees the right buckets, where
    that is in doubt. `needs_head` returns whether a HeadObject precedes the copy of a key, since the object may have
    properties that S3 does not copy. `limit` says which objects are copied in parts.
    """

    def __init__(
        self,
        source: Bucket,
        principals: Sequence[Bucket],
        policy: TransferPolicy,
        run_parts: RunParts,
        features: StoreFeatures,
        needs_head: Callable[[str], bool],
        retry: Retry = no_retry,
        *,
        identities: Mapping[Bucket, BucketIdentity] = MappingProxyType({}),
        limit: CopyLimit | None = None,
    ) -> None:
        self._source = source
        self._destination = principals[0]
        self._principals = list(principals)
        self._policy = policy
        self._run_parts = run_parts
        self._features = features
        self._needs_head = needs_head
        self._retry = retry
        self._identities = identities
        self._is_aws = store_of(self._destination.address).is_aws
        self._limit = limit or CopyLimit(time.monotonic, policy.largest_copy)

    def transfer(self, order: Order) -> TransferResult:
        """Copy with the first principal that is permitted; see `TransferMethod.transfer`."""
        in_parts = self._limit.is_exceeded(order.size)
        try:
            return self._transfer(order, in_parts=in_parts)
        except _TooLargeError:
            self._limit.lower(order.size)
            return self._transfer(order, in_parts=True)
        except S3Error as error:
            if _is_silent(error) and order.size > self._policy.part_size:
                self._limit.lower(order.size)
            raise

    def find_copy(self, order: Order, seconds: float) -> TransferResult | None:
        """Return the copy that the destination made within so many seconds, after a request without an answer."""
        try:
            copy = self._destination.head(order.target)
        except S3Error as error:
            if error.status == HTTPStatus.NOT_FOUND or is_denial(error):
                return None
            raise
        source = self._source.head(order.key)
        if source.etag != order.etag or not _is_written_within(copy, seconds) or not _is_equal(source, copy):
            return None
        properties = write_headers(
            self._policy, order.storage_class, self._known(order, source).headers, self._features.has
        )
        return TransferResult(copy.etag, properties.note, properties.unkept)

    def _known(self, order: Order, head: Head) -> Head:
        """Return what a copy would have known of the source."""
        return head if self._needs_head(order.key) else EMPTY_HEAD

    def _transfer(self, order: Order, *, in_parts: bool) -> TransferResult:
        head = self._head(order, in_parts=in_parts)
        properties = write_headers(self._policy, order.storage_class, head.headers, self._features.has)
        if not in_parts:
            properties = with_clean_coding(properties, head.headers)
            with self._features.probe(properties.used):
                return self._copy_with_any_principal(order, properties, self._copy_whole)
        with self._features.probe((Feature.TAGS,)):
            properties = with_source_properties(
                properties, head.headers, self._features.has, lambda: self._source.tags(order.key)
            )
        with self._features.probe(properties.used):
            return self._copy_with_any_principal(order, properties, self._copy_in_parts)

    def _head(self, order: Order, *, in_parts: bool) -> Head:
        """Ask the source first where properties might be lost: always for a copy in parts, where S3 keeps none."""
        if in_parts:
            return head_with_tags(self._source, order)
        return self._source.head(order.key) if self._needs_head(order.key) else EMPTY_HEAD

    def _copy_with_any_principal(
        self, order: Order, properties: WriteHeaders, copy: Callable[[Bucket, Order, WriteHeaders], Stored]
    ) -> TransferResult:
        refusals = []
        for principal in tuple(self._principals):
            identity = self._identities.get(principal)
            try:
                if identity is not None:
                    identity.before(order)
                stored = copy(principal, order, properties)
            except S3Error as error:
                if not is_denial(error):
                    raise
                refusals.append(error)
                continue
            self._prefer(principal)
            if identity is not None:
                with removed_on_mismatch(principal, order.target, stored.etag):
                    identity.after(order, stored)
            note = self._verify(principal, order, stored)
            properties = self._without_dropped_lock(principal, order, properties)
            write_late_tags(
                principal, order.target, stored.etag, properties.late_tags, self._features, self._retry
            )
            return TransferResult(stored.etag, join_notes(properties.note, note), properties.unkept)
        raise refusals[0]

    def _without_dropped_lock(
        self, principal: Bucket, order: Order, properties: WriteHeaders
    ) -> WriteHeaders:
        """Return what the copy has of `properties`: some stores accept Object Lock settings of copies and drop them.

        AWS does not, and hides them from those who may not read them.
        """
        if Feature.OBJECT_LOCK not in properties.used or self._is_aws:
            return properties
        copy = self._head_of_copy(principal, order.target)
        if all(name in copy.headers for name in LOCK if name in properties.headers):
            return properties
        return properties._replace(refused=(*properties.refused, Feature.OBJECT_LOCK))

    def _prefer(self, principal: Bucket) -> None:
        if self._principals[0] is not principal:
            # A new list, since other threads iterate over the old one.
            self._principals = [principal, *(p for p in self._principals if p is not principal)]

    def _copy_whole(self, destination: Bucket, order: Order, properties: WriteHeaders) -> Stored:
        """Copy by one request, without annotations, which may need more rights."""
        headers = properties.headers
        excludes = not self._policy.copy_annotations and self._features.has(Feature.ANNOTATIONS)
        try:
            if not excludes:
                return self._copy_object(destination, order, headers)
            try:
                return self._copy_object(destination, order, headers | WITHOUT_ANNOTATIONS)
            except S3Error as error:
                if error.code not in REFUSALS_OF_ANNOTATIONS:
                    raise
                refusal = error.code
            stored = self._copy_object(destination, order, headers)
        except S3Error as error:
            if self._limit.is_refusal(error, order.size):
                raise _TooLargeError from error
            raise
        self._features.disable(Feature.ANNOTATIONS, refusal)
        return stored

    def _copy_object(self, destination: Bucket, order: Order, headers: dict[str, str]) -> Stored:
        return destination.copy(
            order.target,
            source_bucket=self._source.address.bucket,
            source_key=order.key,
            if_match=order.etag,
            headers=headers,
        )

    def _copy_in_parts(self, destination: Bucket, order: Order, properties: WriteHeaders) -> Stored:
        headers = properties.headers | FULL_OBJECT_CHECKSUM
        size = part_size_for(order.size, self._policy.part_size)

        def fill(upload: MultipartUpload) -> Stored:
            etags = self._run_parts(
                lambda part: self._retry(lambda: self._copy_part(upload, order, part)),
                parts_of(order.size, size),
            )
            return upload.complete(etags, {"x-amz-checksum-type": "FULL_OBJECT"})

        return write_multipart(destination, order, headers, fill, self._retry)

    def _copy_part(self, upload: MultipartUpload, order: Order, part: Part) -> str:
        return upload.destination.copy_part(
            upload.key,
            upload.id,
            part.number,
            source_bucket=self._source.address.bucket,
            source_key=order.key,
            first=part.first,
            last=part.last,
            if_match=order.etag,
        )

    def _verify(self, principal: Bucket, order: Order, stored: Stored) -> str:
        """Verify a copy; equal ETags prove it, otherwise both sides are asked for checksums and size. Return a note."""
        if stored.etag == order.etag:
            return ""
        with removed_on_mismatch(self._destination, order.target, stored.etag):
            return self._compare(principal, order)

    def _compare(self, principal: Bucket, order: Order) -> str:
        copy = self._head_of_copy(principal, order.target)
        source = self._retry(lambda: self._source.head(order.key))
        if source.etag != order.etag:
            raise S3Error(
                "PreconditionFailed", "the source changed while it was copied", operation="HeadObject"
            )
        check_size(order.size, copy.size)
        proven = check_content(
            ObjectChecksums(source.etag, source.headers), ObjectChecksums(copy.etag, copy.headers)
        )
        return "" if proven else "verified by size alone"

    def _head_of_copy(self, principal: Bucket, key: str) -> Head:
        """Ask with the bucket's own account, else with the principal that made the copy, which may own it."""
        try:
            return head_of_copy(self._destination, key, self._retry)
        except S3Error as error:
            if principal is self._destination or not is_denial(error):
                raise
        return head_of_copy(principal, key, self._retry)


class _TooLargeError(Exception):
    """A copy was refused, perhaps because the object is too large for one request."""


def _is_silent(error: S3Error) -> bool:
    return error.operation == "CopyObject" and error.code == "Timeout"


def _is_written_within(copy: Head, seconds: float) -> bool:
    """Return whether an object was written within so many seconds, by the store's own clock."""
    now, written_at = http_time(copy.headers.get("date", "")), http_time(copy.last_modified)
    return now is not None and written_at is not None and now - written_at <= seconds + 1


def _is_equal(source: Head, copy: Head) -> bool:
    """Return whether checksums or ETags prove that two objects have the same content."""
    if source.size != copy.size:
        return False
    try:
        return source.etag == copy.etag or check_content(
            ObjectChecksums(source.etag, source.headers), ObjectChecksums(copy.etag, copy.headers)
        )
    except VerificationError:
        return False
