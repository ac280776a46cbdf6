"""Two ordered listings compared in constant memory: what is in place, and what must be transferred.

The listings come as iterators of pages; where they come from, and what happens to the result, is not known here.
Runs of objects that are in place are compared as columns, hundreds at a time; only where both sides differ are
objects compared one by one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from s3mover.model import UNUSABLE_KEY, ObjectEntry, ObjectPage, Pair, Transfer, key_text
from s3mover.planning.compare import all_name_content, are_alike, listed_difference, reason_by_time
from s3mover.planning.filters import KeyFilter

Pages = Iterator[ObjectPage]

# Objects that are compared one by one after a difference, before the rest is tried as a run again.
SINGLY = 32
_NOTHING = ObjectPage([], [], [], [], [])


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about each object.

    `pair` maps keys of the source to the destination's. `etags_are_md5s` is asked about an object and its copy of the
    same size whose ETags look like MD5s and differ. Objects modified after `not_after` (S3's own text, empty for no
    bound) are left to a later sweep.
    """

    pair: Pair
    etags_are_md5s: Callable[[ObjectEntry, ObjectEntry], bool]
    included: KeyFilter | None = None
    not_after: str = ""

    def takes_all(self, page: ObjectPage) -> bool:
        """Return whether no object of `page` is to be left out."""
        return self.included is None and not (self.not_after and max(page.times) > self.not_after)


class DoubtfulMatch(NamedTuple):
    """An object of which sizes and ETags do not tell whether it is in place; `by_time` is the reason by the times."""

    entry: ObjectEntry
    by_time: str


@dataclass(frozen=True, slots=True)
class PageDiff:
    """The result of one page of the source: each of its `listed` objects is skipped for a reason or to be transferred.

    Those in `doubtful` are neither yet: `settle_doubts` decides, by what the trail says. `destination_only` are objects
    of the destination without one at the source, and `destination_listed` is how many the destination has beside this
    page, both only where that is asked for; `unusable` names keys of the source, as texts for people; `last_key` is the
    last key of the source on the page.
    """

    listed: int
    transfers: list[Transfer]
    skipped: dict[str, int] = field(default_factory=dict)
    destination_only: list[ObjectEntry] = field(default_factory=list)
    destination_listed: int = 0
    unusable: list[str] = field(default_factory=list)
    doubtful: list[DoubtfulMatch] = field(default_factory=list)
    last_key: str = ""


def compare_page(page: ObjectPage, lookup: "Lookup", rules: Rules) -> PageDiff:
    """Compare one page of the source with its copies.

    Both listings must ascend by key in UTF-8 order, which is the order of Python's strings, too; the S3 client
    asserts it. Objects that only the destination holds are passed over; see `destination_only.py`.
    """
    targets = rules.pair.destination_keys(page.keys)
    in_runs = rules.takes_all(page) and all_name_content(page.etags, page.sizes)
    alike = not in_runs and are_alike(page.etags, page.sizes)
    transfers: list[Transfer] = []
    doubtful: list[DoubtfulMatch] = []
    skipped: dict[str, int] = {}
    at = 0
    while at < len(page):
        run = lookup.pass_equal(targets, page, at) if in_runs else 0
        if run:
            skipped["in_place"] = skipped.get("in_place", 0) + run
            at += run
            continue
        for number in range(at, min(at + SINGLY, len(page))):
            decision = _decide(page[number], targets[number], lookup, rules, alike=alike)
            if isinstance(decision, Transfer):
                transfers.append(decision)
            elif isinstance(decision, DoubtfulMatch):
                doubtful.append(decision)
            else:
                skipped[decision] = skipped.get(decision, 0) + 1
        at += SINGLY
    return PageDiff(len(page), transfers, skipped, doubtful=doubtful)


def settle_doubts(diff: PageDiff, copied: Mapping[str, str]) -> PageDiff:
    """Return the diff without doubts; `copied` has the ETags that objects had at the source when last copied."""
    if not diff.doubtful:
        return diff
    transfers, skipped = list(diff.transfers), dict(diff.skipped)
    for entry, by_time in diff.doubtful:
        etag = copied.get(entry.key)
        reason = ("" if etag == entry.etag else "etag") if etag else by_time
        if reason:
            transfers.append(Transfer(entry, reason))
        else:
            skipped["in_place"] = skipped.get("in_place", 0) + 1
    return replace(diff, transfers=transfers, skipped=skipped, doubtful=[])


