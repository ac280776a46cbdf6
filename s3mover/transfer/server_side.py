"""Server-side copy: S3 copies from bucket to bucket, and no byte passes through this process.

One principal must be permitted to read the source and to write the destination (Amazon S3 User Guide, "Copying
objects": permissions). It may be either account's: each is tried in turn.
"""

from collections.abc import Callable, Sequence

from s3mover.errors import S3Error
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Head, Stored
from s3mover.s3.retry import Retry, no_retry
from s3mover.transfer.attempt_errors import is_denial
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
from s3mover.transfer.properties import WriteHeaders, with_source_properties, write_headers
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.tagging import write_late_tags
from s3mover.transfer.verification import check_content, check_size

# Requested of a multipart copy, so that its checksum covers the whole object, as that of its source does.
FULL_OBJECT_CHECKSUM = {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "FULL_OBJECT"}
EMPTY_HEAD = Head(0, "", "", {})


class ServerSideCopy:
    """Copies by CopyObject, and by UploadPartCopy above `policy.largest_copy`.

    `principals` are the destination bucket as seen with each account's credentials, its own first; copies
    begin with the one that last succeeded. `needs_head` returns whether a HeadObject precedes the next copy, since the
    object may have properties that S3 does not copy.
    """

    def __init__(
        self,
        source: Bucket,
        principals: Sequence[Bucket],
        policy: TransferPolicy,
        run_parts: RunParts,
        features: StoreFeatures,
        needs_head: Callable[[], bool],
        retry: Retry = no_retry,
    ) -> None:
        self._source = source
        self._destination = principals[0]
        self._principals = list(principals)
        self._policy = policy
        self._run_parts = run_parts
        self._features = features
        self._needs_head = needs_head
        self._retry = retry

    def transfer(self, order: Order) -> TransferResult:
        """Copy with the first principal that is permitted; see `TransferMethod.transfer`."""
        head = self._head(order)
        properties = self._write_headers(order, head)
        with self._features.probe(properties.used):
            return self._copy_with_any_principal(order, properties)

    def _write_headers(self, order: Order, head: Head) -> WriteHeaders:
        properties = write_headers(self._policy, order.storage_class, head.headers, self._features.has)
        if order.size <= self._policy.largest_copy:
            return properties
        with self._features.probe((Feature.TAGS,)):
            return with_source_properties(
                properties, head.headers, self._features.has, lambda: self._source.tags(order.key)
            )

    def _head(self, order: Order) -> Head:
        """Ask the source first where properties might be lost: always for a copy in parts, where S3 keeps none."""
        if order.size > self._policy.largest_copy:
            return head_with_tags(self._source, order)
        return self._source.head(order.key) if self._needs_head() else EMPTY_HEAD

    def _copy_with_any_principal(self, order: Order, properties: WriteHeaders) -> TransferResult:
        refusals = []
        for principal in tuple(self._principals):
            try:
                stored = self._copy(principal, order, properties)
            except S3Error as error:
                if not is_denial(error):
                    raise
                refusals.append(error)
                continue
            self._prefer(principal)
            note = self._verify(principal, order, stored)
            write_late_tags(
                principal, order.target, stored.etag, properties.late_tags, self._features, self._retry
            )
            return TransferResult(stored.etag, join_notes(properties.note, note), properties.unkept)
        raise refusals[0]

    def _prefer(self, principal: Bucket) -> None:
        if self._principals[0] is not principal:
            # A new list, since other threads iterate over the old one.
            self._principals = [principal, *(p for p in self._principals if p is not principal)]

    def _copy(self, destination: Bucket, order: Order, properties: WriteHeaders) -> Stored:
        if order.size > self._policy.largest_copy:
            return self._copy_in_parts(destination, order, properties)
        return destination.copy(
            order.target,
            source_bucket=self._source.address.bucket,
            source_key=order.key,
            if_match=order.etag,
            headers=properties.headers,
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
