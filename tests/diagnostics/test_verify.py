"""What `verify` takes as a proof, and which objects it finds at the destination only."""

from collections.abc import Sequence

import pytest

from s3mover.diagnostics.verify import Comparator, Comparison, compare_buckets
from s3mover.diagnostics.verify_properties import differing_headers
from s3mover.errors import S3Error
from s3mover.model import ObjectEntry, ObjectPage, Pair
from s3mover.s3.records import Head

PAIR = Pair("from", "", "to", "")
MD5, EARLY, LATE = "a" * 32, "2025-01-04T03:17:09.000Z", "2025-01-04T03:17:10.000Z"


def page(*keys: str, etag: str = MD5, modified: str = EARLY) -> ObjectPage:
    count = len(keys)
    return ObjectPage([*keys], [1] * count, [etag] * count, [modified] * count, ["STANDARD"] * count)


def heads_without_checksums(_: ObjectEntry, __: ObjectEntry) -> tuple[Head, Head]:
    return Head(1, "", "", {}), Head(1, "", "", {})


def compared(comparator: Comparator, source: Sequence[ObjectPage], copies: Sequence[ObjectPage]) -> list[str]:
    found = compare_buckets(iter(source), iter(copies), comparator)
    return [f"{one.result} {one.key}" for one in found]


@pytest.mark.parametrize("etag", ["", "-", "none", "0"])
def test_equal_etags_that_are_not_made_from_the_content_prove_nothing(etag: str) -> None:
    """Such objects are unproven, and `--deep` reads them."""
    source, copies = [page("a", etag=etag)], [page("a", etag=etag, modified=LATE)]
    unread = Comparator(PAIR, None, heads_without_checksums, None)
    assert compared(unread, source, copies) == ["unproven a"]
    read = Comparator(PAIR, None, heads_without_checksums, lambda *_: False)
    assert compared(read, source, copies) == ["different a"]


@pytest.mark.parametrize("etag", [MD5, f"{MD5}-7"])
def test_equal_etags_that_are_made_from_the_content_prove_equality_without_a_request(etag: str) -> None:
    """Also those of multipart uploads."""

    def no_request(_: ObjectEntry, __: ObjectEntry) -> tuple[Head, Head]:
        raise AssertionError("a request was sent")

    comparator = Comparator(PAIR, None, no_request, None)
    assert compared(comparator, [page("a", etag=etag)], [page("a", etag=etag)]) == ["equal a"]


@pytest.mark.parametrize("status", [404, 412])
def test_an_object_that_changes_meanwhile_does_not_end_the_comparison(status: int) -> None:
    """It is unproven; the next objects are compared."""

    def read_heads(entry: ObjectEntry, copy: ObjectEntry) -> tuple[Head, Head]:
        if entry.key == "a":
            raise S3Error("code", status=status)
        return heads_without_checksums(entry, copy)

    comparator = Comparator(PAIR, None, read_heads, lambda *_: True)
    assert compared(comparator, [page("a", "b", etag="")], [page("a", "b", etag="")]) == [
        "unproven a",
        "equal b",
    ]


def test_every_key_of_the_destination_is_compared_or_extra() -> None:
    """Whatever pages both listings come in; a key that the filter leaves out is neither."""
    comparator = Comparator(PAIR, lambda key: key != "f", heads_without_checksums, None)
    source = [page("b"), page("d", "f"), page("h")]
    copies = [page("a", "b", "c"), page("e"), page("f", "g", "h"), page("i"), page("j")]
    assert sorted(compared(comparator, source, copies)) == [
        "equal b",
        "equal h",
        *(f"{Comparison.EXTRA} {key}" for key in "acegij"),
        "missing d",
    ]


def test_metadata_that_a_store_cannot_return_is_a_difference() -> None:
    """It may be what the copy lacks."""
    assert differing_headers({"x-amz-missing-meta": "1", "content-type": "t"}, {"content-type": "t"}) == [
        "x-amz-missing-meta"
    ]


def test_headers_that_every_store_sets_by_itself_are_not_compared() -> None:
    """Dates, request ids and encryption differ at all copies."""
    assert differing_headers({"date": "1", "x-amz-server-side-encryption": "AES256"}, {"date": "2"}) == []
