"""The properties of an object as headers of a write, so that the copy has them, too. Pure.

CopyObject keeps content headers, metadata and tags by itself, but neither storage class, ACL, website redirect nor
Object Lock settings; a PutObject or a multipart upload keeps nothing (Amazon S3 API Reference: CopyObject,
CreateMultipartUpload).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.store_features import Feature

CONTENT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
METADATA = "x-amz-meta-"
TAG_COUNT = "x-amz-tagging-count"
# The number of metadata entries that a response leaves out, since a header cannot carry them (API page of HeadObject).
MISSING_METADATA = "x-amz-missing-meta"
# How a body was framed on its way; some stores leave it in the object's Content-Encoding.
CHUNKED_CODING = "aws-chunked"
REDIRECT = "x-amz-website-redirect-location"
LOCK = ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold")

# All headers of a request may have 8 KiB (Amazon S3 API Reference, PutObject), 2 KiB of them user metadata. Longer tags
# are rare: ten of the longest have 4 KB, but percent-encoded up to nine times as much.
MAX_TAG_HEADER = 4096

Tags = Sequence[tuple[str, str]]
Has = Callable[[Feature], bool]


class WriteHeaders(NamedTuple):
    """The headers of a write, the features that they use, and what the copy will not have.

    `refused` are features left out because the store lacks them; `hidden` is the number of entries of user metadata
    that the source does not return. `late_tags` are to be written after the object, since a header cannot carry them.
    """

    headers: dict[str, str]
    used: tuple[Feature, ...]
    refused: tuple[Feature, ...] = ()
    hidden: int = 0
    late_tags: Tags = ()

    @property
    def note(self) -> str:
        """The note for the audit trail, empty where nothing is left out."""
        if not self.refused and not self.hidden:
            return ""
        refused = (
            f"not kept, as the destination refuses it: {', '.join(self.refused)}" if self.refused else ""
        )
        hidden = (
            f"not kept, as the source does not return it: user metadata ({self.hidden})"
            if self.hidden
            else ""
        )
        return "; ".join(filter(None, (refused, hidden)))

    @property
    def unkept(self) -> tuple[str, ...]:
        """The names of the properties that the copy does not have."""
        if not self.refused and not self.hidden:
            return ()
        return (*(feature.label for feature in self.refused), *(["metadata"] if self.hidden else []))


def write_headers(
    policy: TransferPolicy, storage_class: str, source: Mapping[str, str], has: Has
) -> WriteHeaders:
    """Return the headers that writes of all methods need: storage class, ACL, encryption, redirect, Object Lock.

    `source` are the headers of the source's GetObject or HeadObject (names in lower case), empty where neither was
    sent; `has` returns whether the destination has a feature.
    """
    by_feature = _headers_by_feature(policy, storage_class, source)
    if not by_feature:
        return WriteHeaders(_encryption_headers(policy), ())
    used = tuple(feature for feature in by_feature if has(feature))
    headers = _encryption_headers(policy)
    for feature in used:
        headers |= by_feature[feature]
    return WriteHeaders(headers, used, tuple(feature for feature in by_feature if feature not in used))


def with_source_properties(
    base: WriteHeaders, source: Mapping[str, str], has: Has, read_tags: Callable[[], Tags]
) -> WriteHeaders:
    """Return `base` with what a PutObject or a multipart upload must carry besides, since S3 copies nothing there.

    `read_tags` is called only where the object has tags and the destination keeps tags.
    """
    headers, hidden = base.headers | property_headers(source, []), hidden_metadata(source)
    if not is_tagged(source):
        return WriteHeaders(headers, base.used, base.refused, hidden)
    if not has(Feature.TAGS):
        return WriteHeaders(headers, base.used, (*base.refused, Feature.TAGS), hidden)
    tags = read_tags()
    in_header = property_headers({}, tags)
    if has(Feature.TAG_HEADER) and sum(map(len, in_header.values())) <= MAX_TAG_HEADER:
        used = (*base.used, Feature.TAG_HEADER, Feature.TAGS)
        return WriteHeaders(headers | in_header, used, base.refused, hidden)
    return WriteHeaders(headers, (*base.used, Feature.TAGS), base.refused, hidden, tags)


def with_clean_coding(base: WriteHeaders, source: Mapping[str, str]) -> WriteHeaders:
    """Return `base` with what a CopyObject must carry so that it does not keep the framing of an earlier request.

    All metadata is replaced then, so that nothing is done where the source does not return all of it.
    """
    if not names_chunked_coding(source) or hidden_metadata(source):
        return base
    replaced = {"x-amz-metadata-directive": "REPLACE", **property_headers(source, ())}
    return base._replace(headers=base.headers | replaced)


def property_headers(source: Mapping[str, str], tags: Tags) -> dict[str, str]:
    """Return the headers that carry an object's content headers, user metadata and tags."""
    headers = {
        name: value for name, value in source.items() if name in CONTENT_HEADERS or name.startswith(METADATA)
    }
    if names_chunked_coding(source):
        del headers["content-encoding"]
        if encoding := _without_chunked_coding(source["content-encoding"]):
            headers["content-encoding"] = encoding
    if tags:
        headers["x-amz-tagging"] = urlencode(tags, quote_via=quote)
    return headers


