"""Multipart uploads: begin, list, abort, complete.

Source: S3 User Guide, "Uploading and copying objects using multipart upload"; S3 API: CompleteMultipartUpload.
"""

import base64
import hashlib
from dataclasses import dataclass

from simulator.access import require_bucket, require_kms, require_object
from simulator.call import Call
from simulator.checksums import ALGORITHMS, CRCS, RunningChecksum, header_of
from simulator.conditions import check_write
from simulator.content import joined
from simulator.headers import (
    Headers,
    encryption_headers,
    iso_date,
    owner,
    sent_properties,
    version_headers,
)
from simulator.operations.listing import is_encoding
from simulator.operations.objects import permit_write, wanted_algorithm
from simulator.refusals import Refusal
from simulator.store import Checksum, Part, StoredObject, Upload, new_id
from simulator.wire import Reply
from simulator.xml import Node, document, element, parse, url_encode

MIN_PART = 5 * 1024 * 1024
MAX_PARTS = 10_000
_MAX_ROWS = 1000


@dataclass(frozen=True, slots=True)
class _Named:
    """One part as CompleteMultipartUpload names it."""

    number: int
    etag: str
    checksum: str | None


def find_upload(call: Call) -> Upload:
    """Return the upload that the request names.

    Raises:
        Refusal: NoSuchUpload.
    """
    upload = call.bucket.uploads.get(call.query("uploadId") or "")
    if upload is None or upload.key != call.key:
        raise Refusal("NoSuchUpload", elements=(("UploadId", call.query("uploadId") or ""),))
    return upload


