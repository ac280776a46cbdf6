"""Writers of small, valid office files, filled to an approximate size with pseudorandom content.

Each writer takes a random generator, the size in bytes and a title; the same seed gives the same bytes.
"""

import csv
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from random import Random
from xml.sax.saxutils import escape

Writer = Callable[[Random, int, str], bytes]

_TEXT = (
    "the agreement of both parties shall remain in force until notice is given and payment was received for all goods "
    "and services that were ordered by the customer during the period stated above including delivery insurance taxes "
    "warranty maintenance support training travel reports meetings minutes approval budget forecast review"
)
_WORDS = _TEXT.split()
_BYTES_PER_WORD = 7
_LINE = 88
_LINES_PER_PAGE = 52
_PIXELS_PER_ROW = 256
_DOCX_TYPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_DOCX_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
_DOCX_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'
)


def txt(random: Random, size: int, title: str) -> bytes:
    """Write plain text with a draft status in the second line."""
    return "\n".join([title, "Status: draft", "", *_lines(random, size)]).encode() + b"\n"


def csv_table(random: Random, size: int, title: str) -> bytes:
    """Write a table of accounting entries."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["posting", "account", "amount", title])
    for number in range(max(1, size // 40)):
        amount = f"{random.randrange(10**6) / 100:.2f}"
        rows.writerow([f"{number:06}", random.randrange(1000, 9999), amount, random.choice(_WORDS)])
    return table.getvalue().encode()


def json_records(random: Random, size: int, title: str) -> bytes:
    """Write an export of records."""
    records = [
        {
            "id": f"{random.getrandbits(64):016x}",
            "quantity": random.randrange(100),
            "note": random.choice(_WORDS),
        }
        for _ in range(max(1, size // 66))
    ]
    return json.dumps({"title": title, "records": records}, ensure_ascii=False, indent=1).encode()


def pdf(random: Random, size: int, title: str) -> bytes:
    """Write a PDF of text pages (PDF 1.4, ISO 32000: header, objects, cross-reference table, trailer)."""
    lines = [title.encode("ascii", "replace").decode(), *_lines(random, size)]
    pages = [lines[start : start + _LINES_PER_PAGE] for start in range(0, len(lines), _LINES_PER_PAGE)]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, page in enumerate(pages):
        objects += _pdf_page(page, 5 + 2 * number)
    return _pdf_file(objects)


def docx(random: Random, size: int, title: str) -> bytes:
    """Write a Word document (ECMA-376: a zip of content types, relations and the document's XML)."""
    paragraphs = "".join(
        f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in (title, *_lines(random, size * 2))
    )
    parts = {
        "[Content_Types].xml": _DOCX_TYPES,
        "_rels/.rels": _DOCX_RELATIONS,
        "word/document.xml": _DOCX_DOCUMENT.format(paragraphs),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in parts.items():
            # The default date of ZipInfo is constant (1980-01-01), so the bytes are reproducible.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def png(random: Random, size: int, title: str) -> bytes:
    """Write a PNG of noise, which does not compress (PNG specification: signature, IHDR, tEXt, IDAT, IEND)."""
    height = max(1, size // (3 * _PIXELS_PER_ROW))
    rows = b"".join(b"\0" + random.randbytes(3 * _PIXELS_PER_ROW) for _ in range(height))
    header = struct.pack(">IIBBBBB", _PIXELS_PER_ROW, height, 8, 2, 0, 0, 0)
    about = b"Title\0" + title.encode("latin-1", "replace")
    chunks = ((b"IHDR", header), (b"tEXt", about), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _lines(random: Random, size: int) -> Iterator[str]:
    words = random.choices(_WORDS, k=max(1, size // _BYTES_PER_WORD))
    per_line = _LINE // _BYTES_PER_WORD
    return (" ".join(words[start : start + per_line]) for start in range(0, len(words), per_line))


def _pdf_page(lines: list[str], content: int) -> tuple[bytes, bytes]:
    escaped = (line.translate({ord(sign): f"\\{sign}" for sign in "\\()"}) for line in lines)
    text = "BT /F1 9 Tf 14 TL 50 790 Td " + " ".join(f"({line}) Tj T*" for line in escaped) + " ET"
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents {content} 0 R>>"
    return page.encode(), f"<</Length {len(text)}>>\nstream\n{text}\nendstream".encode()


def _pdf_file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    table = [b"0000000000 65535 f \n"]
    for number, content in enumerate(objects, start=1):
        table.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start, count = len(out), len(table)
    out += b"xref\n0 %d\n%s" % (count, b"".join(table))
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count, start)
    return bytes(out)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
