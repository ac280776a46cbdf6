"""XML documents of responses: pure functions from bytes to elements and records.

Which documents are errors is decided in `documents.py`; pages of objects are parsed by `list_page.py`. Documents with a
DOCTYPE are refused, so that no entity can expand. Shapes: Amazon S3 API Reference, the page of each operation named
below. Elements have their local names, since stores differ in their namespace.
"""

import re
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError, XMLParser

from s3mover.model import MAX_KEY_LENGTH
from s3mover.s3.protocol_errors import invalid_response
from s3mover.s3.records import ListedUpload, UploadedPart
from s3mover.s3.values import MAX_TEXT, number, short

# Text without control characters and markup, as part of a pattern.
PLAIN_TEXT = "[^<>&\x00-\x1f\x7f]"
# A small document, as most responses to writes: a root whose children contain plain text only. The parser takes five
# times as long for it, a fifth of the CPU of a whole copy.
_FLAT = re.compile(
    '[ \t\r\n]*+(?:<\\?xml version="1\\.0" encoding="UTF-8"\\?>[ \t\r\n]*+)?+'
    '<([A-Za-z]++)(?: xmlns="[!#-%\'-;=?-|~]*+")?+>'
    f"((?:<([A-Za-z][A-Za-z0-9]*+)>(?:{PLAIN_TEXT}++|&quot;)*+</\\3>)++)"
    "</\\1>[ \t\r\n]*+"
)
_CHILD = re.compile("<([A-Za-z0-9]++)>([^<]*+)</")
# A document of 1,000 entries has about 28,000 tags; one that is not a page has a few hundred. Of each tag the parser
# keeps a hundred bytes and more.
MAX_TAGS_OF_PAGE = 100_000
MAX_TAGS = 4_000
MAX_DEPTH = 16
# XML 1.0 forbids control characters (production `Char`), but keys may contain them, and some stores write them as they
# are, or as references; a carriage return would be read as a line feed. For the parser each is replaced by `_MARK` and
# four digits; so is `_MARK` itself, and each byte that is not UTF-8 (as `surrogateescape` decodes it).
_MARK = "\ue000"
_TO_MARK = re.compile(
    "[\x00-\x08\x0b-\x1f\ue000\udc80-\udcff\ufffe\uffff]|&#(x0*[0-9a-fA-F]{1,6}|0*[0-9]{1,7});"
)
_HARMLESS = bytes([9, 10, *range(32, 128)])
_MARKED = re.compile(f"{_MARK}([0-9a-f]{{4}})")
_FORBIDDEN_REFERENCES = {*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE001), 0xFFFE, 0xFFFF}
_SURROGATE = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def parse(body: bytes, *, max_tags: int = MAX_TAGS) -> Element:
    """Parse a document; its elements have their local names, and their texts are to be read by the functions below.

    Raises:
        S3Error: `InvalidResponse`: the body is not well-formed XML, has a DOCTYPE, or too many or too deep elements.
    """
    flat = _flat(body)
    if flat is not None:
        return flat
    # An attribute takes as much memory as an element.
    if max(body.count(b"<"), body.count(b"=")) > max_tags:
        raise invalid_response("the response has too many elements")
    if b"<!DOCTYPE" in body:
        raise invalid_response("the response is not plain XML")
    parser = XMLParser()  # noqa: S314 - without a DOCTYPE there are no entities to expand
    try:
        # A text is read as UTF-8 whatever the document declares; UTF-16 would hide a DOCTYPE.
        parser.feed(_marked(body.strip()))
        root = parser.close()
    except ParseError as error:
        raise invalid_response(f"the response is not XML: {error}") from error
    _check_depth(root)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _check_depth(root: Element) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    raise invalid_response("the response has too deep elements")


def _flat(body: bytes) -> Element | None:
    """Parse a flat document of plain ASCII; return None for any other."""
    match = _FLAT.fullmatch(body.decode("ascii")) if body.isascii() else None
    if match is None:
        return None
    root = Element(match[1])
    for name, content in _CHILD.findall(match[2]):
        child = Element(name)
        child.text = content.replace("&quot;", '"') or None
        root.append(child)
    return root


def _marked(body: bytes) -> str:
    """Return a document as a text in which nothing stands that the parser would refuse or alter."""
    text = body.decode(errors="surrogateescape")
    # Most documents are plain: deleting what is harmless takes a fortieth of the search.
    is_plain = b"&#" not in body and not body.translate(None, _HARMLESS)
    return text if is_plain else _TO_MARK.sub(_mark, text)


def _mark(match: re.Match[str]) -> str:
    """Return the mark for a character or reference that the parser would refuse or alter; others as they are."""
    reference = match[1]
    if reference is None:
        return f"{_MARK}{ord(match[0]):04x}"
    code = int(reference[1:], 16) if reference.startswith("x") else int(reference)
    return f"{_MARK}{code:04x}" if code in _FORBIDDEN_REFERENCES else match[0]


