"""What to try where a store answers as if it wanted the bucket named elsewhere. Pure."""

from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Side
from s3mover.stores import store_of

# Codes of stores that do not take a bucket in the path; without an endpoint's bucket the first part of the path is one.
_PATH_REFUSED = frozenset(
    {
        "InvalidBucketName",
        "NoSuchBucket",
        "NotFound",
        "PathStyleDomainForbidden",
        "PermanentRedirect",
        "SecondLevelDomainForbidden",
        "VirtualHostDomainRequired",
    }
)
# Where the host's name with the bucket is not known, not certified, or leads to the store's own page.
_HOST_REFUSED = frozenset(
    {"ConnectionError", "InvalidBucketName", "NoSuchBucket", "NotFound", "NotImplemented"}
)


def addressing_advice(side: Side, address: BucketAddress, error: S3Error) -> str:
    """Return the addressing to try after `error`, empty where nothing speaks for one; AWS takes both."""
    if store_of(address).is_aws:
        return ""
    if address.path and error.code in _PATH_REFUSED:
        return f"; if the store wants the bucket in the host's name, set {side}.addressing: virtual"
    if not address.path and error.code in _HOST_REFUSED:
        return f"; if the store wants the bucket in the path, set {side}.addressing: path"
    return ""
