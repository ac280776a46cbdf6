"""Headers of objects, read from requests and written into answers; and dates."""

import re
import time
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from urllib.parse import parse_qsl

from simulator.access import FULL_CONTROL, kms_key
from simulator.call import Call, invalid_argument
from simulator.checksums import header_of
from simulator.refusals import Refusal
from simulator.store import Encryption, Lock, Pairs, Properties, StoredObject

Headers = list[tuple[str, str]]
CONTENT_HEADERS = (
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires",
)  # fmt: skip
STORAGE_CLASSES = frozenset({
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
    "DEEP_ARCHIVE", "GLACIER_IR",
})  # fmt: skip
_META = "x-amz-meta-"
_MAX_METADATA = 2048
_NOT_IN_HEADERS = re.compile("[^\t\x20-\x7e\x80-\xff]")
MAX_TAGS = 10


@lru_cache(maxsize=1024)
def http_date(seconds: int) -> str:
    """Return a date in the format of headers."""
    return formatdate(seconds, usegmt=True)


@lru_cache(maxsize=1024)
def iso_date(seconds: int) -> str:
    """Return a date in the format of XML; S3's objects have whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def parse_http_date(text: str) -> int | None:
    """Return the seconds of a date header, None if it is not a date (HTTP says to ignore it)."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except ValueError:
        return None


def content_headers(call: Call) -> Pairs:
    """Return the content headers that were sent; `aws-chunked` is not part of the object's encoding."""
    headers = call.request.headers
    sent = {name: headers[name] for name in CONTENT_HEADERS if name in headers}
    kept = call.quirk("stores_chunked_raw") or call.quirk("keeps_aws_chunked")
    if "aws-chunked" in sent.get("content-encoding", "") and not kept:
        rest = [one.strip() for one in sent["content-encoding"].split(",") if one.strip() != "aws-chunked"]
        sent["content-encoding"] = ",".join(rest)
    sent.setdefault("content-type", "binary/octet-stream")
    return tuple((name, value) for name, value in sent.items() if value)


def user_metadata(call: Call) -> Pairs:
    """Return the user metadata that was sent."""
    headers = call.request.headers
    sent = tuple((name[len(_META) :], headers[name]) for name in headers if name.startswith(_META))
    if sum(len(name) + len(value) for name, value in sent) > _MAX_METADATA:
        raise Refusal("MetadataTooLarge")
    return sent


def sent_tags(call: Call) -> Pairs:
    """Return the tags of the header `x-amz-tagging`."""
    sent = call.header("x-amz-tagging")
    if not sent:
        return ()
    tags = tuple(parse_qsl(sent, keep_blank_values=True))
    check_tags(tags)
    return tags


def check_tags(tags: Pairs) -> None:
    """Raise for tags that S3 refuses (S3 User Guide: "Categorizing your storage using tags")."""
    if len(tags) > MAX_TAGS:
        raise Refusal("BadRequest", "Object tags cannot be greater than 10")
    if len({name for name, _ in tags}) < len(tags):
        raise Refusal("InvalidTag", "Cannot provide multiple Tags with the same key")
    if any(not name or len(name) > 128 or len(value) > 256 for name, value in tags):
        raise Refusal("InvalidTag")


def storage_class(call: Call) -> str:
    """Return the storage class that was sent, STANDARD without one."""
    wanted = call.header("x-amz-storage-class") or "STANDARD"
    if wanted not in STORAGE_CLASSES or (call.quirk("standard_class_only") and wanted != "STANDARD"):
        raise Refusal("InvalidStorageClass")
    return wanted


def acl(call: Call) -> str:
    """Return the canned ACL that was sent, `private` without one."""
    wanted = call.header("x-amz-acl")
    granted = any(name.startswith("x-amz-grant-") for name in call.request.headers)
    if call.bucket.ownership == "BucketOwnerEnforced" and (granted or wanted not in (None, FULL_CONTROL)):
        raise Refusal("AccessControlListNotSupported")
    return wanted or "private"


def owner(call: Call) -> str:
    """Return the account that will own what the caller writes (S3 User Guide: "Object Ownership")."""
    bucket = call.bucket
    if bucket.ownership == "BucketOwnerEnforced" or not call.principal.account:
        return bucket.owner
    if bucket.ownership == "BucketOwnerPreferred" and call.header("x-amz-acl") == FULL_CONTROL:
        return bucket.owner
    return call.principal.account


