"""XML: the shapes of S3 and of stores that differ, and whatever else may come."""

from collections.abc import Callable
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3mover.errors import MoverError, S3Error
from s3mover.model import ObjectEntry, ObjectPage
from s3mover.s3 import list_page, xml, xml_requests
from s3mover.s3.records import ListedUpload, UploadedPart
from s3mover.s3.sigv4 import quote_key
from tests.s3.samples import ODD_KEYS

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
FRAME = "<Name>b</Name><Prefix></Prefix><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
KEY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30) | st.sampled_from(
    ODD_KEYS
)
ENTRIES = st.lists(
    st.builds(
        ObjectEntry,
        KEY_TEXT,
        st.integers(0, 5 << 40),
        st.builds(
            "{:032x}{}".format,
            st.integers(0, 2**128 - 1),
            st.just("") | st.integers(0, 9999).map("-{}".format),
        ),
        st.just("2025-01-04T03:17:09.000Z"),
        st.sampled_from(["", "STANDARD", "GLACIER_IR"]),
    ),
    max_size=6,
)


def contents(entry: ObjectEntry, gap: str = "") -> str:
    """Write one object as AWS does; a gap is what other stores put between elements."""
    storage = f"<StorageClass>{entry.storage_class}</StorageClass>" if entry.storage_class else ""
    return (
        f"<Contents>{gap}<Key>{quote_key(entry.key)}</Key>{gap}<LastModified>{entry.last_modified}</LastModified>"
        f"<ETag>&quot;{entry.etag}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
        f"<ChecksumType>FULL_OBJECT</ChecksumType>{gap}<Size>{entry.size}</Size>{gap}{storage}</Contents>"
    )


def listing(
    inside: str, frame: str = FRAME, declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n'
) -> bytes:
    return f"{declaration}<ListBucketResult {NAMESPACE}>{frame}{inside}</ListBucketResult>".encode()


def by_parser(body: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Element, ObjectPage]:
    """Read a page without the short cut."""
    with monkeypatch.context() as patch:
        patch.setattr(list_page, "_split_contents", lambda _: None)
        return list_page.parse_object_page(body)


@given(entries=ENTRIES, gap=st.sampled_from(["", "\n  "]))
def test_a_page_is_read_as_it_was_written(entries: list[ObjectEntry], gap: str) -> None:
    """Whether it has the canonical shape or not."""
    frame, read = list_page.parse_object_page(listing("".join(contents(entry, gap) for entry in entries)))
    assert list(read) == entries
    assert xml.text(frame, "IsTruncated") == "false"


@pytest.mark.parametrize(("sent", "key"), [("a+b", "a b"), ("%C3%A9", "é"), ("a%2Bb+c", "a+b c"), ("a", "a")])
@pytest.mark.parametrize("gap", ["", "\n  "])
def test_every_key_is_decoded(sent: str, key: str, gap: str) -> None:
    """S3 writes a blank as a plus; one such key among plain ones is enough."""
    entries = [ObjectEntry("AAA", 1, "a", "t"), ObjectEntry("KEY", 1, "a", "t")]
    page = listing("".join(contents(entry, gap) for entry in entries).replace("KEY", sent))
    assert list_page.parse_object_page(page)[1].keys == ["AAA", key]


@settings(max_examples=300)
@given(entries=ENTRIES.filter(bool), data=st.data())
def test_the_short_cut_reads_what_the_parser_reads(entries: list[ObjectEntry], data: st.DataObject) -> None:
    """A canonical page that was damaged somewhere is read the same both ways, or refused by both."""
    body = listing("".join(map(contents, entries)))
    at = data.draw(st.integers(0, len(body)))
    length = data.draw(st.integers(0, 40))
    put = data.draw(
        st.sampled_from(
            [
                b"",
                b"<",
                b"&amp;",
                b"<!--",
                b"-->",
                b"</Contents>",
                b"<Contents>",
                b"<Key>x</Key>",
                b'"',
                b"]]>",
                b" ",
            ]
        )
        | st.binary(max_size=3)
    )
    damaged = body[:at] + put + body[at + length :]
    monkeypatch = pytest.MonkeyPatch()
    assert outcome(lambda: list(list_page.parse_object_page(damaged)[1])) == outcome(
        lambda: list(by_parser(damaged, monkeypatch)[1])
    )


