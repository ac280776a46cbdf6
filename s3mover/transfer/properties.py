"""What travels with the bytes: which headers a write carries so that the copy is like its source. Pure.

CopyObject keeps content headers, metadata and tags by itself, but neither storage class, ACL, website redirect nor
Object Lock settings; a PUT or a multipart upload keeps nothing (Amazon S3 API Reference: CopyObject,
CreateMultipartUpload).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.store_features import Feature

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
Has = Callable[[Feature], bool]


class WriteHeaders(NamedTuple):
    """The headers of a write, the features that they use, and those that had to be left out."""

    headers: dict[str, str]
    used: tuple[Feature, ...]
    refused: tuple[Feature, ...] = ()

    @property
    def note(self) -> str:
        """What should be known of the copy, empty where nothing is lost."""
        return f"not kept, as the destination refuses it: {', '.join(self.refused)}" if self.refused else ""

    @property
    def unkept(self) -> tuple[str, ...]:
        """The names of the properties that the copy will not have."""
        return tuple(feature.label for feature in self.refused)


def write_headers(
    policy: TransferPolicy, storage_class: str, source: Mapping[str, str], has: Has
) -> WriteHeaders:
    """Return what every write sends, whatever its way: class, ACL and encryption, redirect and lock.

    `source` are the headers of the source's GET or HEAD (names in lower case), empty where it was not asked;
    `has` tells what the destination can do.
    """
    headers_of = _by_feature(policy, storage_class, source)
    if not headers_of:
        return WriteHeaders(_encryption(policy), ())
    used = tuple(feature for feature in headers_of if has(feature))
    headers = _encryption(policy)
    for feature in used:
        headers |= headers_of[feature]
    return WriteHeaders(headers, used, tuple(feature for feature in headers_of if feature not in used))


def with_source_properties(
    told: WriteHeaders, source: Mapping[str, str], has: Has, read_tags: Callable[[], Tags]
) -> WriteHeaders:
    """Return `told` with all that a PUT or a multipart upload must carry, since S3 keeps none of it there.

    `read_tags` is asked only where the object has tags and the destination keeps any.
    """
    headers = told.headers | property_headers(source, [])
    if not is_tagged(source):
        return WriteHeaders(headers, told.used, told.refused)
    if not has(Feature.TAGS):
        return WriteHeaders(headers, told.used, (*told.refused, Feature.TAGS))
    headers |= property_headers({}, read_tags())
    return WriteHeaders(headers, (*told.used, Feature.TAGS), told.refused)


def property_headers(source: Mapping[str, str], tags: Tags) -> dict[str, str]:
    """Return the headers that carry an object's content headers, user metadata and tags, where S3 keeps none."""
    headers = {name: value for name, value in source.items() if name in CARRIED or name.startswith(METADATA)}
    if tags:
        headers["x-amz-tagging"] = urlencode(tags, quote_via=quote)
    return headers


def is_tagged(source: Mapping[str, str]) -> bool:
    """Tell whether the answer of a GET or HEAD says that the object has tags."""
    return source.get("x-amz-tagging-count", "0") != "0"


def _by_feature(
    policy: TransferPolicy, storage_class: str, source: Mapping[str, str]
) -> dict[Feature, dict[str, str]]:
    chosen = policy.storage_class or storage_class
    headers_of: dict[Feature, dict[str, str]] = {}
    if chosen not in {"", "STANDARD"}:
        headers_of[Feature.STORAGE_CLASS] = {"x-amz-storage-class": chosen}
    if policy.acl:
        headers_of[Feature.ACL] = {"x-amz-acl": policy.acl}
    if REDIRECT in source:
        headers_of[Feature.REDIRECT] = {REDIRECT: source[REDIRECT]}
    if lock := {name: source[name] for name in LOCK if source.get(name, "OFF") != "OFF"}:
        headers_of[Feature.OBJECT_LOCK] = lock
    return headers_of


def _encryption(policy: TransferPolicy) -> dict[str, str]:
    if not policy.kms_key_id:
        return {}
    return {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": policy.kms_key_id,
    }