def raw_text(element: Element, name: str) -> str:
    """Return the text of the child called `name`, empty where there is none; bytes that are not UTF-8 as surrogates."""
    found = element.findtext(name) or ""
    return _MARKED.sub(lambda match: chr(int(match[1], 16)), found) if _MARK in found else found


def text(element: Element, name: str) -> str:
    """Return the text of the child called `name`, empty where there is none; U+FFFD for what is not UTF-8."""
    found = raw_text(element, name)
    return found if found.isascii() else _SURROGATE.sub(REPLACEMENT, found)


def tags(root: Element) -> list[tuple[str, str]]:
    """Parse the response to GetObjectTagging."""
    return [(text(tag, "Key"), text(tag, "Value")) for tag in root.iter("Tag")]


def folders(root: Element) -> list[str]:
    """Return the common prefixes of a page of ListObjectsV2, which may not be `is_usable`."""
    encoded = is_url_encoded(root)
    names = [raw_text(element, "Prefix") for element in root.findall("CommonPrefixes")]
    if not all(names):
        raise invalid_response("a page of a listing has a common prefix without a name")
    return [decode_key(name) if encoded else name for name in names]


def parse_uploads(root: Element) -> list[ListedUpload]:
    """Parse a page of ListMultipartUploads, without those of keys that are not `is_usable`: they are not ours."""
    encoded = is_url_encoded(root)
    uploads = root.findall("Upload")
    keys = [key_of(upload, encoded) for upload in uploads]
    return [
        ListedUpload(key, _required(upload, "UploadId"), text(upload, "Initiated")[:MAX_TEXT])
        for key, upload in zip(keys, uploads, strict=True)
        if is_usable(key)
    ]


def next_key_marker(root: Element) -> str:
    """Return the key marker of the next page of ListMultipartUploads."""
    key = raw_text(root, "NextKeyMarker")
    return decode_key(key) if is_url_encoded(root) else key


def parse_parts(root: Element) -> list[UploadedPart]:
    """Parse a page of ListParts."""
    return [
        UploadedPart(number_of(part, "PartNumber"), unquote_etag(text(part, "ETag")), number_of(part, "Size"))
        for part in root.findall("Part")
    ]


def parse_upload_id(root: Element) -> str:
    """Parse the response to CreateMultipartUpload."""
    return _required(root, "UploadId")


def parse_etag(root: Element) -> str:
    """Return the ETag in the response to CopyObject, UploadPartCopy or CompleteMultipartUpload."""
    return unquote_etag(_required(root, "ETag"))


def unquote_etag(etag: str) -> str:
    """Return an ETag without its quotes, and without the mark of a weak one; some stores send no quotes."""
    return short(etag.strip().removeprefix("W/").strip('"'))


def delete_errors(root: Element) -> dict[str, str]:
    """Parse the response to DeleteObjects: the codes of the keys that were not deleted."""
    return {_required(error, "Key"): text(error, "Code") for error in root.findall("Error")}


def decode_key(key: str) -> str:
    """Decode a key of `encoding-type=url`, by bytes; a plus is a space there, a surrogate a byte that is not UTF-8."""
    if "%" not in key and "+" not in key:
        return key
    encoded = key.replace("+", " ").encode(errors="surrogateescape")
    return unquote_to_bytes(encoded).decode(errors="surrogateescape")


def is_usable(key: str) -> bool:
    """Return whether a key is UTF-8 and as short as S3 demands: no other can be requested, or recorded."""
    if key.isascii():
        return len(key) <= MAX_KEY_LENGTH
    return not _SURROGATE.search(key) and len(key.encode()) <= MAX_KEY_LENGTH


def is_url_encoded(root: Element) -> bool:
    """Return whether keys are percent-encoded: some stores ignore `encoding-type`, and the others say so."""
    return text(root, "EncodingType") == "url"


def key_of(element: Element, encoded: bool) -> str:
    """Return the decoded key of an element, which may not be `is_usable`.

    Raises:
        S3Error: `InvalidResponse`: it has none.
    """
    key = raw_text(element, "Key")
    if not key:
        raise invalid_response(f"{element.tag[:40]} has no Key")
    return decode_key(key) if encoded else key


def number_of(element: Element, name: str) -> int:
    """Return the integer in the child called `name`.

    Raises:
        S3Error: `InvalidResponse`: there is none.
    """
    digits = _required(element, name)
    value = number(digits)
    if value is None:
        raise invalid_response(f"{name} is not a number: {digits[:40]!r}")
    return value


def _required(element: Element, name: str) -> str:
    value = text(element, name)
    if not value:
        raise invalid_response(f"{element.tag[:40]} has no {name}")
    return value
