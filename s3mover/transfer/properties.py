"""What travels with the bytes: which headers a write carries so that the copy is like its source. Pure.

CopyObject keeps content headers, metadata and tags by itself, but neither storage class, ACL, website redirect nor
Object Lock settings; a PUT or a multipart upload keeps nothing (Amazon S3 API Reference: CopyObject,
CreateMultipartUpload).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from s3mover.transfer.abilities import Feature
from s3mover.transfer.policy import Policy

CARRIED = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
METADATA = "x-amz-meta-"
REDIRECT = "x-amz-website-redirect-location"
LOCK = ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold")

Tags = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Writing:
    """The headers of a write, the features that they use, and what the destination cannot keep."""

    headers: dict[str, str]
    used: tuple[Feature, ...]
    note: str = ""


def writing(
    policy: Policy, storage_class: str, source: Mapping[str, str], has: Callable[[Feature], bool]
) -> Writing:
    """Return what every write sends, whatever its way: class, ACL and encryption, redirect and lock.

    `source` are the headers of the source's GET or HEAD (names in lower case), empty where it was not asked;
    `has` tells what the destination can do.
    """
    wanted = _by_feature(policy, storage_class, source)
    headers = _configured(policy)
    for feature, values in wanted.items():
        headers |= values if has(feature) else {}
    refused = [feature for feature in wanted if not has(feature)]
    note = f"not kept, as the destination refuses it: {', '.join(refused)}" if refused else ""
    return Writing(headers, tuple(feature for feature in wanted if has(feature)), note)


def carried_headers(source: Mapping[str, str], tags: Tags) -> dict[str, str]:
    """Return the headers that carry an object's content headers, user metadata and tags, where S3 keeps none."""
    headers = {name: value for name, value in source.items() if name in CARRIED or name.startswith(METADATA)}
    if tags:
        headers["x-amz-tagging"] = urlencode(tags, quote_via=quote)
    return headers


def is_tagged(source: Mapping[str, str]) -> bool:
    """Tell whether the answer of a GET or HEAD says that the object has tags."""
    return source.get("x-amz-tagging-count", "0") != "0"


def _by_feature(
    policy: Policy, storage_class: str, source: Mapping[str, str]
) -> dict[Feature, dict[str, str]]:
    chosen = policy.storage_class or storage_class
    wanted = {
        Feature.STORAGE_CLASS: {"x-amz-storage-class": chosen} if chosen not in {"", "STANDARD"} else {},
        Feature.REDIRECT: {REDIRECT: source[REDIRECT]} if REDIRECT in source else {},
        Feature.OBJECT_LOCK: {name: source[name] for name in LOCK if source.get(name, "OFF") != "OFF"},
    }
    return {feature: headers for feature, headers in wanted.items() if headers}


def _configured(policy: Policy) -> dict[str, str]:
    headers = {}
    if policy.acl:
        headers["x-amz-acl"] = policy.acl
    if policy.kms_key_id:
        headers["x-amz-server-side-encryption"] = "aws:kms"
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = policy.kms_key_id
    return headers
