"""Ranges that are listed side by side find what one listing finds."""

import threading
from bisect import bisect_right
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from queue import SimpleQueue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3mover.errors import ListingError, S3Error
from s3mover.model import ObjectEntry, ObjectPage, Pair, page_of
from s3mover.planning.filters import KeyFilter, key_filter
from s3mover.planning.page_diff import PageDiff, Rules, leave_out
from s3mover.planning.plan import PAGES_AHEAD, ListingPlan
from s3mover.planning.ranges import ALL_KEYS, KeyBounds, Ranges
from s3mover.planning.read_ahead import FeedEnded
from s3mover.sweep.range_progress import RangeProgress

PAIR = Pair("source", "in/", "destination", "out/")
TIME = "2025-01-04T03:17:09.000Z"


class Shelf:
    """A bucket's listing in memory; counts the pages and the single keys that were asked for."""

    def __init__(self, prefix: str, content: dict[str, str], page: int) -> None:
        self._content = {prefix + key: etag for key, etag in content.items()}
        self._keys = sorted(self._content, key=str.encode)
        self._page = page
        self.lock = threading.Lock()
        self.asked = 0
        self.probed = 0
        self.open_threads: set[int] = set()

    def pages(self, after: str) -> Iterator[ObjectPage]:
        at = bisect_right(self._keys, after)
        while True:
            with self.lock:
                self.asked += 1
                self.open_threads.add(threading.get_ident())
            page = self._keys[at : at + self._page]
            if page:
                yield page_of([ObjectEntry(key, 1, self._content[key] * 32, TIME) for key in page])
            at += self._page
            if at >= len(self._keys):
                return

    def first_after(self, text: str) -> str | None:
        with self.lock:
            self.probed += 1
        at = bisect_right(self._keys, text)
        return self._keys[at] if at < len(self._keys) else None

    def starts_anywhere(self) -> bool:
        return True

    def is_ordered_at(self, key: str) -> bool:
        assert key in self._content
        return True

    def lists_directories(self) -> bool:
        return False

    def close_thread(self) -> None:
        with self.lock:
            self.open_threads.discard(threading.get_ident())


def planned(source: Shelf, destination: Shelf, page: int, listers: int = 4) -> list[PageDiff]:
    plan = ListingPlan(source, destination, Rules(PAIR, lambda *_: True), listers=listers, page=page)
    with closing(plan.diffs()) as found:
        return list(found)


def keys_moved(found: list[PageDiff]) -> list[str]:
    return sorted(transfer.entry.key for diff in found for transfer in diff.transfers)


odd_keys = (
    st.text("ab/0\x01\x7f\uffff😀", min_size=1, max_size=4)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
    | st.integers(0, 300).map("deep/folder/of/many/{:06d}".format)
)
contents = st.dictionaries(odd_keys, st.sampled_from("ab"), max_size=80)


@settings(max_examples=200)
@given(source=contents, destination=contents, page=st.integers(1, 4), listers=st.integers(1, 5))
def test_each_key_is_in_exactly_one_range(
    source: dict[str, str], destination: dict[str, str], page: int, listers: int
) -> None:
    """Whatever keys there are: what differs is found once, and everything is counted once."""
    found = planned(Shelf("in/", source, page), Shelf("out/", destination, page + 1), page, listers)
    assert keys_moved(found) == sorted(
        "in/" + key for key, etag in source.items() if destination.get(key) != etag
    )
    assert sum(diff.listed for diff in found) == len(source)
    assert sum(sum(diff.skipped.values()) for diff in found) == len(source) - len(keys_moved(found))


