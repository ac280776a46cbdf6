"""CopyObject, and the source of a copy as both kinds of copy find it."""

from dataclasses import dataclass, replace
from urllib.parse import unquote_plus

from simulator.access import require_object
from simulator.call import Call, invalid_argument
from simulator.conditions import check_source, check_write
from simulator.headers import (
    encryption_headers,
    iso_date,
    owner,
    sent_properties,
    version_headers,
)
from simulator.operations.lookup import find, require_owned_read, require_read
from simulator.operations.objects import archived, permit_write, require_copy_keys, wanted_algorithm
from simulator.refusals import Refusal
from simulator.request_body import MAX_BODY
from simulator.store import Bucket, Checksum, Lock, Properties, StoredObject
from simulator.wire import Reply
from simulator.xml import document, element

SMALLER_LIMIT = 5_000_000_000
"""The bytes that some stores copy in one request, where S3 copies 5 GiB."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is copied from."""

    bucket: Bucket
    found: StoredObject
    version_id: str | None


def permit_copy(call: Call) -> None:
    """Require the permission to write the copy; the source's are asked for where it is found."""
    if call.quirk("no_copy"):
        raise Refusal("NotImplemented")
    if call.quirk("no_annotations") and call.header("x-amz-object-annotation-directive"):
        raise Refusal("NotImplemented")
    permit_write(call)


def open_source(call: Call, quirk: str) -> Source:
    """Find the source, require the permission to read it, and check the conditions on it.

    Raises:
        Refusal: InvalidArgument, NoSuchBucket, NoSuchKey, AccessDenied, PreconditionFailed, InvalidObjectState.
    """
    name, key, version_id = _named(call)
    bucket = call.world.bucket(name, call.principal.account)
    expected = call.header("x-amz-source-expected-bucket-owner")
    if expected and expected != bucket.owner:
        raise Refusal("AccessDenied", detail="x-amz-source-expected-bucket-owner")
    require_read(call, bucket, key, version_id)
    found = find(call, bucket, key, version_id)
    require_owned_read(call, bucket, found, version_id)
    if not call.quirk(quirk):
        check_source(call, found)
    if found.archived:
        raise archived(found)
    return Source(bucket, found, version_id)


def _named(call: Call) -> tuple[str, str, str | None]:
    text = call.header("x-amz-copy-source") or ""
    path, _, version = text.partition("?versionId=")
    bucket, slash, key = unquote_plus(path).removeprefix("/").partition("/")
    if not (bucket and slash and key):
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise invalid_argument(message, "x-amz-copy-source", text)
    return bucket, key, version or None


def copy_object(call: Call) -> Reply:
    """Copy an object (S3 API: CopyObject)."""
    source = open_source(call, "ignores_copy_source_if_match")
    _refuse_oddly(call, source.found)
    if source.found.content.size > MAX_BODY:
        message = f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_BODY}"
        raise Refusal("InvalidRequest", message)
    properties = _properties(call, source)
    _check_itself(call, source, properties)
    require_copy_keys(call, source.found.properties.encryption, properties.encryption)
    check_write(call)
    content = source.found.content
    made = StoredObject(
        call.key, content, properties, owner(call), call.now, checksum=_checksum(call, source.found)
    )
    call.bucket.put(made)
    return _answer(call, source, made)


def _refuse_oddly(call: Call, found: StoredObject) -> None:
    """Raise the refusals of stores that cannot copy some objects."""
    if call.quirk("marker_copies_404") and found.key.endswith("/"):
        raise Refusal("NoSuchKey", elements=(("Key", found.key),))
    if call.quirk("multipart_copies_412") and "-" in found.etag:
        raise Refusal("PreconditionFailed", elements=(("Condition", "x-amz-copy-source-If-Match"),))
    if call.quirk("copies_fail"):
        raise Refusal("InternalError")
    if call.quirk("copy_limit_5e9") and found.content.size > SMALLER_LIMIT:
        message = f"The specified copy source is larger than the maximum allowable size: {SMALLER_LIMIT}"
        raise Refusal("InvalidRequest", message)


def _properties(call: Call, source: Source) -> Properties:
    """Return the copy's properties: what is sent, and headers, metadata and tags of the source unless replaced.

    Storage class, ACL, encryption, lock and redirect are never kept (S3 API: CopyObject).
    """
    kept = source.found.properties
    sent = sent_properties(call)
    if call.quirk("copies_drop_locks"):
        sent = replace(sent, lock=Lock())
    headers, metadata, tags = kept.headers, kept.metadata, kept.tags
    if _replaces(call, "x-amz-metadata-directive"):
        headers, metadata = sent.headers, sent.metadata
    if _replaces(call, "x-amz-tagging-directive"):
        tags = sent.tags
    else:
        _require_tag_rights(call, source)
    return replace(sent, headers=headers, metadata=metadata, tags=tags)


def _replaces(call: Call, name: str) -> bool:
    directive = call.header(name) or "COPY"
    if directive not in ("COPY", "REPLACE"):
        raise invalid_argument("Unknown directive.", name, directive)
    return directive == "REPLACE"


def _require_tag_rights(call: Call, source: Source) -> None:
    if source.found.properties.tags:
        version = "Version" if source.version_id else ""
        require_object(call, f"s3:GetObject{version}Tagging", source.bucket, source.found.key)
        require_object(call, "s3:PutObjectTagging", call.bucket, call.key)
        if call.quirk("no_tagging"):
            raise Refusal("NotImplemented")


def _check_itself(call: Call, source: Source, made: Properties) -> None:
    kept = source.found.properties
    changes = (
        _replaces(call, "x-amz-metadata-directive")
        or made.storage_class != kept.storage_class
        or made.encryption != kept.encryption
        or made.redirect != kept.redirect
    )
    itself = source.bucket is call.bucket and source.found.key == call.key and source.version_id is None
    if itself and not changes:
        raise Refusal(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )


def _checksum(call: Call, found: StoredObject) -> Checksum | None:
    """Return the copy's checksum: of the algorithm asked for or the source's own, always of the whole object."""
    wanted = wanted_algorithm(call)
    held = found.checksum
    if held and held.type == "FULL_OBJECT" and wanted in ("", held.algorithm):
        return held
    algorithm = wanted or (held.algorithm if held else "")
    return Checksum(algorithm, found.content.checksum(algorithm)) if algorithm else None


def _answer(call: Call, source: Source, made: StoredObject) -> Reply:
    shown = element("LastModified", iso_date(made.modified)) + element("ETag", call.quoted(made.etag))
    if made.checksum and not call.quirk("no_checksums"):
        shown += element(f"Checksum{made.checksum.algorithm}", made.checksum.value)
        shown += element("ChecksumType", made.checksum.type)
    headers = encryption_headers(made.properties.encryption) + version_headers(call, made)
    if source.bucket.versioning:
        headers.append(("x-amz-copy-source-version-id", source.found.version_id))
    return Reply(200, headers, document("CopyObjectResult", shown))