def encryption(call: Call) -> Encryption:
    """Return the encryption that was asked for, or else the bucket's default."""
    algorithm = call.header("x-amz-server-side-encryption")
    key = call.header("x-amz-server-side-encryption-aws-kms-key-id")
    if "x-amz-server-side-encryption-customer-algorithm" in call.request.headers:
        raise Refusal("NotImplemented")
    if algorithm is None:
        default = call.bucket.default_kms_key
        return Encryption("aws:kms", default) if default else Encryption()
    if algorithm not in ("AES256", "aws:kms", "aws:kms:dsse"):
        raise Refusal("InvalidArgument", "The encryption method specified is not supported")
    if algorithm == "AES256":
        return Encryption()
    return Encryption(algorithm, kms_key(call, key or call.bucket.default_kms_key).arn)


def lock(call: Call) -> Lock:
    """Return the Object Lock settings that were sent."""
    mode, until = call.header("x-amz-object-lock-mode"), call.header("x-amz-object-lock-retain-until-date")
    hold = call.header("x-amz-object-lock-legal-hold")
    if not (mode or until or hold):
        return Lock()
    if not call.bucket.object_lock:
        raise Refusal("InvalidRequest", "Bucket is missing Object Lock Configuration")
    if bool(mode) != bool(until):
        message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        raise invalid_argument(message, "x-amz-object-lock-mode", mode or "")
    return Lock(mode or "", until or "", hold == "ON")


def sent_properties(call: Call) -> Properties:
    """Return all properties that the headers of a request set."""
    return Properties(
        content_headers(call),
        user_metadata(call),
        sent_tags(call),
        storage_class(call),
        acl(call),
        encryption(call),
        lock(call),
        call.header("x-amz-website-redirect-location") or "",
    )


def object_headers(call: Call, found: StoredObject) -> Headers:
    """Return the headers that show an object (S3 API: HeadObject, GetObject)."""
    properties = found.properties
    shown: Headers = [
        ("Last-Modified", http_date(found.modified)),
        ("ETag", call.quoted(found.etag)),
        ("Accept-Ranges", "bytes"),
    ]
    shown += [(name.title(), value) for name, value in properties.headers]
    metadata = [(f"{_META}{name}", value) for name, value in properties.metadata if _fits_a_header(value)]
    shown += metadata
    if missing := len(properties.metadata) - len(metadata):
        shown.append(("x-amz-missing-meta", str(missing)))
    shown += version_headers(call, found)
    shown += encryption_headers(properties.encryption)
    if properties.storage_class != "STANDARD":
        shown.append(("x-amz-storage-class", properties.storage_class))
    if properties.redirect:
        shown.append(("x-amz-website-redirect-location", properties.redirect))
    if found.restored:
        shown.append(
            ("x-amz-restore", 'ongoing-request="false", expiry-date="Fri, 01 Jan 2100 00:00:00 GMT"')
        )
    return shown + _lock_headers(properties.lock)


def _fits_a_header(value: str) -> bool:
    """Return whether a header can carry the value; SOAP, and stores of their own, set others (HeadObject)."""
    return not _NOT_IN_HEADERS.search(value)


def _lock_headers(held: Lock) -> Headers:
    shown: Headers = []
    if held.mode:
        shown += [("x-amz-object-lock-mode", held.mode), ("x-amz-object-lock-retain-until-date", held.until)]
    if held.legal_hold:
        shown.append(("x-amz-object-lock-legal-hold", "ON"))
    return shown


def encryption_headers(used: Encryption) -> Headers:
    """Return the headers that show an object's encryption."""
    shown = [("x-amz-server-side-encryption", used.algorithm)]
    if used.kms_key:
        shown.append(("x-amz-server-side-encryption-aws-kms-key-id", used.kms_key))
    return shown


def version_headers(call: Call, found: StoredObject) -> Headers:
    """Return the version id's header, in buckets that have or had versioning."""
    if not call.bucket.versioning or call.quirk("no_version_id"):
        return []
    return [("x-amz-version-id", found.version_id)]


def checksum_headers(call: Call, found: StoredObject) -> Headers:
    """Return the headers that show an object's checksum."""
    if call.quirk("no_checksums"):
        return []
    held = found.stored_checksum()
    return [(header_of(held.algorithm), held.value), ("x-amz-checksum-type", held.type)]
