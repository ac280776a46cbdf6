"""The truth table of `compare.py`, row by row, and its rules over any listing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.model import ObjectEntry, has_md5_shape
from s3mover.planning.compare import all_name_content, are_alike, reason_to_transfer

MD5_A, MD5_B, PARTS = "a" * 32, "b" * 32, "c" * 32 + "-7"
NOTHING = "d41d8cd98f00b204e9800998ecf8427e"  # the MD5 of nothing, which a store may list for all objects
EARLY, LATE = "2025-01-04T03:17:09.000Z", "2025-01-04T03:17:10.000Z"


def entry(etag: str = MD5_A, size: int = 5, modified: str = EARLY) -> ObjectEntry:
    return ObjectEntry("key", size, etag, modified)


@pytest.mark.parametrize(
    ("source", "destination", "md5_etags", "reason"),
    [
        (entry(), None, True, "missing"),
        (entry(size=6), entry(), True, "size"),
        (entry(), entry(modified=LATE), True, ""),
        (entry(PARTS, modified=LATE), entry(PARTS), True, ""),
        (entry(MD5_A), entry(MD5_B, modified=LATE), True, "etag"),
        (entry(MD5_A, modified=LATE), entry(MD5_B), False, "newer"),
        (entry(MD5_A), entry(MD5_B, modified=LATE), False, ""),
        (entry(PARTS), entry(MD5_B, modified=LATE), True, ""),
        (entry(PARTS, modified=LATE), entry(MD5_B), True, "newer"),
        (entry(PARTS), entry(MD5_B), True, "newer"),
        (entry("", modified=LATE), entry(""), True, "newer"),
        (entry(""), entry("", modified=LATE), True, ""),
        (entry("of the store's own"), entry("of the store's own"), True, "newer"),
        (entry(NOTHING), entry(NOTHING), True, "newer"),
        (entry(NOTHING), entry(MD5_A, modified=LATE), True, ""),
        (entry(NOTHING, size=0), entry(NOTHING, size=0), True, ""),
    ],
)
def test_the_truth_table_holds(
    source: ObjectEntry, destination: ObjectEntry | None, md5_etags: bool, reason: str
) -> None:
    """Each row of the table in the module's docstring decides as written there."""
    assert reason_to_transfer(source, destination, md5_etags=md5_etags) == reason


entries = st.builds(
    entry,
    etag=st.sampled_from([MD5_A, MD5_B, PARTS]),
    size=st.integers(0, 2),
    modified=st.sampled_from([EARLY, LATE]),
)


@given(source=entries, md5_etags=st.booleans(), etag=st.sampled_from([MD5_A, MD5_B, PARTS]))
def test_a_later_copy_of_the_same_size_settles(source: ObjectEntry, md5_etags: bool, etag: str) -> None:
    """After a copy whose ETag does not name the content, the next sweep leaves the object alone."""
    copy = entry(etag, source.size, "2025-01-04T03:17:11.000Z")
    contradicts = md5_etags and has_md5_shape(source.etag) and has_md5_shape(etag) and source.etag != etag
    assert (reason_to_transfer(source, copy, md5_etags=md5_etags) == "") is not contradicts


@given(source=entries, destination=entries, md5_etags=st.booleans())
def test_different_sizes_are_never_in_place(
    source: ObjectEntry, destination: ObjectEntry, md5_etags: bool
) -> None:
    """Whatever ETags and times say, another size is another object."""
    if source.size != destination.size:
        assert reason_to_transfer(source, destination, md5_etags=md5_etags) == "size"


@pytest.mark.parametrize(
    ("etags", "sizes", "expected"),
    [
        ([MD5_A], [5], False),
        ([MD5_A, MD5_A], [5, 5], False),
        ([MD5_A, MD5_A], [5, 6], True),
        ([MD5_A, MD5_B, MD5_A], [5, 6, 7], False),
        ([MD5_A] * 8, [5] * 8, True),
    ],
)
def test_one_etag_for_all_is_recognised(etags: list[str], sizes: list[int], *, expected: bool) -> None:
    """Equal contents have equal sizes, and a few objects may well be equal."""
    assert are_alike(etags, sizes) is expected


@pytest.mark.parametrize(
    ("etags", "expected"),
    [
        ([MD5_A, MD5_B], True),
        ([MD5_A, PARTS], True),
        ([MD5_A, ""], False),
        ([MD5_A, "x" * 32], False),
        ([MD5_A, NOTHING], False),
    ],
)
def test_a_page_whose_etags_name_the_content_is_recognised(etags: list[str], *, expected: bool) -> None:
    """Each of them, although the page is checked as one text."""
    assert all_name_content(etags, [5] * len(etags)) is expected
    assert all_name_content([NOTHING, MD5_A], [0, 5])