FIELDS = st.lists(
    st.tuples(
        st.sampled_from(["ETag", "LastModified", "Size", "a1"]),
        st.text(alphabet="ab0 '\"-+/:.=\u00e9", max_size=6).map(lambda text: text.replace('"', "&quot;")),
    ),
    max_size=3,
)
DAMAGE = [
    b"",
    b"<",
    b">",
    b"&amp;",
    b"&quot;",
    b"<!--x-->",
    b"<a1>",
    b"</a1>",
    b"<b/>",
    b"]]>",
    b"}",
    b"\n",
    b"\x01",
    b" ",
]


@settings(max_examples=300)
@given(
    fields=FIELDS,
    start=st.sampled_from(["", " \n", '<?xml version="1.0" encoding="UTF-8"?>\n']),
    data=st.data(),
)
def test_a_flat_document_is_read_as_the_parser_reads_it(
    fields: list[tuple[str, str]], start: str, data: st.DataObject
) -> None:
    """Whole, or damaged somewhere; and the whole one takes the short cut."""
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields)
    whole = f"{start}<CopyObjectResult {NAMESPACE}>{inside}</CopyObjectResult>".encode()
    assert (xml._flat(whole) is not None) == (whole.isascii() and bool(fields))
    at, length = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, 12))
    put = data.draw(st.sampled_from(DAMAGE) | st.binary(max_size=2))
    damaged = whole[:at] + put + whole[at + length :]
    for body in (whole, damaged):
        with pytest.MonkeyPatch.context() as patch:
            quick = outcome(lambda body=body: told(xml.parse(body)))  # type: ignore[misc]
            patch.setattr(xml, "_flat", lambda _: None)
            assert quick == outcome(lambda body=body: told(xml.parse(body)))  # type: ignore[misc]


def test_a_namespace_that_the_parser_refuses_takes_no_short_cut() -> None:
    """A brace is the parser's own mark for the end of one."""
    body = b'<CopyObjectResult xmlns="http://s3.amazonaws.com/}doc"><ETag>e</ETag></CopyObjectResult>'
    assert xml._flat(body) is None
    assert outcome(lambda: xml.parse(body)) is S3Error


def told(root: Element) -> list[object]:
    """Return all that is made use of in a document."""
    return [(element.tag, element.text or "", len(element)) for element in root.iter()]


def outcome(call: Callable[[], object]) -> object:
    """Return what a call returns, or which of our errors it raises."""
    try:
        return call()
    except MoverError as error:
        return type(error)


@settings(max_examples=300)
@given(
    body=st.binary(max_size=200)
    | st.text(alphabet="<>/&;!?ab\"'= ContentsKeyErrorETag\n", max_size=200).map(str.encode)
)
def test_garbage_is_an_invalid_response(body: bytes) -> None:
    """Whatever comes, nothing but our own error comes of it."""
    for read in (lambda: list_page.parse_object_page(body), lambda: xml.parse(body)):
        try:
            read()
        except S3Error as error:
            assert (error.code, error.temporary) == ("InvalidResponse", True)  # noqa: PT017 - success is allowed, too


def test_entities_do_not_expand() -> None:
    """A billion laughs are refused before the first, in whatever encoding they come."""
    laughs = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><r>&b;</r>'
    for body in (
        laughs.encode(),
        laughs.encode("utf-16"),
        laughs.encode("utf-16-le"),
        laughs.encode("utf-16-be"),
        f'<?xml version="1.0" encoding="UTF-7"?>{laughs}'.encode(),
    ):
        with pytest.raises(S3Error, match="InvalidResponse"):
            xml.parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" * 20 + b"</a>" * 20,
        b"<a>" + b"<b/>" * 5_000 + b"</a>",
        b"<a " + b" ".join(b"b%d='1'" % number for number in range(5_000)) + b"/>",
    ],
)
def test_a_document_with_too_deep_or_too_many_elements_is_refused(body: bytes) -> None:
    """Each would take a hundred bytes and more of memory, as would attributes."""
    with pytest.raises(S3Error, match="InvalidResponse: the response has too"):
        xml.parse(body)


