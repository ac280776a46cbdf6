"""XML as S3 writes and wants it: pure functions from an answer's bytes to records, and back for one request.

No network, no verdicts: what an answer means is `documents.py`'s. Documents with a DOCTYPE are refused, so that no
entity can expand. Shapes: the pages of the Amazon S3 API Reference that are named below. Elements go by their
local names, since stores differ in their namespace.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError, XMLParser

from s3mover.errors import ListingError
from s3mover.model import ObjectEntry, ObjectPage, page_of
from s3mover.s3.records import Upload, UploadedPart
from s3mover.s3.response import invalid

# One `Contents` as AWS and most stores write it: no white space between elements, plain ASCII, no entity but the
# quotes of an ETag. Every quantifier is possessive, so that no input makes the search slow. Any page of another
# shape is read by the parser, which takes three times as long.
_TEXT = "[^<>&\x00-\x1f\x7f]"
_CONTENTS = re.compile(
    "<Contents>"
    "<Key>([!-%'-;=?-~]++)</Key>"
    f"<LastModified>({_TEXT}*+)</LastModified>"
    '<ETag>(?:&quot;|")?+([!#-%\'-;=?-~]*+)(?:&quot;|")?+</ETag>'
    f"(?:<ChecksumAlgorithm>{_TEXT}*+</ChecksumAlgorithm>)*+"
    f"(?:<ChecksumType>{_TEXT}*+</ChecksumType>)?+"
    "<Size>([0-9]{1,18}+)</Size>"
    f"(?:<Owner>(?:<ID>{_TEXT}*+</ID>)?+(?:<DisplayName>{_TEXT}*+</DisplayName>)?+</Owner>)?+"
    f"(?:<StorageClass>({_TEXT}*+)</StorageClass>)?+"
    "</Contents>"
)
_STRIDE = _CONTENTS.groups + 1  # `split` gives, per match, the text before it and its groups
# A small document as most answers to writes are: a root whose children hold plain text and nothing else. The parser
# takes five times as long for it, a fifth of what a whole copy costs.
_FLAT = re.compile(
    '[ \t\r\n]*+(?:<\\?xml version="1\\.0" encoding="UTF-8"\\?>[ \t\r\n]*+)?+'
    '<([A-Za-z]++)(?: xmlns="[!#-%\'-;=?-~]*+")?+>'
    f"((?:<([A-Za-z][A-Za-z0-9]*+)>(?:{_TEXT}++|&quot;)*+</\\3>)++)"
    "</\\1>[ \t\r\n]*+"
)
_CHILD = re.compile("<([A-Za-z0-9]++)>([^<]*+)</")
REPLACEMENT = "\ufffd"
# `html.escape` would load a table of all of HTML's entities, half a megabyte in each process.
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Control characters, as they are or as references (Extensible Markup Language 1.0, production `Char`).
_FORBIDDEN = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});")
_FIRST, _LAST = b"<Contents>", b"</Contents>"
_SIZE = re.compile("[0-9]{1,18}")


def parse(body: bytes, *, keys: bool = True) -> Element:
    """Read a document; its elements have their local names.

    Keys may hold characters that XML 1.0 cannot carry; S3 writes them all the same. Where no key is taken from the
    document (`keys` is False), such a character is read as U+FFFD instead of making the document useless.

    Raises:
        S3Error: `InvalidResponse`: the body is no well-formed XML, or has a DOCTYPE.
    """
    flat = _flat(body)
    if flat is not None:
        return flat
    # UTF-16 would hide a DOCTYPE: with a byte order mark it is no UTF-8, without one it has zero bytes.
    if b"<!DOCTYPE" in body or b"\0" in body:
        raise invalid("the answer is no plain XML")
    parser = XMLParser()  # noqa: S314 - without a DOCTYPE there are no entities to expand
    try:
        text = body.strip().decode()
        parser.feed(text if keys else _FORBIDDEN.sub(_readable, text))
        root = parser.close()
    except (ParseError, UnicodeDecodeError) as error:
        raise invalid(f"the answer is no XML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _flat(body: bytes) -> Element | None:
    """Read a flat document of plain ASCII; None for any other."""
    found = _FLAT.fullmatch(body.decode("ascii")) if body.isascii() else None
    if found is None:
        return None
    root = Element(found[1])
    for name, content in _CHILD.findall(found[2]):
        child = Element(name)
        child.text = content.replace("&quot;", '"') or None
        root.append(child)
    return root


def _readable(match: re.Match[str]) -> str:
    """Keep what XML can carry of what looks as if it could not."""
    number = match[1]
    if number is None:
        return REPLACEMENT
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    return match[0] if code in {9, 10, 13} or code >= ord(" ") else REPLACEMENT


def text(element: Element, name: str) -> str:
    """Return the text of the child called `name`, empty where there is none."""
    return element.findtext(name) or ""


def split_page(body: bytes) -> tuple[Element, ObjectPage]:
    """Read a page of ListObjectsV2 into its frame (all that is not `Contents`) and its entries.

    Raises:
        S3Error: `InvalidResponse`.
        ListingError: a key is not UTF-8.
    """
    start, end = body.find(_FIRST), body.rfind(_LAST) + len(_LAST)
    pieces = _canonical(memoryview(body)[start:end]) if 0 <= start < end else None
    if pieces:
        frame = parse(body[:start] + b"<Contents/>" + body[end:])
        if _is_encoded(frame) and len(frame.findall("Contents")) == 1:
            return frame, _columns(pieces)
    root = parse(body)
    encoded = _is_encoded(root)
    return root, page_of([_entry(element, encoded) for element in root.findall("Contents")])


def tags(root: Element) -> list[tuple[str, str]]:
    """Read the answer of GetObjectTagging."""
    return [(text(tag, "Key"), text(tag, "Value")) for tag in root.iter("Tag")]


def uploads(root: Element) -> list[Upload]:
    """Read a page of ListMultipartUploads."""
    encoded = _is_encoded(root)
    return [
        Upload(_key(upload, encoded), _required(upload, "UploadId"), text(upload, "Initiated"))
        for upload in root.findall("Upload")
    ]


def next_key(root: Element) -> str:
    """Read where the next page of ListMultipartUploads begins."""
    key = text(root, "NextKeyMarker")
    return decoded(key) if _is_encoded(root) else key


def uploaded_parts(root: Element) -> list[UploadedPart]:
    """Read a page of ListParts."""
    return [
        UploadedPart(_number(part, "PartNumber"), bare_etag(text(part, "ETag")), _number(part, "Size"))
        for part in root.findall("Part")
    ]


def upload_id(root: Element) -> str:
    """Read the answer of CreateMultipartUpload."""
    return _required(root, "UploadId")


def stored_etag(root: Element) -> str:
    """Read the ETag of CopyObject's, UploadPartCopy's or CompleteMultipartUpload's answer."""
    return bare_etag(_required(root, "ETag"))


