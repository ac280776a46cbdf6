"""Listings of a bucket: its objects (ListObjectsV2), its versions (ListObjectVersions).

Order is that of the keys' UTF-8 bytes. The continuation token is opaque: a client that builds one is refused.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator
from itertools import islice, takewhile
from urllib.parse import quote_plus

from simulator.access import require_bucket
from simulator.call import Call, invalid_argument
from simulator.headers import iso_date
from simulator.store import StoredObject
from simulator.wire import Reply
from simulator.xml import document, element, escape, url_encode

_MAX_KEYS = 1000


def permit_list(call: Call) -> None:
    """Require the permission to list the bucket."""
    require_bucket(call, "s3:ListBucket", call.bucket)


def permit_list_versions(call: Call) -> None:
    """Require the permission to list the bucket's versions."""
    require_bucket(call, "s3:ListBucketVersions", call.bucket)


def is_encoding(call: Call) -> bool:
    """Return whether keys are wanted URL-encoded."""
    wanted = call.query("encoding-type")
    if wanted not in (None, "url"):
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", wanted or "")
    return wanted == "url" and not call.quirk("no_url_encoding")


def list_objects_v2(call: Call) -> Reply:
    """List objects."""
    limit = min(call.number("max-keys", _MAX_KEYS), _MAX_KEYS)
    start = _start(call)
    found = list(islice(_keys(call, start), limit + 1)) if limit else []
    truncated = len(found) > limit
    page = found[:limit]
    token = _token(start if call.quirk("repeats_page") else page[-1]) if truncated else None
    if call.quirk("empty_first_page") and call.query("continuation-token") is None:
        page, truncated, token = [], True, _token(start or "")
    if call.quirk("no_continuation_token"):
        token = None
    if call.quirk("unordered_pages"):
        page.reverse()
    encoding = is_encoding(call)
    head = _head(call, encoding=encoding, count=len(page), limit=limit, truncated=truncated, token=token)
    owners = call.query("fetch-owner") == "true"
    get = call.bucket.get
    rows = [_row(call, one, encoding=encoding, owners=owners) for key in page if (one := get(key))]
    body = document("ListBucketResult", head + "".join(rows))
    if call.quirk("unusable_keys"):
        body = body.replace(b"</ListBucketResult>", _unusable(call, encoding) + b"</ListBucketResult>")
    return Reply(200, [("x-amz-bucket-region", call.bucket.region)], body)


def _unusable(call: Call, encoding: bool) -> bytes:
    """Return a key that is not UTF-8, and one that is too long."""
    prefix = call.query("prefix") or ""
    keys = (f"{prefix}\udcff\udcfe".encode(errors="surrogateescape"), f"{prefix}{'z' * 1025}".encode())
    shown = [quote_plus(key, safe="/*").encode() if encoding else key for key in keys]
    when = iso_date(call.now).encode()
    return b"".join(
        b"<Contents><Key>%s</Key><LastModified>%s</LastModified><Size>1</Size></Contents>" % (key, when)
        for key in shown
    )


def _start(call: Call) -> str:
    token = call.query("continuation-token")
    return _place(token) if token is not None else call.query("start-after") or ""


def _keys(call: Call, start: str) -> Iterator[str]:
    prefix = call.query("prefix") or ""
    after = (
        call.bucket.order.after(start) if start >= prefix else call.bucket.order.after(prefix, inclusive=True)
    )
    return takewhile(lambda key: key.startswith(prefix), after)


def _head(call: Call, *, encoding: bool, count: int, limit: int, truncated: bool, token: str | None) -> str:
    text = url_encode if encoding else str
    start = call.query("start-after")
    return (
        element("Name", call.bucket.name)
        + element("Prefix", text(call.query("prefix") or ""))
        + element("StartAfter", None if start is None else text(start))
        + element("ContinuationToken", call.query("continuation-token"))
        + element("NextContinuationToken", token)
        + element("KeyCount", count)
        + element("MaxKeys", limit)
        + (element("EncodingType", "url") if encoding else "")
        + element("IsTruncated", str(truncated).lower())
    )


def _row(call: Call, one: StoredObject, *, encoding: bool, owners: bool) -> str:
    key = url_encode(one.key) if encoding else escape(one.key)
    etag = one.etag if call.quirk("etag_without_quotes") else f"&quot;{one.etag}&quot;"
    checksum = one.checksum
    algorithm, kind = (checksum.algorithm, checksum.type) if checksum else ("CRC64NVME", "FULL_OBJECT")
    owner = f"<Owner><ID>{one.owner}</ID></Owner>" if owners else ""
    return (
        f"<Contents><Key>{key}</Key><LastModified>{iso_date(one.modified)}</LastModified><ETag>{etag}</ETag>"
        f"<ChecksumAlgorithm>{algorithm}</ChecksumAlgorithm><ChecksumType>{kind}</ChecksumType>"
        f"<Size>{one.content.size}</Size>{owner}<StorageClass>{one.properties.storage_class}</StorageClass>"
        "</Contents>"
    )


def _token(key: str) -> str:
    raw = key.encode()
    return base64.urlsafe_b64encode(zlib.crc32(raw).to_bytes(4, "big") + raw).decode()


def _place(token: str) -> str:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) < 4 or zlib.crc32(raw[4:]).to_bytes(4, "big") != raw[:4]:
        raise invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    return raw[4:].decode()


def list_object_versions(call: Call) -> Reply:
    """List versions and delete markers."""
    limit = min(call.number("max-keys", _MAX_KEYS), _MAX_KEYS)
    found = list(islice(_versions(call), limit + 1))
    truncated = len(found) > limit
    page = found[:limit]
    encoding = is_encoding(call)
    shown = element("Name", call.bucket.name) + element("Prefix", call.query("prefix") or "")
    shown += element("KeyMarker", call.query("key-marker") or "") + element("MaxKeys", limit)
    if encoding:
        shown += element("EncodingType", "url")
    shown += element("IsTruncated", str(truncated).lower())
    if truncated and page:
        last = page[-1][0]
        shown += element("NextKeyMarker", url_encode(last.key) if encoding else last.key)
        shown += element("NextVersionIdMarker", last.version_id)
    shown += "".join(_version_row(call, one, newest=newest, encoding=encoding) for one, newest in page)
    return Reply(200, [], document("ListVersionsResult", shown))


def _versions(call: Call) -> Iterator[tuple[StoredObject, bool]]:
    prefix, marker = call.query("prefix") or "", call.query("key-marker") or ""
    version_marker = call.query("version-id-marker")
    for key in call.bucket.versioned_keys():
        if not key.startswith(prefix) or key < marker:
            continue
        versions = call.bucket.versions(key)
        ids = [one.version_id for one in versions]
        skipped = 0
        if key == marker:
            skipped = ids.index(version_marker) + 1 if version_marker in ids else len(ids)
        for number in range(skipped, len(versions)):
            yield versions[number], number == 0


def _version_row(call: Call, one: StoredObject, *, newest: bool, encoding: bool) -> str:
    shown = element("Key", url_encode(one.key) if encoding else one.key) + element(
        "VersionId", one.version_id
    )
    shown += element("IsLatest", str(newest).lower()) + element("LastModified", iso_date(one.modified))
    if one.marker:
        return f"<DeleteMarker>{shown}</DeleteMarker>"
    shown += element("ETag", call.quoted(one.etag)) + element("Size", one.content.size)
    return f"<Version>{shown}{element('StorageClass', one.properties.storage_class)}</Version>"
