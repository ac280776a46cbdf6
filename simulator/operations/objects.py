"""One object whole: HEAD, GET, PUT, its attributes, its restore from the archive."""

from simulator.access import may_object, require_kms, require_object
from simulator.call import Call
from simulator.checksums import ALGORITHMS
from simulator.conditions import check_write, is_unmodified
from simulator.content import Content
from simulator.headers import (
    Headers,
    checksum_headers,
    encryption_headers,
    http_date,
    object_headers,
    owner,
    sent_properties,
    version_headers,
)
from simulator.operations.lookup import (
    byte_range,
    check_key,
    find,
    part_range,
    require_owned_read,
    require_read,
)
from simulator.refusals import Refusal
from simulator.request_body import checksum_required
from simulator.store import Checksum, Encryption, StoredObject
from simulator.wire import Reply
from simulator.xml import document, element, parse

_OVERRIDES = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type")


def permit_read(call: Call) -> None:
    """Require the permission to read the object."""
    require_read(call, call.bucket, call.key, call.query("versionId"))


def head_object(call: Call) -> Reply:
    """Show an object (S3 API: HeadObject)."""
    return _shown(call, _found(call))


def get_object(call: Call) -> Reply:
    """Read an object (S3 API: GetObject)."""
    found = _found(call)
    if found.archived:
        raise archived(found)
    require_kms(call, "kms:Decrypt", found.properties.encryption)
    return _shown(call, found)


def archived(found: StoredObject) -> Refusal:
    """Return the refusal to read what is archived."""
    return Refusal("InvalidObjectState", elements=(("StorageClass", found.properties.storage_class),))


def _found(call: Call) -> StoredObject:
    version_id = call.query("versionId")
    found = find(call, call.bucket, call.key, version_id)
    require_owned_read(call, call.bucket, found, version_id)
    return found


def _shown(call: Call, found: StoredObject) -> Reply:
    headers = object_headers(call, found)
    if call.quirk("weak_etags"):
        headers = [(name, f"W/{value}" if name.lower() == "etag" else value) for name, value in headers]
    if is_unmodified(call, found):
        return Reply(304, headers)
    status, content, extra = _extent(call, found)
    headers += extra
    if (call.header("x-amz-checksum-mode") or "").upper() == "ENABLED" and status == 200:
        headers += checksum_headers(call, found)
    if found.properties.tags and _may_count_tags(call, found):
        headers.append(("x-amz-tagging-count", str(len(found.properties.tags))))
    if status == 206 and call.quirk("ranges_answer_200"):
        status = 200
    reply = Reply(status, _overridden(call, headers), content)
    reply.endless = call.request.method == "GET" and call.quirk("no_content_length")
    return reply


def _may_count_tags(call: Call, found: StoredObject) -> bool:
    if call.request.method == "HEAD" and call.quirk("head_without_tag_count"):
        return False
    return may_object(call, "s3:GetObjectTagging", call.bucket, call.key, found)


def _extent(call: Call, found: StoredObject) -> tuple[int, Content, Headers]:
    """Return status, bytes and headers of what is asked for: all, a range, or one part."""
    extra: Headers = []
    size = found.content.size
    extent = None
    if call.query("partNumber") is not None:
        extent = part_range(call, found) if size else None
        if found.part_sizes:
            extra.append(("x-amz-mp-parts-count", str(len(found.part_sizes))))
    elif (text := call.header("range")) is not None:
        extent = byte_range(text, size)
    if extent is None:
        return 200, found.content, extra
    start, end = extent
    return 206, found.content.cut(start, end), [*extra, ("Content-Range", f"bytes {start}-{end - 1}/{size}")]


def _overridden(call: Call, headers: Headers) -> Headers:
    for name in _OVERRIDES:
        value = call.query(f"response-{name}")
        if value is not None:
            headers = [pair for pair in headers if pair[0].lower() != name]
            headers.append((name.title(), value))
    return headers


def permit_write(call: Call) -> None:
    """Ask for every right that writing with these headers needs."""
    check_key(call.key)
    require_object(call, "s3:PutObject", call.bucket, call.key)
    headers = call.request.headers
    if "x-amz-acl" in headers or any(name.startswith("x-amz-grant-") for name in headers):
        require_object(call, "s3:PutObjectAcl", call.bucket, call.key)
    if headers.get("x-amz-tagging"):
        if call.quirk("no_tagging") or call.quirk("no_tag_header"):
            raise Refusal("NotImplemented")
        require_object(call, "s3:PutObjectTagging", call.bucket, call.key)
    if "x-amz-object-lock-mode" in headers:
        require_object(call, "s3:PutObjectRetention", call.bucket, call.key)
    if "x-amz-object-lock-legal-hold" in headers:
        require_object(call, "s3:PutObjectLegalHold", call.bucket, call.key)