@pytest.mark.parametrize(
    ("element", "entry"),
    [
        ("<Key>k</Key><Size>1</Size>", ObjectEntry("k", 1, "", "", "")),
        ("<Size>1</Size><ETag>abc</ETag><Key>k</Key>", ObjectEntry("k", 1, "abc", "", "")),
        ('<Key>k</Key><ETag>"abc-2"</ETag><Size>0</Size>', ObjectEntry("k", 0, "abc-2", "", "")),
        (
            (
                "<Key>k</Key><LastModified>t</LastModified><ETag>abc</ETag><Size>1</Size>"
                "<Owner><ID>1</ID><DisplayName>me</DisplayName></Owner><StorageClass>S</StorageClass>"
            ),
            ObjectEntry("k", 1, "abc", "t", "S"),
        ),
        (
            "<Key>a+b%2Bc</Key><Size>1</Size><Unknown><Key>x</Key></Unknown>",
            ObjectEntry("a b+c", 1, "", "", ""),
        ),
    ],
)
def test_stores_may_leave_out_and_reorder(element: str, entry: ObjectEntry) -> None:
    """Only key and size are needed; quotes, order and additions do not matter."""
    assert list(list_page.parse_object_page(listing(f"<Contents>{element}</Contents>"))[1]) == [entry]


@pytest.mark.parametrize(
    "element",
    [
        "<Size>1</Size>",
        "<Key></Key><Size>1</Size>",
        "<Key>k</Key>",
        "<Key>k</Key><Size></Size>",
        "<Key>k</Key><Size>-1</Size>",
        "<Key>k</Key><Size>1.5</Size>",
        "<Key>k</Key><Size>٣</Size>",
        f"<Key>k</Key><Size>{'9' * 30}</Size>",
    ],
)
def test_an_object_without_key_or_size_is_refused(element: str) -> None:
    """A page that cannot be understood is not guessed at."""
    with pytest.raises(S3Error, match="InvalidResponse"):
        list_page.parse_object_page(listing(f"<Contents>{element}</Contents>"))


def test_keys_of_a_store_that_does_not_encode_are_taken_as_they_are() -> None:
    """Where the page does not say `url`, a percent sign is a percent sign."""
    frame = FRAME.replace("<EncodingType>url</EncodingType>", "")
    key = "50%25+<é>&"
    entry = f"<Contents><Key>{escape(key)}</Key><LastModified>t</LastModified><ETag>e</ETag><Size>1</Size></Contents>"
    assert list(list_page.parse_object_page(listing(entry, frame))[1]) == [ObjectEntry(key, 1, "e", "t", "")]
    assert (
        list_page.parse_object_page(listing(entry.replace(escape(key), "50%25"), frame))[1][0].key == "50%25"
    )


UNENCODED = FRAME.replace("<EncodingType>url</EncodingType>", "")


@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize(
    ("key", "raw"),
    [("bad%FF%FEkey", b"bad\xff\xfekey"), ("x" * 1025, b"x" * 1025), ("%ED%A0%80", b"\xed\xa0\x80")],
)
def test_a_key_that_is_not_utf8_or_too_long_hides_no_other(
    gap: str, encoded: bool, key: str, raw: bytes
) -> None:
    """Its object cannot be requested under that key; all others of the page are read as ever."""
    page = listing(
        "".join(contents(ObjectEntry(name, 1, "a", "t"), gap) for name in ("a", "KEY", "z")),
        FRAME if encoded else UNENCODED,
    ).replace(b"KEY", key.encode() if encoded else raw)
    entries = list_page.parse_object_page(page)[1]
    assert (entries.keys, entries.unusable) == (["a", "z"], (raw,))


@given(KEY_TEXT)
def test_a_store_that_does_not_encode_keys_may_use_any_character(key: str) -> None:
    """XML 1.0 forbids most control characters; stores write them all the same, or as references to characters."""
    if "\0" in key:
        return
    for written in (
        escape(key),
        "".join(f"&#{ord(one)};" for one in key),
        "".join(f"&#x{ord(one):X};" for one in key),
    ):
        entry = f"<Contents><Key>{written}</Key><Size>1</Size></Contents>"
        assert list_page.parse_object_page(listing(entry, UNENCODED))[1].keys == [key]


