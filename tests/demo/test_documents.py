"""The sample documents."""

import csv
import hashlib
import io
import json
import re
import struct
import unicodedata
import zipfile
import zlib
from itertools import islice
from xml.etree import ElementTree as ET

import pytest

from s3mover.demo.documents import Document, additions, arrivals, changes, documents

MIB = 2**20


@pytest.fixture(scope="module")
def bodies() -> dict[str, bytes]:
    """The content of every document, by key."""
    return {document.key: document.body() for document in documents()}


def first(ending: str) -> Document:
    """Return the first ordinary document with this file name ending."""
    return next(
        document
        for document in documents()
        if document.key.endswith(ending) and document.key.isascii() and document.body()
    )


def test_the_requested_number_of_documents_have_different_keys() -> None:
    """676 by default."""
    assert len({document.key for document in documents()}) == 676
    assert len({document.key for document in documents(5_000)}) == 5_000
    assert len(list(documents(3))) == 3


def test_documents_are_reproducible(bodies: dict[str, bytes]) -> None:
    """The digest is constant; compressed formats are excluded, because versions of zlib differ."""
    digest = hashlib.sha256()
    for document in documents():
        properties = (document.key, document.content_type, dict(document.metadata), dict(document.tags))
        digest.update(json.dumps(properties).encode())
        if not document.key.endswith((".png", ".docx")):
            digest.update(bodies[document.key])
    assert digest.hexdigest() == "1036400454d37aef7cdc2d4a917e5700ac95452864ef489c902c83db312d34da"


def test_each_call_generates_the_same_body() -> None:
    """So bodies need not be stored."""
    for document in documents(80):
        assert document.body() == document.body()


def test_sizes_are_those_of_office_documents(bodies: dict[str, bytes]) -> None:
    """From 0 bytes to some MiB, mostly 1 to 100 KiB, less than 60 MiB in total."""
    sizes = [len(body) for body in bodies.values()]
    assert min(sizes) == 0
    assert MIB < max(sizes) < 8 * MIB
    assert sum(sizes) < 60 * MIB
    assert sum(1_000 <= size <= 110_000 for size in sizes) > 600


@pytest.mark.parametrize(
    "trait",
    [
        " ",
        "+",
        "%",
        "&",
        "?",
        "#",
        "é",
        "e\u0301",
        "東",
        "🚀",
        "'",
        '"',
        "\\",
        "<",
        "  ",
        "archive/",
    ],
)
def test_keys_contain_what_breaks_tools(trait: str) -> None:
    """Some key contains each of these."""
    assert any(trait in document.key for document in documents())


def test_some_keys_differ_only_in_case_or_normalization() -> None:
    """Tools that normalize keys would confuse them."""
    keys = {document.key for document in documents()}
    assert {"contracts/2024/README.txt", "contracts/2024/readme.txt"} <= keys
    composed = {key for key in keys if unicodedata.normalize("NFD", key) in keys - {key}}
    assert len(composed) == 1


def test_every_key_is_within_the_limits_of_s3() -> None:
    """At most 1,024 bytes of UTF-8, without control characters."""
    for document in documents():
        assert 0 < len(document.key.encode()) <= 1024
        assert not re.search(r"[\x00-\x1f]", document.key)


def test_a_folder_is_an_empty_object_with_a_trailing_slash(bodies: dict[str, bytes]) -> None:
    """As the S3 console creates them."""
    folders = [document for document in documents() if document.key.endswith("/")]
    assert [folder.key for folder in folders] == ["archive/", "hr/"]
    for folder in folders:
        assert folder.content_type == "application/x-directory"
        assert bodies[folder.key] == b""


def test_some_have_metadata_and_tags() -> None:
    """Neither all nor none; the values are valid in headers."""
    tagged = [document for document in documents() if document.tags]
    described = [document for document in documents() if document.metadata]
    assert 50 < len(tagged) < 200
    assert 100 < len(described) < 400
    for document in described:
        assert all(value.isascii() for value in document.metadata.values())


def test_a_pdf_has_a_correct_cross_reference_table() -> None:
    """ISO 32000: each entry of the cross-reference table is the offset of its object."""
    body = first(".pdf").body()
    assert body.startswith(b"%PDF-1.4")
    table = int(body.rpartition(b"startxref\n")[2].split()[0])
    assert body[table:].startswith(b"xref\n")
    offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n", body[table:])]
    for number, offset in enumerate(offsets, start=1):
        assert body[offset:].startswith(b"%d 0 obj\n" % number)
    for length, stream in re.findall(rb"<</Length (\d+)>>\nstream\n(.*?)\nendstream", body, re.DOTALL):
        assert len(stream) == int(length)


def test_a_docx_is_a_zip_of_well_formed_xml() -> None:
    """ECMA-376: content types, relationships, document."""
    with zipfile.ZipFile(io.BytesIO(first(".docx").body())) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"[Content_Types].xml", "_rels/.rels", "word/document.xml"}
        for name in archive.namelist():
            ET.fromstring(archive.read(name))  # noqa: S314 (our own)


def test_a_png_has_as_many_pixels_as_its_header_says() -> None:
    """Each row has a filter byte and three bytes per pixel; each chunk has a checksum."""
    body = first(".png").body()
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    rest = body[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, data = rest[4:8], rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind], rest = data, rest[12 + length :]
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (1 + 3 * width)


def test_csv_and_json_can_be_parsed(bodies: dict[str, bytes]) -> None:
    """Every row of a CSV has four columns; every JSON has records."""
    for key, body in bodies.items():
        if key.endswith(".csv"):
            assert {len(row) for row in csv.reader(io.StringIO(body.decode()))} == {4}, key
        if key.endswith(".json"):
            assert json.loads(body)["records"], key


def test_changes_keep_the_size_change_it_or_are_new(bodies: dict[str, bytes]) -> None:
    """Ten of each; every changed body differs."""
    changed = {document.key: document.body() for document in changes()}
    known = changed.keys() & bodies.keys()
    assert all(changed[key] != bodies[key] for key in known)
    equal = {key for key in known if len(changed[key]) == len(bodies[key])}
    assert (len(equal), len(known - equal), len(changed.keys() - bodies.keys())) == (10, 10, 10)


def test_additions_have_new_keys() -> None:
    """Neither documents nor changes have them."""
    added = {document.key for document in additions()}
    assert len(added) == 24
    assert not added & {document.key for document in [*documents(), *changes()]}


def test_arrivals_have_new_keys() -> None:
    """The sequence is endless, and all keys differ."""
    arrived = {document.key for document in islice(arrivals(), 500)}
    assert len(arrived) == 500
    assert not arrived & {document.key for document in [*documents(5_000), *changes(), *additions()]}