def create_multipart_upload(call: Call) -> Reply:
    """Begin an upload; it sets all properties of the future object."""
    properties = sent_properties(call)
    require_kms(call, "kms:GenerateDataKey", properties.encryption)
    algorithm = wanted_algorithm(call)
    upload = Upload(
        new_id(), call.key, properties, owner(call), call.principal.arn, call.now, algorithm,
        _checksum_type(call, algorithm),
    )  # fmt: skip
    call.bucket.uploads[upload.id] = upload
    headers = encryption_headers(properties.encryption)
    if algorithm:
        headers += [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", upload.checksum_type)]
    shown = element("Bucket", call.bucket.name) + element("Key", call.key) + element("UploadId", upload.id)
    root = "InitiateMultipartUpload" if call.quirk("other_upload_root") else "InitiateMultipartUploadResult"
    return Reply(200, headers, document(root, shown))


def _checksum_type(call: Call, algorithm: str) -> str:
    default = "COMPOSITE" if algorithm and algorithm != "CRC64NVME" else "FULL_OBJECT"
    wanted = (call.header("x-amz-checksum-type") or default).upper()
    allowed = {"CRC64NVME": ("FULL_OBJECT",), "SHA1": ("COMPOSITE",), "SHA256": ("COMPOSITE",)}
    if wanted not in allowed.get(algorithm, ("FULL_OBJECT", "COMPOSITE")):
        message = (
            f"The {wanted} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
        raise Refusal("InvalidRequest", message)
    return wanted


def permit_abort(call: Call) -> None:
    """Require the permission to abort the upload."""
    require_object(call, "s3:AbortMultipartUpload", call.bucket, call.key)


def abort_multipart_upload(call: Call) -> Reply:
    """Forget the upload and its parts."""
    del call.bucket.uploads[find_upload(call).id]
    return Reply(204)


def permit_list_uploads(call: Call) -> None:
    """Require the permission to list the bucket's uploads."""
    require_bucket(call, "s3:ListBucketMultipartUploads", call.bucket)


def list_multipart_uploads(call: Call) -> Reply:
    """List the uploads under way, in order of key and start."""
    limit = min(call.number("max-uploads", _MAX_ROWS), _MAX_ROWS)
    prefix = call.query("prefix") or ""
    marker = (call.query("key-marker") or "", call.query("upload-id-marker"))
    uploads = sorted(call.bucket.uploads.values(), key=lambda one: (one.key, one.id))
    found = [one for one in uploads if one.key.startswith(prefix) and _is_after(one, *marker)]
    page, truncated = found[:limit], len(found) > limit
    encoding = is_encoding(call)
    text = url_encode if encoding else str
    shown = element("Bucket", call.bucket.name) + element("KeyMarker", text(marker[0]))
    shown += element("UploadIdMarker", marker[1] or "") + element("Prefix", text(prefix))
    if truncated:
        shown += element("NextKeyMarker", text(page[-1].key)) + element("NextUploadIdMarker", page[-1].id)
    shown += element("MaxUploads", limit) + (element("EncodingType", "url") if encoding else "")
    shown += element("IsTruncated", str(truncated).lower())
    rows = "".join(_upload_row(one, text(one.key)) for one in page)
    return Reply(200, [], document("ListMultipartUploadsResult", shown + rows))


def _is_after(upload: Upload, key: str, upload_id: str | None) -> bool:
    return upload.key > key or (upload.key == key and upload_id is not None and upload.id > upload_id)


def _upload_row(upload: Upload, key: str) -> str:
    return (
        f"<Upload>{element('Key', key)}{element('UploadId', upload.id)}"
        f"<Initiator>{element('ID', upload.initiator)}</Initiator><Owner>{element('ID', upload.owner)}</Owner>"
        f"{element('StorageClass', upload.properties.storage_class)}"
        f"{element('Initiated', iso_date(upload.started))}</Upload>"
    )


def permit_list_parts(call: Call) -> None:
    """Require the permission to list the upload's parts."""
    require_object(call, "s3:ListMultipartUploadParts", call.bucket, call.key)


def list_parts(call: Call) -> Reply:
    """List the parts that have arrived."""
    upload = find_upload(call)
    limit, marker = min(call.number("max-parts", _MAX_ROWS), _MAX_ROWS), call.number("part-number-marker", 0)
    found = [upload.parts[number] for number in sorted(upload.parts) if number > marker]
    page, truncated = found[:limit], len(found) > limit
    shown = element("Bucket", call.bucket.name) + element("Key", call.key) + element("UploadId", upload.id)
    shown += element("PartNumberMarker", marker) + element("MaxParts", limit)
    shown += element("NextPartNumberMarker", page[-1].number if page else 0)
    shown += element("IsTruncated", str(truncated).lower())
    shown += element("StorageClass", upload.properties.storage_class)
    return Reply(200, [], document("ListPartsResult", shown + "".join(_part_row(call, one) for one in page)))


def _part_row(call: Call, part: Part) -> str:
    shown = element("PartNumber", part.number) + element("LastModified", iso_date(part.modified))
    shown += element("ETag", call.quoted(part.etag)) + element("Size", part.content.size)
    if part.checksum:
        shown += element(f"Checksum{part.checksum.algorithm}", part.checksum.value)
    return f"<Part>{shown}</Part>"


def permit_complete(call: Call) -> None:
    """Require the permission to write the object."""
    permit_write(call)


def complete_multipart_upload(call: Call) -> Reply:
    """Join the named parts into the object."""
    upload = find_upload(call)
    root = parse(b"".join(call.body().content.chunks()), "CompleteMultipartUpload")
    parts = _chosen(upload, [_named(node) for node in root.all("Part")])
    check_write(call)
    made = _made(call, upload, parts)
    _check_promises(call, made)
    call.bucket.put(made)
    del call.bucket.uploads[upload.id]
    return _answer(call, made)


def _named(node: Node) -> _Named:
    number, etag = node.find("PartNumber") or "", node.find("ETag")
    if not number.strip().isdecimal() or etag is None:
        raise Refusal("MalformedXML")
    sent = [node.find(f"Checksum{algorithm}") for algorithm in ALGORITHMS]
    return _Named(int(number), etag.strip().strip('"'), next((one for one in sent if one), None))


def _chosen(upload: Upload, named: list[_Named]) -> list[Part]:
    if not named:
        raise Refusal("MalformedXML")
    numbers = [one.number for one in named]
    if sorted(set(numbers)) != numbers:
        raise Refusal("InvalidPartOrder")
    parts = [_agreed(upload, one) for one in named]
    for part in parts[:-1]:
        if part.content.size < MIN_PART:
            elements = (("ProposedSize", str(part.content.size)), ("MinSizeAllowed", str(MIN_PART)))
            raise Refusal("EntityTooSmall", elements=(*elements, ("PartNumber", str(part.number))))
    return parts


def _agreed(upload: Upload, named: _Named) -> Part:
    part = upload.parts.get(named.number)
    agrees = part is not None and part.etag == named.etag
    if part and part.checksum and named.checksum and part.checksum.value != named.checksum:
        agrees = False
    if part is None or not agrees:
        elements = (("UploadId", upload.id), ("PartNumber", str(named.number)), ("ETag", named.etag))
        raise Refusal("InvalidPart", elements=elements)
    return part


def _made(call: Call, upload: Upload, parts: list[Part]) -> StoredObject:
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    content = joined(part.content for part in parts)
    made = StoredObject(
        upload.key, content, upload.properties, upload.owner, call.now,
        etag=f"{digest.hexdigest()}-{len(parts)}",
        part_sizes=tuple(part.content.size for part in parts),
    )  # fmt: skip
    if upload.checksum_type == "COMPOSITE":
        made.checksum = _composite(upload.algorithm, parts)
    elif upload.algorithm:
        made.checksum = Checksum(upload.algorithm, content.checksum(upload.algorithm))
    return made


def _composite(algorithm: str, parts: list[Part]) -> Checksum:
    running = RunningChecksum(algorithm)
    for part in parts:
        held = part.checksum
        text = held.value if held and held.algorithm == algorithm else part.content.checksum(algorithm)
        running.update(base64.b64decode(text))
    return Checksum(algorithm, f"{running.text}-{len(parts)}", "COMPOSITE")


def _check_promises(call: Call, made: StoredObject) -> None:
    """Check the size and the checksum that the client expects of the whole."""
    size = call.header("x-amz-mp-object-size")
    if size is not None and size != str(made.content.size):
        raise Refusal("InvalidRequest", "The provided x-amz-mp-object-size does not match the object's size")
    for algorithm in ALGORITHMS:
        sent = call.header(header_of(algorithm))
        if sent is None or call.quirk("no_checksums"):
            continue
        if sent != _whole(made, algorithm) or call.quirk("composite_checksums_only"):
            raise Refusal(
                "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
            )


def _whole(made: StoredObject, algorithm: str) -> str:
    held = made.checksum
    if held and held.algorithm == algorithm:
        return held.value
    return made.content.checksum(algorithm) if algorithm in CRCS else ""


def _answer(call: Call, made: StoredObject) -> Reply:
    location = f"http://{call.header('host')}/{call.bucket.name}/{url_encode(made.key)}"
    shown = element("Location", location) + element("Bucket", call.bucket.name) + element("Key", made.key)
    shown += element("ETag", call.quoted(made.etag))
    if made.checksum and not call.quirk("no_checksums"):
        shown += element(f"Checksum{made.checksum.algorithm}", made.checksum.value)
        shown += element("ChecksumType", made.checksum.type)
    headers: Headers = encryption_headers(made.properties.encryption) + version_headers(call, made)
    return Reply(200, headers, document("CompleteMultipartUploadResult", shown))
