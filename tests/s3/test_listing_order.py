"""Whichever order a store lists in, and however it is misled: objects come in UTF-8 order, all of them, or an error."""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3mover.errors import ListingError, S3Error
from s3mover.model import ObjectEntry, ObjectPage, page_of
from s3mover.s3.directory_walk import FolderPage, walk
from s3mover.s3.listing_order import ListingOrder, StoreOrder
from s3mover.s3.object_listing import ObjectListing
from s3mover.s3.records import Page


def names(key: str) -> list[str]:
    return key.split("/")


def page(keys: list[str]) -> ObjectPage:
    return page_of([ObjectEntry(key, 1, "e", "t") for key in keys])


class Store:
    """A bucket in memory. `order` is a sort key, `misled` what a start that is not a key leads to; counts requests."""

    def __init__(self, keys: set[str], size: int, *, directories: bool = False, misled: str = "") -> None:
        self.order = names if directories else lambda key: [key]
        self.keys = sorted(keys, key=self.order)
        self.size = size
        self.misled = misled
        self.pages_asked = self.folders_asked = self.questions = 0
        self.known = StoreOrder(self.first_after, self.is_listed, self.first_keys)

    def listing(self, prefix: str = "") -> ObjectListing:
        return ObjectListing(
            "b",
            prefix,
            self.known,
            lambda after: self.read_pages(prefix, after),
            lambda after: walk(self.read_folder, prefix, after),
        )

    def after(self, prefix: str, start: str) -> list[str]:
        later = [key for key in self.keys if not start or self.order(key) > self.order(start)]
        found = [key for key in later if key.startswith(prefix)]
        if start and start not in self.keys:
            if self.misled == "error":
                raise S3Error("InvalidArgument")
            if self.misled == "empty":
                return []
            if self.misled == "leaves out":
                return found[1:]
            if self.misled == "ignores":
                return self.keys
        return found

    def read_pages(self, prefix: str, start: str) -> Iterator[Page]:
        found = self.after(prefix, start)
        for at in range(0, max(len(found), 1), self.size):
            self.pages_asked += 1
            skipped = at == self.size and self.misled == "skips" and start not in {"", *self.keys}
            yield Page(
                page(found[at + skipped : at + self.size]), "more" if at + self.size < len(found) else ""
            )

    def first_after(self, prefix: str, text: str) -> str | None:
        self.questions += 1
        return next(iter(self.after(prefix, text)), None)

    def first_keys(self, prefix: str) -> list[str]:
        self.questions += 1
        return self.after(prefix, "")[: self.size]

    def is_listed(self, key: str) -> bool:
        self.questions += 1
        return key in self.keys

    def read_folder(self, prefix: str) -> Iterator[FolderPage]:
        found: list[tuple[str, bool]] = []
        for key in (key for key in self.keys if key.startswith(prefix)):
            end = key.find("/", len(prefix))
            one = (key, False) if end < 0 else (key[: end + 1], True)
            if one not in found[-1:]:
                found.append(one)
        left = iter(found)
        while part := list(islice(left, self.size)):
            self.folders_asked += 1
            entries = page([name for name, is_folder in part if not is_folder])
            yield FolderPage(entries, [name for name, is_folder in part if is_folder])


def listed(listing: ObjectListing, after: str = "") -> list[str]:
    return [key for entries in listing.pages(after) for key in entries.keys]


KEYS = st.sets(
    st.text("ab!./~", min_size=1, max_size=6) | st.integers(0, 40).map("{:02d}".format), max_size=60
)


@settings(max_examples=400)
@given(keys=KEYS, size=st.integers(1, 7), prefix=st.sampled_from(["", "a", "a/", "b.", "/"]))
def test_a_store_that_lists_directories_is_listed_whole_and_in_utf8_order(
    keys: set[str], size: int, prefix: str
) -> None:
    """A first listing may fail where folders without a name hide the order; never is an object left out."""
    store = Store(keys, size, directories=True)
    expected = sorted(key for key in keys if key.startswith(prefix))
    try:
        assert listed(store.listing(prefix)) == expected
    except ListingError:
        assert any("" in names(key[len(prefix) :])[:-1] for key in expected)
    assert listed(store.listing(prefix)) == expected


@settings(max_examples=200)
@given(keys=KEYS, size=st.integers(1, 7), after=st.text("ab!./", min_size=1, max_size=4))
def test_a_walk_begins_anywhere(keys: set[str], size: int, after: str) -> None:
    """After any text, in UTF-8 order."""
    store = Store(keys, size, directories=True)
    store.known.order = ListingOrder.DIRECTORY
    assert listed(store.listing(), after) == sorted(key for key in keys if key > after)


