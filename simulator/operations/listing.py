"""Listings of a bucket: its objects (ListObjectsV2), its versions (ListObjectVersions).

Order is that of the keys' UTF-8 bytes, unless a quirk says otherwise. The continuation token is opaque: a client that
builds one is refused.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator
from itertools import groupby, islice, takewhile
from urllib.parse import quote_plus

from simulator.access import require_bucket
from simulator.call import Call, invalid_argument
from simulator.headers import iso_date
from simulator.store import StoredObject
from simulator.wire import Reply
from simulator.xml import document, element, escape, url_encode

_MAX_KEYS = 1000
_ALIKE = "d41d8cd98f00b204e9800998ecf8427e"
"""The ETag that the quirk `alike_listed_etags` lists; it is the MD5 of nothing."""


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
    unknown_start = call.query("continuation-token") is None and bool(start) and not call.bucket.get(start)
    if unknown_start and call.quirk("unknown_start_400"):
        raise invalid_argument("The start-after is not a key", "start-after", start)
    found = list(islice(_names(call, start), limit + 1)) if limit else []
    if unknown_start and call.quirk("unknown_start_empty"):
        found = []
    truncated = len(found) > limit
    page = found[:limit]
    token = _next_token(call, start, found, unknown_start=unknown_start) if truncated else None
    if call.quirk("empty_first_page") and call.query("continuation-token") is None:
        page, truncated, token = [], True, _token(start or "")
    if call.quirk("unordered_pages"):
        page.reverse()
    encoding = is_encoding(call)
    head = _head(call, encoding=encoding, count=len(page), limit=limit, truncated=truncated, token=token)
    owners = call.query("fetch-owner") == "true"
    get = call.bucket.get
    folders = {name for name in page if _is_folder(call, name)}
    keys = [name for name in page if name not in folders]
    rows = [_row(call, one, encoding=encoding, owners=owners) for key in keys if (one := get(key))]
    rows += [_folder(name, encoding=encoding) for name in page if name in folders]
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


def _next_token(call: Call, start: str, found: list[str], *, unknown_start: bool) -> str | None:
    if call.quirk("no_continuation_token"):
        return None
    if call.quirk("repeats_page"):
        return _token(start)
    return _token(found[-1] if unknown_start and call.quirk("unknown_start_skips") else found[-2])


def _names(call: Call, start: str) -> Iterator[str]:
    """Yield the keys after `start`, and with a delimiter the folders in place of the keys within them."""
    if call.query("delimiter"):
        names = (_name(call, key) for key in _keys(call, start))
        return (name for name, _ in groupby(names) if name != start)
    return _keys(call, start)


def _keys(call: Call, start: str) -> Iterator[str]:
    prefix = call.query("prefix") or ""
    if call.quirk("directory_order"):
        return _keys_by_directory(call, prefix, start)
    after = (
        call.bucket.order.after(start) if start >= prefix else call.bucket.order.after(prefix, inclusive=True)
    )
    keys = takewhile(lambda key: key.startswith(prefix), after)
    return (key for key in keys if zlib.crc32(key.encode()) & 1) if call.quirk("half_listings") else keys


def _keys_by_directory(call: Call, prefix: str, start: str) -> Iterator[str]:
    """Yield keys as a directory tree has them; a start that is a directory's name stands before what is within it."""
    keys = takewhile(lambda key: key.startswith(prefix), call.bucket.order.after(prefix, inclusive=True))
    start_names = start.split("/")
    return iter(sorted((key for key in keys if key.split("/") > start_names), key=lambda key: key.split("/")))


def _name(call: Call, key: str) -> str:
    """Return the folder below the prefix that a key is in, or the key."""
    end = key.find(call.query("delimiter") or "", len(call.query("prefix") or ""))
    return key if end < 0 else key[: end + 1]


def _is_folder(call: Call, name: str) -> bool:
    delimiter = call.query("delimiter")
    return bool(delimiter) and len(name) > len(call.query("prefix") or "") and name.endswith(delimiter or "")


def _folder(name: str, *, encoding: bool) -> str:
    shown = url_encode(name) if encoding else escape(name)
    return f"<CommonPrefixes><Prefix>{shown}</Prefix></CommonPrefixes>"


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
    etag = _listed_etag(call, one)
    checksum = one.checksum
    algorithm, kind = (checksum.algorithm, checksum.type) if checksum else ("CRC64NVME", "FULL_OBJECT")
    owner = f"<Owner><ID>{one.owner}</ID></Owner>" if owners else ""
    return (
        f"<Contents><Key>{key}</Key><LastModified>{iso_date(one.modified)}</LastModified>{etag}"
        f"<ChecksumAlgorithm>{algorithm}</ChecksumAlgorithm><ChecksumType>{kind}</ChecksumType>"
        f"<Size>{one.content.size}</Size>{owner}<StorageClass>{one.properties.storage_class}</StorageClass>"
        "</Contents>"
    )


def _listed_etag(call: Call, one: StoredObject) -> str:
    if call.quirk("no_listed_etags"):
        return ""
    etag = (
        "" if call.quirk("empty_listed_etags") else _ALIKE if call.quirk("alike_listed_etags") else one.etag
    )
    return f"<ETag>{etag}</ETag>" if call.quirk("etag_without_quotes") else f"<ETag>&quot;{etag}&quot;</ETag>"


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