def hidden_metadata(source: Mapping[str, str]) -> int:
    """Return the number of entries of user metadata that the headers of a GetObject or HeadObject leave out."""
    stated = source.get(MISSING_METADATA, "0")
    return int(stated) if stated.isascii() and stated.isdigit() else 1


def lost_properties(source: Mapping[str, str], copy: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what the head of a source shows and that of its copy does not; values are not compared.

    Object Lock settings are not looked at: they are shown to those only who may read them.
    """
    missing = property_headers(source, ()).keys() - copy.keys()
    hidden = hidden_metadata(source) > hidden_metadata(copy)
    found = {
        "headers": any(name in CONTENT_HEADERS for name in missing),
        "metadata": hidden or any(name.startswith(METADATA) for name in missing),
        Feature.REDIRECT.label: REDIRECT in source and REDIRECT not in copy,
        Feature.TAGS.label: is_tagged(source) and not is_tagged(copy),
    }
    return tuple(name for name, is_lost in found.items() if is_lost)


def names_chunked_coding(source: Mapping[str, str]) -> bool:
    """Return whether the object's Content-Encoding names the framing of a request, which is not the object's."""
    return "content-encoding" in source and CHUNKED_CODING in source["content-encoding"].lower()


def is_tagged(source: Mapping[str, str]) -> bool:
    """Return whether the headers of a GetObject or HeadObject say that the object has tags."""
    return source.get(TAG_COUNT, "0") != "0"


def _without_chunked_coding(encoding: str) -> str:
    tokens = [token.strip() for token in encoding.split(",")]
    return ",".join(token for token in tokens if token and token.lower() != CHUNKED_CODING)


def _headers_by_feature(
    policy: TransferPolicy, storage_class: str, source: Mapping[str, str]
) -> dict[Feature, dict[str, str]]:
    target_class = policy.storage_class or storage_class
    by_feature: dict[Feature, dict[str, str]] = {}
    if target_class not in {"", "STANDARD"}:
        by_feature[Feature.STORAGE_CLASS] = {"x-amz-storage-class": target_class}
    if policy.acl:
        by_feature[Feature.ACL] = {"x-amz-acl": policy.acl}
    if not source:
        return by_feature
    if REDIRECT in source:
        by_feature[Feature.REDIRECT] = {REDIRECT: source[REDIRECT]}
    if lock := {name: source[name] for name in LOCK if source.get(name, "OFF") != "OFF"}:
        by_feature[Feature.OBJECT_LOCK] = lock
    return by_feature


def _encryption_headers(policy: TransferPolicy) -> dict[str, str]:
    if not policy.kms_key_id:
        return {"x-amz-server-side-encryption": policy.encryption} if policy.encryption else {}
    return {
        "x-amz-server-side-encryption": policy.encryption or "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": policy.kms_key_id,
    }