def bare_etag(etag: str) -> str:
    """Take the quotes off an ETag; some stores send none."""
    return etag.strip().strip('"')


def quoted_etag(etag: str) -> str:
    """Put the quotes back that an ETag has in a request (RFC 9110, section 8.8.3)."""
    return f'"{etag}"'


def completion(parts: Sequence[tuple[int, str]]) -> bytes:
    """Write the body of CompleteMultipartUpload from part numbers and ETags, in ascending order."""
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{_escaped(quoted_etag(etag))}</ETag></Part>"
        for number, etag in parts
    )
    name = "CompleteMultipartUpload"
    return f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}</{name}>'.encode()


def restoration(tier: str, days: int) -> bytes:
    """Write the body of RestoreObject."""
    elements = (
        f"<Days>{days}</Days><GlacierJobParameters><Tier>{_escaped(tier)}</Tier></GlacierJobParameters>"
    )
    name = "RestoreRequest"
    return f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{elements}</{name}>'.encode()


def deletion(entries: Sequence[tuple[str, str]]) -> bytes:
    """Write the body of DeleteObjects: keys, each with the ETag that it must have; only failures are told.

    XML 1.0 cannot carry control characters: keys with one must not be among them.
    """
    listed = "".join(
        f"<Object><Key>{_escaped(key)}</Key><ETag>{_escaped(quoted_etag(etag))}</ETag></Object>"
        for key, etag in entries
    )
    return f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>{listed}</Delete>'.encode()


def deletion_refusals(root: Element) -> dict[str, str]:
    """Read the answer of DeleteObjects: the codes of the keys that were not deleted."""
    return {_required(error, "Key"): text(error, "Code") for error in root.findall("Error")}


def decoded(key: str) -> str:
    """Undo `encoding-type=url`, by bytes; a plus is a space there.

    Raises:
        ListingError: the bytes are not UTF-8.
    """
    if "%" not in key and "+" not in key:
        return key
    try:
        return unquote_to_bytes(key.replace("+", " ")).decode()
    except UnicodeDecodeError as error:
        raise ListingError(f"the key {key!r} (percent-encoded) is not UTF-8") from error


def _canonical(contents: memoryview) -> list[str] | None:
    """Split adjoining `Contents` into their fields; None where anything else stands between or within them."""
    try:
        pieces = _CONTENTS.split(str(contents, "ascii"))
    except UnicodeDecodeError:
        return None
    return None if any(pieces[::_STRIDE]) else pieces


def _columns(pieces: list[str]) -> ObjectPage:
    keys, times, etags, sizes, classes = (pieces[field::_STRIDE] for field in range(1, _STRIDE))
    if None in classes:
        classes = [storage_class or "" for storage_class in classes]
    # To look at all keys at once takes a tenth of looking at each; a page takes 1.4 ms in all.
    spelled = "".join(keys)
    if "%" in spelled or "+" in spelled:
        keys = list(map(decoded, keys))
    return ObjectPage(keys, list(map(int, sizes)), etags, times, classes)


def _entry(element: Element, encoded: bool) -> ObjectEntry:
    return ObjectEntry(
        _key(element, encoded),
        _number(element, "Size"),
        bare_etag(text(element, "ETag")),
        text(element, "LastModified"),
        text(element, "StorageClass"),
    )


def _is_encoded(root: Element) -> bool:
    """Some stores don't know `encoding-type` and send keys as they are; those that do say so."""
    return text(root, "EncodingType") == "url"


def _key(element: Element, encoded: bool) -> str:
    key = _required(element, "Key")
    return decoded(key) if encoded else key


def _number(element: Element, name: str) -> int:
    digits = _required(element, name)
    if not _SIZE.fullmatch(digits):
        raise invalid(f"{name} is no number: {digits[:40]!r}")
    return int(digits)


def _required(element: Element, name: str) -> str:
    value = text(element, name)
    if not value:
        raise invalid(f"{element.tag} has no {name}")
    return value


def _escaped(text: str) -> str:
    """Write a text as the content of an element (XML 1.0, section 2.4)."""
    return text.translate(_MARKUP)