@settings(max_examples=200)
@given(keys=KEYS, size=st.integers(1, 7), misled=st.sampled_from(["", "skips", "empty", "error"]))
def test_a_store_in_utf8_order_is_never_taken_for_another(keys: set[str], size: int, misled: str) -> None:
    """Also where it answers wrongly to a start that is not a key; a few questions are asked at most."""
    store = Store(keys, size, misled=misled)
    assert listed(store.listing()) == sorted(keys)
    assert store.known.order is not ListingOrder.DIRECTORY
    assert (store.folders_asked, store.questions <= 3) == (0, True)


@settings(max_examples=200)
@given(
    keys=KEYS,
    size=st.integers(1, 7),
    misled=st.sampled_from(["", "skips"]),
    after=st.text("ab!./", min_size=1),
)
def test_a_listing_that_begins_after_a_text_leaves_out_nothing(
    keys: set[str], size: int, misled: str, after: str
) -> None:
    """Where the page that follows would lack its first key, it is begun after a key."""
    store = Store(keys, size, misled=misled)
    assert listed(store.listing(), after) == sorted(key for key in keys if key > after)


def test_what_costs_a_question() -> None:
    """One per store, and only where keys have folders and there is more than a page."""
    flat = Store({f"{number:03d}" for number in range(30)}, 10)
    listed(flat.listing())
    small = Store({"a/1", "a.1"}, 10)
    listed(small.listing())
    folders = Store({f"{number:03d}/x" for number in range(30)}, 10)
    for _ in range(3):
        listed(folders.listing())
    assert [(one.pages_asked, one.questions) for one in (flat, small, folders)] == [(3, 0), (1, 0), (9, 1)]


def test_a_directory_order_that_fits_on_a_page_is_found_without_a_question() -> None:
    """The page itself shows it."""
    store = Store({"data/x", "data.csv"}, 10, directories=True)
    assert listed(store.listing()) == ["data.csv", "data/x"]
    assert store.questions == 0


@pytest.mark.parametrize(
    ("misled", "expected"), [("", True), ("skips", True), ("empty", False), ("error", False)]
)
@pytest.mark.parametrize("keys", [{"a", "b", "c"}, {"a"}, {"a/x", "a/y", "b/z"}])
@pytest.mark.parametrize("read_before", [True, False])
def test_whether_a_listing_may_begin_after_any_text_is_found_out(
    misled: str, keys: set[str], *, expected: bool, read_before: bool
) -> None:
    """By keys that were read, or else by the first one; it is asked once."""
    store = Store(keys, 2, misled=misled)
    if read_before:
        listed(store.listing())
    assert [store.known.starts_anywhere("") for _ in range(3)] == [expected] * 3
    assert store.questions <= 4


@pytest.mark.parametrize("misled", ["", "empty", "error"])
@pytest.mark.parametrize(
    ("written", "deleted"), [({"0"}, set()), ({"0", "1"}, {"a"}), (set(), {"a"}), (set(), {"a", "b", "c"})]
)
def test_changes_after_a_page_was_read_are_not_taken_for_a_wrong_answer(
    misled: str, written: set[str], deleted: set[str]
) -> None:
    """A sweep itself writes between the keys that it has read; what is asked about may be deleted meanwhile."""
    store = Store({"a", "b", "c", "d"}, 2)
    listed(store.listing())
    store.keys = sorted({*store.keys, *written} - deleted)
    store.misled = misled
    assert store.known.starts_anywhere("") is not bool(misled)


def test_a_store_that_ignores_where_a_listing_begins_is_not_believed() -> None:
    """What it answers comes before the text that was asked about."""
    store = Store({" ", "b", "c"}, 2, misled="ignores")
    listed(store.listing())
    store.keys.remove("b")
    assert not store.known.starts_anywhere("")


def test_a_store_that_leaves_out_what_follows_is_not_believed() -> None:
    """The key that it leaves out is there."""
    store = Store({"a", "b", "c"}, 2)
    listed(store.listing())
    store.misled = "leaves out"
    assert not store.known.starts_anywhere("")


def test_a_store_in_directory_order_is_listed_as_a_whole() -> None:
    """Also if that is found out by a key that it has, and not by its pages."""
    store = Store({"data.csv", "data/x", "data/y", "e"}, 2, directories=True)
    assert store.known.starts_anywhere("")
    assert store.known.order_at("", ["data/x"]) is ListingOrder.DIRECTORY
    assert not store.known.starts_anywhere("")


def test_a_listing_may_begin_nowhere_in_an_empty_bucket() -> None:
    """Nothing shows that the store would be right."""
    assert not Store(set(), 2).known.starts_anywhere("")