@pytest.mark.parametrize("reference", ["&#xD800;", "&#xdcff;", "&#55296;"])
def test_a_reference_to_half_a_character_makes_a_key_unusable(reference: str) -> None:
    """No UTF-8 can carry it."""
    entry = f"<Contents><Key>a{reference}</Key><Size>1</Size></Contents>"
    entries = list_page.parse_object_page(listing(entry, UNENCODED))[1]
    assert (len(entries), len(entries.unusable)) == (0, 1)


def test_texts_of_a_listing_are_as_long_as_they_may_be() -> None:
    """What a hostile store adds to them is cut off."""
    long = ObjectEntry("k", 1, "a" * 3000, "t" * 3000, "S" * 3000)
    (entry,) = list_page.parse_object_page(listing(contents(long)))[1]
    assert {len(entry.etag), len(entry.last_modified), len(entry.storage_class)} == {128}


def test_a_frame_within_a_comment_holds_no_objects() -> None:
    """What only looks like objects is not taken for objects."""
    hidden = f"<!--{contents(ObjectEntry('k', 1, 'a', 't'))}-->"
    assert list(list_page.parse_object_page(listing(hidden))[1]) == []


def test_the_small_documents_are_read() -> None:
    """Tags, uploads, parts, ids and ETags, each as the API reference shows it."""
    tags = b"<Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>e</Key><Value/></Tag>"
    assert xml.tags(xml.parse(b"<Tagging><TagSet>%s</TagSet></Tagging>" % tags)) == [("k", "v"), ("e", "")]
    assert xml.tags(xml.parse(b"<Tagging/>")) == []
    uploads = (
        f"<R {NAMESPACE}><EncodingType>url</EncodingType><NextKeyMarker>a%2Fz</NextKeyMarker><Upload><Key>a%20b</Key>"
        "<UploadId>u1</UploadId><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload></R>"
    )
    assert xml.parse_uploads(xml.parse(uploads.encode())) == [
        ListedUpload("a b", "u1", "2010-11-10T20:48:33.000Z")
    ]
    assert xml.next_key_marker(xml.parse(uploads.encode())) == "a/z"
    parts = b'<R><Part><PartNumber>2</PartNumber><ETag>"e"</ETag><Size>7</Size></Part></R>'
    assert xml.parse_parts(xml.parse(parts)) == [UploadedPart(2, "e", 7)]
    assert xml.parse_upload_id(xml.parse(b"<R><UploadId>u</UploadId></R>")) == "u"
    assert xml.parse_etag(xml.parse(b"<R><ETag>&quot;e-2&quot;</ETag></R>")) == "e-2"


def test_white_space_before_the_declaration_is_allowed() -> None:
    """S3 keeps connections alive with it."""
    assert xml.parse(b"  \n\n <?xml version='1.0'?><R/>\n").tag == "R"


def test_a_completion_lists_numbers_and_etags() -> None:
    """Quoted and escaped, in the order given."""
    root = xml.parse(xml_requests.complete_request([(1, "a&b"), (10000, "c")]))
    assert root.tag == "CompleteMultipartUpload"
    assert [(xml.text(p, "PartNumber"), xml.text(p, "ETag")) for p in root] == [
        ("1", '"a&b"'),
        ("10000", '"c"'),
    ]


@given(code=st.integers(0x1, 0x10FFFF))
def test_a_character_that_xml_cannot_carry_hides_no_upload_id(code: int) -> None:
    """S3 repeats the key in some responses; the rest is parsed all the same."""
    body = f"<Result><Key>&#x{code:x};&#{code};</Key><UploadId>id</UploadId></Result>".encode()
    assert xml.text(xml.parse(body), "UploadId") == "id"


def test_a_text_never_holds_what_utf8_cannot_carry() -> None:
    """It is written to logs and databases, which refuse half characters."""
    body = b"<Result><Key>a&#x7;\xff&#xD800;</Key></Result>"
    assert xml.text(xml.parse(body), "Key") == "a\x07\ufffd\ufffd"


@pytest.mark.parametrize("etag", ['W/"abc"', "W/abc", "W/&quot;abc&quot;", '"abc"', "abc"])
def test_an_etag_is_read_without_quotes_and_weakness(etag: str) -> None:
    """A proxy that compresses or a cache may weaken an ETag; conditions compare without the mark."""
    assert xml.parse_etag(xml.parse(f"<R><ETag>{etag}</ETag></R>".encode())) == "abc"
