"""XML documents of responses: pure functions from bytes to elements and records.

Which documents are errors is decided in `documents.py`; pages of objects are parsed by `list_page.py`. Documents with a
DOCTYPE are refused, so that no entity can expand. Shapes: Amazon S3 API Reference, the page of each operation named
below. Elements have their local names, since stores differ in their namespace.
"""

import re
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError, XMLParser

from s3mover.errors import ListingError
from s3mover.s3.protocol_errors import invalid_response
from s3mover.s3.records import ListedUpload, UploadedPart

# Text without control characters and markup, as part of a pattern.
PLAIN_TEXT = "[^<>&\x00-\x1f\x7f]"
# A small document, as most responses to writes: a root whose children contain plain text only. The parser takes five
# times as long for it, a fifth of the CPU of a whole copy.
_FLAT = re.compile(
    '[ \t\r\n]*+(?:<\\?xml version="1\\.0" encoding="UTF-8"\\?>[ \t\r\n]*+)?+'
    '<([A-Za-z]++)(?: xmlns="[!#-%\'-;=?-~]*+")?+>'
    f"((?:<([A-Za-z][A-Za-z0-9]*+)>(?:{PLAIN_TEXT}++|&quot;)*+</\\3>)++)"
    "</\\1>[ \t\r\n]*+"
)
_CHILD = re.compile("<([A-Za-z0-9]++)>([^<]*+)</")
REPLACEMENT = "\ufffd"
# Control characters, as they are or as references (Extensible Markup Language 1.0, production `Char`).
_FORBIDDEN = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});")
_SIZE = re.compile("[0-9]{1,18}")


def parse(body: bytes, *, keys: bool = True) -> Element:
    """Parse a document; its elements have their local names.

    Keys may contain characters that XML 1.0 forbids; S3 writes them all the same. Where no key is taken from the
    document (`keys` is False), such a character is read as U+FFFD instead of being an error.

    Raises:
        S3Error: `InvalidResponse`: the body is not well-formed XML, or has a DOCTYPE.
    """
    flat = _flat(body)
    if flat is not None:
        return flat
    # UTF-16 would hide a DOCTYPE: with a byte order mark it is not UTF-8, without one it has zero bytes.
    if b"<!DOCTYPE" in body or b"\0" in body:
        raise invalid_response("the response is not plain XML")
    parser = XMLParser()  # noqa: S314 - without a DOCTYPE there are no entities to expand
    try:
        text = body.strip().decode()
        parser.feed(text if keys else _FORBIDDEN.sub(_readable, text))
        root = parser.close()
    except (ParseError, UnicodeDecodeError) as error:
        raise invalid_response(f"the response is not XML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


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


def _readable(match: re.Match[str]) -> str:
    """Return a matched character or reference if XML permits it, else U+FFFD."""
    number = match[1]
    if number is None:
        return REPLACEMENT
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    return match[0] if code in {9, 10, 13} or code >= ord(" ") else REPLACEMENT


def text(element: Element, name: str) -> str:
    """Return the text of the child called `name`, empty where there is none."""
    return element.findtext(name) or ""


def tags(root: Element) -> list[tuple[str, str]]:
    """Parse the response to GetObjectTagging."""
    return [(text(tag, "Key"), text(tag, "Value")) for tag in root.iter("Tag")]


def parse_uploads(root: Element) -> list[ListedUpload]:
    """Parse a page of ListMultipartUploads."""
    encoded = is_url_encoded(root)
    return [
        ListedUpload(key_of(upload, encoded), _required(upload, "UploadId"), text(upload, "Initiated"))
        for upload in root.findall("Upload")
    ]


def next_key_marker(root: Element) -> str:
    """Return the key marker of the next page of ListMultipartUploads."""
    key = text(root, "NextKeyMarker")
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
    """Return an ETag without its quotes; some stores send none."""
    return etag.strip().strip('"')


def delete_errors(root: Element) -> dict[str, str]:
    """Parse the response to DeleteObjects: the codes of the keys that were not deleted."""
    return {_required(error, "Key"): text(error, "Code") for error in root.findall("Error")}


def decode_key(key: str) -> str:
    """Decode a key of `encoding-type=url`, by bytes; a plus is a space there.

    Raises:
        ListingError: the bytes are not UTF-8.
    """
    if "%" not in key and "+" not in key:
        return key
    try:
        return unquote_to_bytes(key.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise ListingError(f"the key {key!r} (percent-encoded) is not UTF-8") from error


def is_url_encoded(root: Element) -> bool:
    """Return whether keys are percent-encoded: some stores ignore `encoding-type`, and the others say so."""
    return text(root, "EncodingType") == "url"


def key_of(element: Element, encoded: bool) -> str:
    """Return the decoded key of an element.

    Raises:
        S3Error: `InvalidResponse`: it has none.
        ListingError: the key is not UTF-8.
    """
    key = _required(element, "Key")
    return decode_key(key) if encoded else key


def number_of(element: Element, name: str) -> int:
    """Return the integer in the child called `name`.

    Raises:
        S3Error: `InvalidResponse`: there is none.
    """
    digits = _required(element, name)
    if not _SIZE.fullmatch(digits):
        raise invalid_response(f"{name} is not a number: {digits[:40]!r}")
    return int(digits)


def _required(element: Element, name: str) -> str:
    value = text(element, name)
    if not value:
        raise invalid_response(f"{element.tag} has no {name}")
    return value
