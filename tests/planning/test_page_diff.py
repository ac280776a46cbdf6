"""Two listings merged: nothing is lost, whatever the pages look like."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.model import ObjectEntry, ObjectPage, Pair, page_of
from s3mover.planning import page_diff
from s3mover.planning.filters import key_filter
from s3mover.planning.page_diff import (
    DoubtfulMatch,
    Lookup,
    PageDiff,
    Pages,
    Rules,
    compare_page,
    settle_doubts,
)

PAIR = Pair("source", "in/", "destination", "out/")
TIME = "2025-01-04T03:17:09.000Z"

any_keys = st.text("ab\uffff😀", min_size=1, max_size=2) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6
)


def listing(prefix: str, content: dict[str, str], page: int) -> Iterator[ObjectPage]:
    keys = sorted(content, key=lambda key: key.encode())
    entries = [ObjectEntry(prefix + key, 1, content[key] * 32, TIME) for key in keys]
    return (page_of(entries[at : at + page]) for at in range(0, len(entries), page))


def scan(source: Pages, destination: Pages, rules: Rules) -> Iterator[PageDiff]:
    """Compare page after page."""
    lookup = Lookup(destination)
    return (compare_page(page, lookup, rules) for page in source)


def diffs(source: dict[str, str], destination: dict[str, str], page: int = 2) -> list[PageDiff]:
    rules = Rules(PAIR, lambda *_: True)
    return list(scan(listing("in/", source, page), listing("out/", destination, 3), rules))


contents = st.dictionaries(any_keys, st.sampled_from("ab"), max_size=12)


@given(source=contents, destination=contents, page=st.integers(1, 5), singly=st.integers(1, 3))
def test_exactly_what_differs_is_transferred(
    source: dict[str, str], destination: dict[str, str], page: int, singly: int
) -> None:
    """The transfers are the source's objects that the destination lacks or holds differently; the rest is counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_diff, "SINGLY", singly)
        found = diffs(source, destination, page)
    moved = [transfer.entry.key for diff in found for transfer in diff.transfers]
    expected = {"in/" + key for key, etag in source.items() if destination.get(key) != etag}
    assert set(moved) == expected
    assert len(moved) == len(expected)
    for diff in found:
        assert diff.listed == len(diff.transfers) + sum(diff.skipped.values())
    assert sum(diff.listed for diff in found) == len(source)


def test_each_transfer_says_why() -> None:
    """A missing object and a changed one are told apart."""
    [diff] = diffs({"a": "a", "b": "b", "c": "a"}, {"a": "a", "b": "a"}, page=10)
    assert [(t.entry.key, t.reason) for t in diff.transfers] == [("in/b", "etag"), ("in/c", "missing")]
    assert diff.skipped == {"in_place": 1}


def test_filtered_and_young_objects_wait() -> None:
    """Objects that a glob refuses or that are too young are counted under their own reason."""
    source = iter([page_of([ObjectEntry("in/a.tmp", 1, "x", TIME), ObjectEntry("in/b", 1, "x", TIME)])])
    rules = Rules(
        PAIR,
        lambda *_: True,
        included=key_filter("in/", [], ["*.tmp"]),
        not_after="2025-01-01T00:00:00.000Z",
    )
    [diff] = scan(source, iter([]), rules)
    assert (diff.transfers, diff.skipped) == ([], {"filtered": 1, "too_young": 1})


def test_etags_that_do_not_tell_leave_it_to_the_times() -> None:
    """Where an ETag only looks like an MD5, a copy that is younger counts as in place; it is asked about once each."""
    older, younger = "2025-01-04T03:17:09.000Z", "2025-01-04T03:17:10.000Z"
    source = [ObjectEntry("in/a", 1, "a" * 32, older), ObjectEntry("in/b", 1, "a" * 32, younger)]
    copies = [ObjectEntry("out/a", 1, "b" * 32, younger), ObjectEntry("out/b", 1, "b" * 32, older)]
    asked: list[str] = []

    def tell(entry: ObjectEntry, copy: ObjectEntry) -> bool:
        asked.append(f"{entry.key} {copy.key}")
        return False

    [undecided] = scan(iter([page_of(source)]), iter([page_of(copies)]), Rules(PAIR, tell))
    diff = settle_doubts(undecided, {})
    assert [(t.entry.key, t.reason) for t in diff.transfers] == [("in/b", "newer")]
    assert diff.skipped == {"in_place": 1}
    assert asked == ["in/a out/a", "in/b out/b"]


EARLY, LATE = "2025-01-04T03:17:09.000Z", "2025-01-04T03:17:10.000Z"


@pytest.mark.parametrize(
    ("copied", "moved"),
    [
        ({}, [("in/a", "newer")]),
        ({"in/a": "p-7", "in/b": "p-7"}, []),
        ({"in/a": "q-7", "in/b": "q-7"}, [("in/a", "etag"), ("in/b", "etag")]),
        ({"in/a": "", "in/b": ""}, [("in/a", "newer")]),
    ],
)
def test_the_trail_decides_before_clocks_do(copied: dict[str, str], moved: list[tuple[str, str]]) -> None:
    """Where it knows which version was copied; a destination whose clock is ahead hides no change."""
    doubts = [
        DoubtfulMatch(ObjectEntry(f"in/{key}", 1, "p-7", EARLY), by)
        for key, by in (("a", "newer"), ("b", ""))
    ]
    diff = settle_doubts(PageDiff(3, [], {"in_place": 1}, doubtful=doubts), copied)
    assert [(t.entry.key, t.reason) for t in diff.transfers] == moved
    assert diff.listed == len(diff.transfers) + sum(diff.skipped.values())
    assert not diff.doubtful


@pytest.mark.parametrize("etag", ["", "d41d8cd98f00b204e9800998ecf8427e", "a" * 32])
@pytest.mark.parametrize("both", [True, False])
def test_a_listing_that_has_no_etags_or_one_for_all_leaves_it_to_the_times(etag: str, *, both: bool) -> None:
    """On one side or on both; neither the trail nor the store is asked, which know no more."""
    times = [EARLY, LATE] * 5
    source = [ObjectEntry(f"in/{at}", 1, etag, time) for at, time in enumerate(times)]
    etags = [etag if both else f"{at}" * 32 for at in range(10)]
    copies = [ObjectEntry(f"out/{at}", 1, etags[at], time) for at, time in enumerate(reversed(times))]

    def unasked(*_: ObjectEntry) -> bool:
        raise AssertionError("a question was asked that costs a request")

    [diff] = scan(iter([page_of(source)]), iter([page_of(copies)]), Rules(PAIR, unasked))
    assert [t.entry.key for t in diff.transfers] == [f"in/{at}" for at in range(1, 10, 2)]
    assert (diff.skipped, diff.doubtful) == ({"in_place": 5}, [])
