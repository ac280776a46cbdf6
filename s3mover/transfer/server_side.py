"""The server-side way: S3 copies from bucket to bucket, and no byte comes through us.

One principal must hold both rights, to read the source and to write the destination (Amazon S3 User Guide,
"Copying objects": permissions). Either account's credentials may be the ones: each is tried in turn.
"""

from collections.abc import Callable, Sequence

from s3mover.errors import S3Error
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Head, Stored
from s3mover.s3.retry import Retry, no_retry
from s3mover.transfer.method import (
    RunParts,
    TransferResult,
    Upload,
    arrived_head,
    in_one_upload,
    notes,
    removed_if_wrong,
)
from s3mover.transfer.object_checksums import ObjectChecksums
from s3mover.transfer.parts import Part, part_size_for, parts_of
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.properties import WriteHeaders, with_source_properties, write_headers
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.verification import check_content, check_size

# Codes that say "not this way" rather than "not at all": another principal, or streaming, may be permitted.
DENIALS = frozenset(
    {"AccessDenied", "AllAccessDisabled", "MethodNotAllowed", "NoSuchBucket", "NotImplemented"}
)
# What a multipart copy asks for so that its checksum covers the whole object, as its source's does.
WHOLE_CHECKSUM = {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "FULL_OBJECT"}
NO_HEAD = Head(0, "", "", {})


def is_denial(error: S3Error) -> bool:
    """Tell whether `error` refuses the way and not the object."""
    return error.code in DENIALS or error.code.startswith("KMS.")


class ServerSideCopy:
    """Copies by CopyObject, and by UploadPartCopy above `policy.largest_copy`.

    `principals` are the destination bucket as seen with each account's credentials, its own first; for copies the
    one that last succeeded is asked first. `thorough` tells whether the next object is to be asked about, since it may
    have what S3 does not copy.
    """

    def __init__(
        self,
        source: Bucket,
        principals: Sequence[Bucket],
        policy: TransferPolicy,
        run_parts: RunParts,
        features: StoreFeatures,
        thorough: Callable[[], bool],
        retry: Retry = no_retry,
    ) -> None:
        self._source = source
        self._destination = principals[0]
        self._principals = list(principals)
        self._policy = policy
        self._run_parts = run_parts
        self._features = features
        self._thorough = thorough
        self._retry = retry

    def transfer(self, order: Order) -> TransferResult:
        """Copy with the first principal that may; see `TransferMethod.transfer`."""
        head = self._source.head(order.key) if self._must_ask(order) else NO_HEAD
        told = self._writing(order, head)
        with self._features.learning(told.used):
            return self._carry_as_any(order, told)

    def _writing(self, order: Order, head: Head) -> WriteHeaders:
        told = write_headers(self._policy, order.storage_class, head.headers, self._features.has)
        if order.size <= self._policy.largest_copy:
            return told
        with self._features.learning((Feature.TAGS,)):
            return with_source_properties(
                told, head.headers, self._features.has, lambda: self._source.tags(order.key)
            )

    def _must_ask(self, order: Order) -> bool:
        """A copy by parts keeps nothing by itself."""
        return order.size > self._policy.largest_copy or self._thorough()

    def _carry_as_any(self, order: Order, told: WriteHeaders) -> TransferResult:
        refusals = []
        for copier in tuple(self._principals):
            try:
                stored = self._copy(copier, order, told)
            except S3Error as error:
                if not is_denial(error):
                    raise
                refusals.append(error)
                continue
            self._prefer(copier)
            return TransferResult(
                stored.etag, notes(told.note, self._verify(copier, order, stored)), told.unkept
            )
        raise refusals[0]

    def _prefer(self, copier: Bucket) -> None:
        if self._principals[0] is not copier:
            # Replaced as a whole, since other threads iterate over it.
            self._principals = [copier, *(p for p in self._principals if p is not copier)]

    def _copy(self, destination: Bucket, order: Order, told: WriteHeaders) -> Stored:
        if order.size > self._policy.largest_copy:
            return self._copy_in_parts(destination, order, told)
        return destination.copy(
            order.target,
            source_bucket=self._source.address.bucket,
            source_key=order.key,
            if_match=order.etag,
            headers=told.headers,
        )

    def _copy_in_parts(self, destination: Bucket, order: Order, told: WriteHeaders) -> Stored:
        headers = told.headers | WHOLE_CHECKSUM
        size = part_size_for(order.size, self._policy.part_size)

        def fill(upload: Upload) -> Stored:
            etags = self._run_parts(
                lambda part: self._retry(lambda: self._copy_part(upload, order, part)),
                parts_of(order.size, size),
            )
            return upload.complete(etags, {"x-amz-checksum-type": "FULL_OBJECT"})

        return in_one_upload(destination, order, headers, fill, self._retry)

    def _copy_part(self, upload: Upload, order: Order, part: Part) -> str:
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

    def _verify(self, copier: Bucket, order: Order, stored: Stored) -> str:
        """Check a copy: equal ETags prove it; otherwise both sides are asked for their checksums and the size."""
        if stored.etag == order.etag:
            return ""
        with removed_if_wrong(self._destination, order.target, stored.etag):
            return self._compare(copier, order)

    def _compare(self, copier: Bucket, order: Order) -> str:
        arrived = self._arrived(copier, order.target)
        sent = self._retry(lambda: self._source.head(order.key))
        if sent.etag != order.etag:
            raise S3Error(
                "PreconditionFailed", "the source changed while it was copied", operation="HeadObject"
            )
        check_size(order.size, arrived.size)
        proven = check_content(
            ObjectChecksums(sent.etag, sent.headers), ObjectChecksums(arrived.etag, arrived.headers)
        )
        return "" if proven else "verified by size alone"

    def _arrived(self, copier: Bucket, key: str) -> Head:
        """Look at a copy: the bucket's own account may, or else who made the copy, and perhaps owns it."""
        try:
            return arrived_head(self._destination, key, self._retry)
        except S3Error as error:
            if copier is self._destination or not is_denial(error):
                raise
        return arrived_head(copier, key, self._retry)
