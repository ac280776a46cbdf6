"""The server-side way: S3 copies from bucket to bucket, and no byte comes through us.

One principal must hold both rights, to read the source and to write the destination (Amazon S3 User Guide,
"Copying objects": permissions). Either account's credentials may be the ones: each is tried in turn.
"""

from collections.abc import Sequence

from s3mover.errors import S3Error
from s3mover.model import Order
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Stored
from s3mover.transfer.parts import MAX_SINGLE_COPY, Part
from s3mover.transfer.policy import Policy
from s3mover.transfer.properties import carried_headers, chosen_headers, is_tagged
from s3mover.transfer.verification import check_md5, check_size, etag_is_md5
from s3mover.transfer.ways import Arrival, upload_in_parts

# Codes that say "not this way" rather than "not at all": another principal, or streaming, may be permitted.
DENIALS = frozenset(
    {"AccessDenied", "AllAccessDisabled", "MethodNotAllowed", "NoSuchBucket", "NotImplemented"}
)


def is_denial(error: S3Error) -> bool:
    """Tell whether `error` refuses the way and not the object."""
    return error.code in DENIALS or error.code.startswith("KMS.")


class ServerSideCopy:
    """Copies by CopyObject, and by UploadPartCopy above 5 GiB.

    `principals` are the destination bucket as seen with each account's credentials, the likelier first; the one
    that last succeeded is asked first.
    """

    def __init__(self, source: Bucket, principals: Sequence[Bucket], policy: Policy) -> None:
        self._source = source
        self._principals = list(principals)
        self._policy = policy

    def carry(self, order: Order) -> Arrival:
        """Copy with the first principal that may; see `Way.carry`."""
        refusal: S3Error | None = None
        for destination in tuple(self._principals):
            try:
                arrival = self._carry_as(destination, order)
            except S3Error as error:
                if not is_denial(error):
                    raise
                refusal = refusal or error
            else:
                self._prefer(destination)
                return arrival
        raise refusal or S3Error("AccessDenied", "no credentials are left to try", operation="CopyObject")

    def _prefer(self, destination: Bucket) -> None:
        if self._principals[0] is not destination:
            # Replaced as a whole, since other threads iterate over it.
            self._principals = [destination, *(p for p in self._principals if p is not destination)]

    def _carry_as(self, destination: Bucket, order: Order) -> Arrival:
        if order.size > MAX_SINGLE_COPY:
            stored = self._copy_in_parts(destination, order)
        else:
            stored = destination.copy(
                order.target,
                source_bucket=self._source.address.bucket,
                source_key=order.key,
                if_match=order.etag,
                headers=chosen_headers(self._policy, order.storage_class),
            )
        if stored.etag != order.etag:
            self._verify(destination, order, stored)
        return Arrival(stored.etag)

    def _copy_in_parts(self, destination: Bucket, order: Order) -> Stored:
        head = self._source.head(order.key)
        tags = self._source.tags(order.key) if is_tagged(head.headers) else []
        headers = chosen_headers(self._policy, order.storage_class) | carried_headers(head.headers, tags)

        def copy_part(upload: str, part: Part) -> str:
            return destination.copy_part(
                order.target,
                upload,
                part.number,
                source_bucket=self._source.address.bucket,
                source_key=order.key,
                first=part.first,
                last=part.last,
                if_match=order.etag,
            )

        return upload_in_parts(destination, order, headers, self._policy.part_size, copy_part)

    def _verify(self, destination: Bucket, order: Order, stored: Stored) -> None:
        """Check a copy whose ETag is not its source's: by size, and by MD5 where both ETags are one."""
        arrived = destination.head(order.target)
        check_size(order.size, arrived.size)
        if etag_is_md5(stored.etag, arrived.headers):
            sent = self._source.head(order.key)
            if sent.etag == order.etag and etag_is_md5(sent.etag, sent.headers):
                check_md5(sent.etag, stored.etag)