def put_object(call: Call) -> Reply:
    """Write an object (S3 API: PutObject)."""
    body = call.body()
    properties = sent_properties(call)
    require_kms(call, "kms:GenerateDataKey", properties.encryption)
    if properties.lock.mode and not (body.checksum or call.header("content-md5")):
        raise checksum_required()
    check_write(call)
    made = StoredObject(call.key, body.content, properties, owner(call), call.now, checksum=body.checksum)
    call.bucket.put(made)
    return Reply(200, made_headers(call, made) + _put_checksum(call, made.checksum))


def _put_checksum(call: Call, checksum: Checksum | None) -> Headers:
    if checksum is None or call.quirk("no_checksums"):
        return []
    name = f"x-amz-checksum-{checksum.algorithm.lower()}"
    return [(name, checksum.value), ("x-amz-checksum-type", checksum.type)]


def made_headers(call: Call, made: StoredObject) -> Headers:
    """Return the headers that answer the making of an object in one request."""
    shown = [("ETag", call.quoted(made.etag)), *encryption_headers(made.properties.encryption)]
    return shown + version_headers(call, made)


def permit_attributes(call: Call) -> None:
    """Require the permission to read the object and its attributes."""
    permit_read(call)
    version = "Version" if call.query("versionId") else ""
    require_object(call, f"s3:GetObject{version}Attributes", call.bucket, call.key)


def get_object_attributes(call: Call) -> Reply:
    """Show the attributes that are asked for (S3 API: GetObjectAttributes)."""
    found = _found(call)
    wanted = {one.strip() for one in (call.header("x-amz-object-attributes") or "").split(",")}
    shown = ""
    if "ETag" in wanted:
        shown += element("ETag", found.etag)
    if "Checksum" in wanted and not call.quirk("no_checksums"):
        held = found.stored_checksum()
        content = element(f"Checksum{held.algorithm}", held.value) + element("ChecksumType", held.type)
        shown += f"<Checksum>{content}</Checksum>"
    if "ObjectParts" in wanted and found.part_sizes:
        shown += f"<ObjectParts>{element('PartsCount', len(found.part_sizes))}</ObjectParts>"
    if "StorageClass" in wanted:
        shown += element("StorageClass", found.properties.storage_class)
    if "ObjectSize" in wanted:
        shown += element("ObjectSize", found.content.size)
    headers = [("Last-Modified", http_date(found.modified)), *version_headers(call, found)]
    return Reply(200, headers, document("GetObjectAttributesResponse", shown))


def permit_restore(call: Call) -> None:
    """Require the permission to restore the object."""
    require_object(call, "s3:RestoreObject", call.bucket, call.key)


def restore_object(call: Call) -> Reply:
    """Make an archived object readable at once (S3 API: RestoreObject)."""
    found = find(call, call.bucket, call.key, call.query("versionId"))
    days = parse(b"".join(call.body().content.chunks()), "RestoreRequest").find("Days")
    if found.asleep:
        if days is not None:
            raise Refusal("InvalidArgument", "Days must not be given for INTELLIGENT_TIERING")
        found.asleep = False
        return Reply(202)
    if not found.archived and not found.restored:
        raise Refusal("InvalidObjectState", "Restore is not allowed for the object's current storage class")
    if days is None:
        raise Refusal("MalformedXML")
    status = 200 if found.restored else 202
    found.restored = True
    return Reply(status)


def wanted_algorithm(call: Call, name: str = "x-amz-checksum-algorithm") -> str:
    """Return the checksum algorithm that a header asks for, "" for none."""
    wanted = (call.header(name) or "").upper()
    if wanted and wanted not in ALGORITHMS:
        raise Refusal("InvalidRequest", "Checksum algorithm provided is unsupported.")
    return wanted


def require_copy_keys(call: Call, source: Encryption, target: Encryption) -> None:
    """Ask for the rights on the KMS keys that a copy uses."""
    require_kms(call, "kms:Decrypt", source)
    require_kms(call, "kms:GenerateDataKey", target)