@settings(max_examples=20)
@given(
    form=st.sampled_from(
        ["{:08d}", "{0:02x}/{0:08d}", "year=2024/month=01/{:012d}.parquet", "{:x}", "é{:b}"]
    ),
    count=st.integers(100, 400),
)
def test_many_keys_of_one_form_are_shared_out(form: str, count: int) -> None:
    """One flat prefix, folders, hashes: nothing is lost, and few requests are spent on finding the cuts."""
    content = {form.format(number): "a" for number in range(count)}
    source = Shelf("in/", content, 5)
    found = planned(source, Shelf("out/", {}, 5), 5)
    assert keys_moved(found) == sorted("in/" + key for key in content)
    assert source.asked + source.probed <= 4 * -(-len(content) // 5)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 29])
def test_a_small_bucket_costs_no_further_request(count: int) -> None:
    """As many pages as there are, and no question besides."""
    content = {f"{number:04d}": "a" for number in range(count)}
    source, destination = Shelf("in/", content, 10), Shelf("out/", content, 10)
    assert sum(diff.listed for diff in planned(source, destination, 10)) == count
    pages = max(1, -(-count // 10))
    assert (source.asked, source.probed) == (pages, 0)
    assert destination.asked == (pages if count else 0)


@pytest.mark.parametrize("good_pages", [0, 4])
def test_a_listing_that_fails_fails_the_plan(good_pages: int) -> None:
    """In whichever range it is; no thread is left, and none keeps its connections."""

    class Torn(Shelf):
        def pages(self, after: str) -> Iterator[ObjectPage]:
            for number, page in enumerate(super().pages(after)):
                if number == good_pages:
                    raise ListingError("out of order")
                yield page

    content = {f"{number:04d}": "a" for number in range(1000)}
    before = set(threading.enumerate())
    source = Torn("in/", content, 10)
    with pytest.raises(ListingError, match="out of order"):
        planned(source, Shelf("out/", {}, 10), 10)
    _await_end_of_threads(before)
    assert not source.open_threads


def test_a_plan_that_is_broken_off_lets_its_threads_go() -> None:
    """Also those that wait for a range."""
    content = {f"{number:04d}": "a" for number in range(1000)}
    before = set(threading.enumerate())
    source = Shelf("in/", content, 10)
    rules = Rules(PAIR, lambda *_: True)
    plan = ListingPlan(source, Shelf("out/", {}, 10), rules, listers=4, page=10)
    diffs: Generator[PageDiff] = plan.diffs()
    assert next(diffs).listed == 10
    diffs.close()
    _await_end_of_threads(before)
    assert not source.open_threads


def _await_end_of_threads(before: set[threading.Thread]) -> None:
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=60)
        assert not thread.is_alive()


class Misled(Shelf):
    """A store that answers wrongly to a start: it leaves out keys that follow, says that none does, or refuses."""

    def __init__(self, content: dict[str, str], page: int, wrong: str, *, only_to_unknown: bool) -> None:
        super().__init__("in/", content, page)
        self._wrong = wrong
        self._only_to_unknown = only_to_unknown

    def _after(self, after: str) -> str:
        if not after or (self._only_to_unknown and after in self._content):
            return after
        if self._wrong == "refuses":
            raise S3Error("InvalidArgument")
        at = len(self._keys) if self._wrong == "ends" else bisect_right(self._keys, after) + 3
        return self._keys[min(at, len(self._keys) - 1)]

    def pages(self, after: str) -> Iterator[ObjectPage]:
        yield from super().pages(self._after(after))

    def first_after(self, text: str) -> str | None:
        return super().first_after(self._after(text) if self._only_to_unknown else text)


@settings(max_examples=200)
@given(
    source=contents,
    destination=contents,
    page=st.integers(1, 4),
    listers=st.integers(1, 5),
    wrong=st.sampled_from(["leaves out", "ends", "refuses"]),
    only_to_unknown=st.booleans(),
)
def test_a_store_that_answers_wrongly_to_a_start_is_listed_whole(
    source: dict[str, str],
    destination: dict[str, str],
    page: int,
    listers: int,
    *,
    wrong: str,
    only_to_unknown: bool,
) -> None:
    """Ranges are cut at keys that exist, and each goes on to what the next one found: no wrong answer hides a key."""
    misled = Misled(source, page, wrong, only_to_unknown=only_to_unknown)
    plan = ListingPlan(
        misled,
        Shelf("out/", destination, page),
        Rules(PAIR, lambda *_: True),
        listers=listers,
        page=page,
        destination_only=True,
    )
    with closing(plan.diffs()) as diffs:
        found = list(diffs)
    assert keys_moved(found) == sorted("in/" + key for key in source if destination.get(key) != source[key])
    assert keys_left(found) == sorted("out/" + key for key in destination.keys() - source.keys())
    assert sum(diff.listed for diff in found) == len(source)
    assert sum(diff.destination_listed for diff in found) == len(destination)


MANY = {f"{number:04d}": "a" for number in range(400)}


class Limited(Shelf):
    """A store that says of itself what it cannot do."""

    anywhere = True
    ordered = True
    directories = False

    def starts_anywhere(self) -> bool:
        return self.anywhere

    def is_ordered_at(self, _key: str) -> bool:
        return self.ordered

    def lists_directories(self) -> bool:
        return self.directories


def starts_of(source: Shelf, destination: Shelf) -> set[str]:
    """Plan, and return after which keys the listings of the source began."""
    starts: set[str] = set()
    pages = source.pages

    def noted(after: str) -> Iterator[ObjectPage]:
        starts.add(after)
        return pages(after)

    source.pages = noted  # type: ignore[method-assign]
    found = planned(source, destination, 5)
    assert sum(diff.listed for diff in found) == len(MANY)
    return starts


@pytest.mark.parametrize("side", ["in/", "out/"])
def test_what_cannot_be_listed_from_anywhere_is_listed_as_one_range(side: str) -> None:
    """A destination in which a range may not begin would make its source's objects seem missing."""
    shelves = {prefix: Limited(prefix, MANY, 5) for prefix in ("in/", "out/")}
    assert len(starts_of(*shelves.values())) > 1
    shelves = {prefix: Limited(prefix, MANY, 5) for prefix in ("in/", "out/")}
    shelves[side].anywhere = shelves[side].ordered = False
    assert starts_of(*shelves.values()) == {""}


def test_a_destination_that_has_ended_is_not_asked_again() -> None:
    """Neither whether it may begin anywhere, nor for the pages of ranges above."""
    destination = Limited("out/", {"0000": "a"}, 5)
    destination.anywhere = False
    assert len(starts_of(Limited("in/", MANY, 5), destination)) > 1
    assert destination.asked == 1


def test_an_order_that_is_found_out_after_a_cut_fails_the_plan() -> None:
    """What lies on which side of a cut is not known then."""

    class Late(Limited):
        def lists_directories(self) -> bool:
            return self.asked > 60

    with pytest.raises(ListingError, match=r"set sweep\.ranges to 1"):
        planned(Late("in/", MANY, 5), Limited("out/", {}, 5), 5)


@settings(max_examples=100)
@given(
    source=contents,
    destination=contents,
    ends=st.lists(odd_keys, min_size=2, max_size=2).map(sorted),
    page=st.integers(1, 4),
    listers=st.integers(1, 4),
)
def test_bounds_hold_on_both_sides(
    source: dict[str, str], destination: dict[str, str], ends: list[str], page: int, listers: int
) -> None:
    """The plans of ranges that adjoin find together what one plan of all keys finds, and no key twice."""
    first, second = ("in/" + end for end in ends)
    bounds = [KeyBounds("", first), KeyBounds(first, second), KeyBounds(second, None)]
    found = [diffs_both_ways(source, destination, page, listers, bound) for bound in bounds]
    whole = diffs_both_ways(source, destination, page, listers)
    for keys_of in (keys_moved, keys_left):
        assert [key for part in found for key in keys_of(part)] == keys_of(whole)
    assert all(first < key <= second for key in keys_moved(found[1]))
    assert sum(diff.listed for part in found for diff in part) == len(source)
    assert sum(diff.destination_listed for part in found for diff in part) == len(destination)


def diffs_both_ways(
    source: dict[str, str],
    destination: dict[str, str],
    page: int,
    listers: int,
    bounds: KeyBounds = ALL_KEYS,
    included: KeyFilter | None = None,
) -> list[PageDiff]:
    shelves = Shelf("in/", source, page), Shelf("out/", destination, page + 1)
    rules = Rules(PAIR, lambda *_: True, included)
    plan = ListingPlan(*shelves, rules, listers=listers, page=page, bounds=bounds, destination_only=True)
    with closing(plan.diffs()) as found:
        return list(found)


def keys_left(found: list[PageDiff]) -> list[str]:
    return sorted(entry.key for diff in found for entry in diff.destination_only)


@settings(max_examples=200)
@given(
    source=contents,
    destination=contents,
    page=st.integers(1, 4),
    listers=st.integers(1, 5),
    filtered=st.booleans(),
)
def test_what_only_the_destination_holds_is_named_once(
    source: dict[str, str], destination: dict[str, str], page: int, listers: int, *, filtered: bool
) -> None:
    """Before, between and after the source's keys; what a filter leaves out at the source counts as held there."""
    included = (lambda key: "a" in key) if filtered else None
    found = diffs_both_ways(source, destination, page, listers, included=included)
    assert keys_left(found) == sorted("out/" + key for key in destination.keys() - source.keys())
    assert all(len(diff.destination_only) <= page + 1 for diff in found)
    assert sum(diff.listed for diff in found) == len(source)
    assert sum(diff.destination_listed for diff in found) == len(destination)
    expected = planned_with(included, source, destination, page)
    assert keys_moved(found) == keys_moved(expected)


def planned_with(
    included: KeyFilter | None, source: dict[str, str], destination: dict[str, str], page: int
) -> list[PageDiff]:
    shelves = Shelf("in/", source, page), Shelf("out/", destination, page)
    plan = ListingPlan(*shelves, Rules(PAIR, lambda *_: True, included), listers=1, page=page)
    with closing(plan.diffs()) as found:
        return list(found)


def test_nobody_pays_for_names_that_nobody_asks_for() -> None:
    """Unasked, the destination is read only as far as the source's keys reach, and no key is named."""
    destination = Shelf("out/", {f"{number:04d}": "a" for number in range(100)}, 10)
    [diff] = planned(Shelf("in/", {"0003": "a"}, 10), destination, 10)
    assert (diff.destination_only, destination.asked) == ([], 1)


def test_a_plan_that_is_fed_keeps_to_its_room_and_ends_once() -> None:
    """Pages come as far as there is room; after a close nothing comes but the end."""
    content = {f"{number:04d}": "a" for number in range(1000)}
    source, got = Shelf("in/", content, 10), SimpleQueue[PageDiff | FeedEnded]()
    plan = ListingPlan(source, Shelf("out/", {}, 10), Rules(PAIR, lambda *_: True), listers=1, page=10)
    before = set(threading.enumerate())
    plan.start(got.put)
    for _ in range(1 + PAGES_AHEAD):
        assert isinstance(got.get(timeout=60), PageDiff)
    assert got.empty()
    plan.release(1)
    assert isinstance(got.get(timeout=60), PageDiff)
    plan.close()
    plan.close()
    assert got.get(timeout=60) == FeedEnded(whole=False)
    _await_end_of_threads(before)
    assert got.empty()
    assert not source.open_threads


@settings(max_examples=50)
@given(
    count=st.integers(0, 200), listers=st.integers(1, 4), taken=st.integers(0, 60), first=st.integers(0, 200)
)
def test_a_plan_that_is_cut_off_tells_up_to_which_key_nothing_is_left(
    count: int, listers: int, taken: int, first: int
) -> None:
    """All keys up to there are on pages that were delivered, however many threads had begun further ones."""
    keys = [f"in/{number:04d}" for number in range(count)]
    source = Shelf("in/", {key[3:]: "a" for key in keys}, 5)
    plan = ListingPlan(source, Shelf("out/", {}, 5), Rules(PAIR, lambda *_: True), listers=listers, page=5)
    inbox: SimpleQueue[PageDiff | FeedEnded] = SimpleQueue()
    plan.start(inbox.put)
    progress = RangeProgress()
    while isinstance(message := inbox.get(), PageDiff):
        progress.add(message)
        plan.release(1)
        taken -= 1
        if not taken:
            plan.close()
    finished = progress.finished(plan.compared_up_to(), keys[first] if first < count else None)
    assert finished.listed == len([key for key in keys if key <= finished.last_key])
    assert first >= count or finished.last_key < keys[first]
    assert taken <= 0 or first < count or finished.listed == count


def test_unusable_keys_are_counted_in_one_range_only_and_hide_nothing() -> None:
    """Those after the last key of a range belong to the range above, as all other keys do."""
    ranges = Ranges("", 2, KeyBounds(until="m"))
    shelves = Shelf("in/", {}, 2), Shelf("out/", {}, 2)
    taken = ranges.take(ListingPlan(*shelves, Rules(PAIR, lambda *_: True), listers=1, page=2))
    assert taken is not None
    page = replace(
        page_of([ObjectEntry(key, 1, "e", TIME) for key in ("a", "z")]), unusable=(b"b\xff", b"n\xff")
    )
    claimed, goes_on = ranges.claim(taken, page)
    assert (claimed.keys, claimed.unusable, goes_on) == (["a"], (b"b\xff",), False)
    assert ranges.claim(taken, replace(page_of([]), unusable=(b"c\xff",)))[1]


def test_unusable_keys_are_named_unless_a_filter_excludes_them() -> None:
    """They count as listed and as skipped, for one reason or the other."""
    rules = Rules(PAIR, lambda *_: True, included=key_filter("in/", [], ["old/*"]))
    diff = leave_out((b"in/a\xff", b"in/old/\xfe"), rules)
    assert (diff.listed, diff.skipped) == (2, {"unusable_key": 1, "filtered": 1})
    assert diff.unusable == ["in/a\\xff"]