def leave_out(keys: tuple[bytes, ...], rules: Rules) -> PageDiff:
    """Return what objects with unusable keys come to: they are skipped, and named unless a filter excludes them."""
    texts = [key_text(key) for key in keys]
    included = rules.included
    unusable = [text for text in texts if included is None or included(text)]
    counts = {"filtered": len(texts) - len(unusable), UNUSABLE_KEY: len(unusable)}
    skipped = {reason: count for reason, count in counts.items() if count}
    return PageDiff(len(keys), [], skipped, unusable=unusable)


def _decide(
    entry: ObjectEntry, target: str, lookup: "Lookup", rules: Rules, *, alike: bool
) -> Transfer | DoubtfulMatch | str:
    if rules.included is not None and not rules.included(entry.key):
        return "filtered"
    if rules.not_after and entry.last_modified > rules.not_after:
        return "too_young"
    copy = lookup.find(target)
    reason = listed_difference(entry, copy, md5_etags=True)
    if copy is not None and not _holds(reason, entry, copy, rules, alike=alike or lookup.etags_are_alike()):
        reason = None
    if reason is None:
        reason = reason_by_time(entry, copy)
        if entry.etag and not alike:
            return DoubtfulMatch(entry, reason)
    return Transfer(entry, reason) if reason else "in_place"


def _holds(reason: str | None, entry: ObjectEntry, copy: ObjectEntry, rules: Rules, *, alike: bool) -> bool:
    """Return whether a decision that was made by ETags can be relied upon."""
    if reason == "etag":
        return not alike and rules.etags_are_md5s(entry, copy)
    return reason != "" or not alike or entry.size == 0


class Lookup:
    """Finds ascending keys in a listing that is read only as far as it must be."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._page = _NOTHING
        self._at = 0

    def find(self, key: str) -> ObjectEntry | None:
        """Return the entry of `key` and pass it, None where the listing has none; keys must be asked for in order."""
        while self._has_more():
            self._at = at = bisect_left(self._page.keys, key, self._at)
            if at < len(self._page):
                found = self._page.keys[at] == key
                self._at += found
                return self._page[at] if found else None
        return None

    def ahead(self) -> list[str]:
        """Return the keys of the current page that were not passed; none once the listing has ended."""
        return self._page.keys[self._at :] if self._has_more() else []

    def ahead_page(self) -> ObjectPage:
        """Return the objects that `ahead` names."""
        return self._page[self._at :] if self._has_more() else _NOTHING

    def etags_are_alike(self) -> bool:
        """Return whether the objects of the current page have the same ETag, all of them."""
        return are_alike(self._page.etags, self._page.sizes)

    def pass_before(self, key: str) -> None:
        """Pass what the listing holds before `key`."""
        while self._has_more():
            self._at = bisect_left(self._page.keys, key, self._at)
            if self._at < len(self._page):
                return

    def pass_until(self, key: str) -> None:
        """Pass what the current page holds up to and including `key`."""
        self._at = bisect_right(self._page.keys, key, self._at)

    def pass_equal(self, keys: list[str], page: ObjectPage, start: int) -> int:
        """Pass the objects that follow here as they do in `page` from `start`, under `keys`; return their number.

        Equal are those with the same size and ETag; 0 where the run ends before the end of either page.
        """
        if not self._has_more():
            return 0
        here, at = self._page, self._at
        length = min(len(page) - start, len(here) - at)
        end, stop = start + length, at + length
        equal = (
            keys[start:end] == here.keys[at:stop]
            and page.etags[start:end] == here.etags[at:stop]
            and page.sizes[start:end] == here.sizes[at:stop]
        )
        self._at += length if equal else 0
        return length if equal else 0

    def _has_more(self) -> bool:
        while self._at == len(self._page):
            page = next(self._pages, None)
            if page is None:
                return False
            self._page, self._at = page, 0
        return True
