"""What travels with the bytes: which headers a write carries so that the copy is like its source. Pure.

CopyObject keeps metadata and tags by itself, but neither storage class nor ACL nor the website redirect; a PUT or
a multipart upload keeps nothing (Amazon S3 API Reference: CopyObject, CreateMultipartUpload).
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from s3mover.transfer.policy import Policy

CARRIED = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-website-redirect-location",
)
METADATA = "x-amz-meta-"


def chosen_headers(policy: Policy, storage_class: str) -> dict[str, str]:
    """Return the headers that every write sends, whatever its way: class, ACL and encryption."""
    wanted = policy.storage_class or storage_class
    headers = {}
    if wanted not in {"", "STANDARD"}:
        headers["x-amz-storage-class"] = wanted
    if policy.acl:
        headers["x-amz-acl"] = policy.acl
    if policy.kms_key_id:
        headers["x-amz-server-side-encryption"] = "aws:kms"
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = policy.kms_key_id
    return headers


def carried_headers(source: Mapping[str, str], tags: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the headers that carry an object's content headers, user metadata and tags.

    `source` is the answer of a GET or HEAD, names in lower case.
    """
    headers = {name: value for name, value in source.items() if name in CARRIED or name.startswith(METADATA)}
    if tags:
        headers["x-amz-tagging"] = urlencode(tags)
    return headers


def is_tagged(source: Mapping[str, str]) -> bool:
    """Tell whether the answer of a GET or HEAD says that the object has tags."""
    return source.get("x-amz-tagging-count", "0") != "0"
