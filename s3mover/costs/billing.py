"""Which requests S3 charges, and how.

| requests | charged as |
|---|---|
| PUT, COPY, POST and LIST: those that write, list, restore, begin or complete an upload | put |
| GET, HEAD and all others | get |
| DELETE, and those that abort an upload | free |

| answer | charged |
|---|---|
| success, and 4xx errors that are not listed below | yes |
| 5xx errors; redirects; errors of the address or the signature | no |
| none, because the connection failed | no |
| none within the time, or one that could not be read | yes: S3 may have carried the request out |

Sources: Amazon S3 pricing, "Requests & data retrievals"; Amazon S3 User Guide, "Billing for Amazon S3 error responses"
(the codes; it also says that AccessDenied is not charged to the owner of the bucket where the requester is outside its
account and organization: here it is counted, as that is not known).
"""

from enum import StrEnum


class Kind(StrEnum):
    """What costs money in a sweep."""

    PUT_REQUESTS = "put_requests"
    GET_REQUESTS = "get_requests"
    RETRIEVAL = "retrieval"
    TRANSFER = "transfer"
    KMS_REQUESTS = "kms_requests"


# The operations that write the bytes of objects: they are charged by the storage class that is written.
WRITES = frozenset(
    {
        "CopyObject",
        "PutObject",
        "CreateMultipartUpload",
        "UploadPart",
        "UploadPartCopy",
        "CompleteMultipartUpload",
    }
)
_OTHER_PUTS = frozenset(
    {
        "ListObjectsV2",
        "ListMultipartUploads",
        "ListParts",
        "PutObjectTagging",
        "RestoreObject",
    }
)
# These have the price of STANDARD, whatever the classes of the objects that they list.
_LISTINGS = frozenset({"ListObjectsV2", "ListMultipartUploads", "ListParts"})
_FREE = frozenset({"DeleteObject", "DeleteObjects", "AbortMultipartUpload"})
_UNCHARGED = frozenset(
    {
        # 5xx
        "InternalError",
        "ServiceUnavailable",
        "SlowDown",
        "Busy",
        "NotImplemented",
        # Redirects
        "PermanentRedirect",
        "TemporaryRedirect",
        "Redirect",
        # Address and signature
        "AuthorizationHeaderMalformed",
        "AuthorizationQueryParametersError",
        "ExpiredToken",
        "IllegalLocationConstraintException",
        "InvalidArgument",
        "InvalidBucketOwnerAWSAccountID",
        "InvalidDigest",
        "InvalidHostHeader",
        # No answer
        "ConnectionError",
    }
)


def is_charged(code: str) -> bool:
    """Return whether a request with this code of its answer (`200`, or the error's) is charged."""
    return code not in _UNCHARGED and not (len(code) == 3 and code.startswith("5"))  # noqa: PLR2004


def kind_of(operation: str) -> Kind | None:
    """Return what an operation is charged as; None if it is free."""
    if operation in _FREE:
        return None
    return Kind.PUT_REQUESTS if operation in WRITES or operation in _OTHER_PUTS else Kind.GET_REQUESTS


def is_by_class(operation: str) -> bool:
    """Return whether the storage class of an object decides the price of the operation."""
    return operation not in _LISTINGS
