"""The parts of a multipart upload: sent by the client, or copied from another object.

Source: S3 API: UploadPart, UploadPartCopy; S3 User Guide, "Amazon S3 multipart upload limits".
"""

import re

from simulator.access import require_kms
from simulator.call import Call, invalid_argument
from simulator.content import Content
from simulator.headers import Headers, encryption_headers, iso_date
from simulator.operations.copying import open_source
from simulator.operations.multipart import MAX_PARTS, MIN_PART, find_upload
from simulator.refusals import Refusal
from simulator.request_body import MAX_BODY, checksum_required
from simulator.store import Checksum, Part, Upload, plain_etag
from simulator.wire import Reply
from simulator.xml import document, element

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def _part_number(call: Call) -> int:
    text = call.query("partNumber") or ""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PARTS:
        message = f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive"
        raise invalid_argument(message, "partNumber", text)
    return int(text)


def upload_part(call: Call) -> Reply:
    """Take a part's bytes."""
    number, upload, body = _part_number(call), find_upload(call), call.body()
    encryption = upload.properties.encryption
    require_kms(call, "kms:GenerateDataKey", encryption)
    require_kms(call, "kms:Decrypt", encryption)
    checksum = body.checksum
    if upload.algorithm and checksum and checksum.algorithm != upload.algorithm:
        wanted, sent = upload.algorithm.lower(), checksum.algorithm.lower()
        message = (
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: {sent}"
        )
        raise Refusal("InvalidRequest", message)
    if upload.properties.lock.mode and not (checksum or call.header("content-md5")):
        raise checksum_required()
    part = _kept(call, upload, number, body.content, checksum)
    headers: Headers = [("ETag", call.quoted(part.etag)), *encryption_headers(encryption)]
    if checksum and not call.quirk("no_checksums"):
        headers.append((f"x-amz-checksum-{checksum.algorithm.lower()}", checksum.value))
    return Reply(200, headers)


def upload_part_copy(call: Call) -> Reply:
    """Copy a part from a range of an object."""
    number, upload = _part_number(call), find_upload(call)
    source = open_source(call, "ignores_part_copy_if_match")
    encryption = upload.properties.encryption
    require_kms(call, "kms:Decrypt", source.found.properties.encryption)
    require_kms(call, "kms:GenerateDataKey", encryption)
    require_kms(call, "kms:Decrypt", encryption)
    content = _ranged(call, source.found.content)
    checksum = None
    if upload.algorithm:
        checksum = Checksum(upload.algorithm, content.checksum(upload.algorithm))
    part = _kept(call, upload, number, content, checksum)
    shown = element("LastModified", iso_date(part.modified)) + element("ETag", call.quoted(part.etag))
    if checksum and not call.quirk("no_checksums"):
        shown += element(f"Checksum{checksum.algorithm}", checksum.value)
    headers = encryption_headers(encryption)
    if source.bucket.versioning:
        headers.append(("x-amz-copy-source-version-id", source.found.version_id))
    return Reply(200, headers, document("CopyPartResult", shown))


def _kept(call: Call, upload: Upload, number: int, content: Content, checksum: Checksum | None) -> Part:
    part = Part(number, content, plain_etag(content, upload.properties.encryption), call.now, checksum)
    upload.parts[number] = part
    return part


def _ranged(call: Call, content: Content) -> Content:
    text = call.header("x-amz-copy-source-range")
    if text is not None:
        content = _cut(text, content)
    if content.size > MAX_BODY:
        message = f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_BODY}"
        raise Refusal("InvalidRequest", message)
    return content


def _cut(text: str, content: Content) -> Content:
    found = _RANGE.fullmatch(text)
    if not found or int(found[1]) > int(found[2]):
        message = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy"
        )
        raise invalid_argument(message, "x-amz-copy-source-range", text)
    if content.size < MIN_PART:
        raise Refusal(
            "InvalidRequest", "The specified copy source is not supported as a byte-range copy source"
        )
    first, last = int(found[1]), int(found[2])
    if last >= content.size:
        message = f"Range specified is not valid for source object of size: {content.size}"
        raise invalid_argument(message, "x-amz-copy-source-range", text)
    return content.cut(first, last + 1)
