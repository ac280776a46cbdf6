"""The ranges of keys that a plan is listed by: handed out, cut in two where work is left, never overlapping.

At first there is one range: all keys. A lister without work takes the upper part of the range that has most left.
A range is claimed page by page, and can be cut only above what was claimed, so that each key is in exactly one.
Who lists, and what, is not known here.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from s3mover.model import ObjectPage
from s3mover.planning.keyspace import ceiling, halfway, left_per_passed, reach

# Tells the first key after a text, None where there is none.
FirstAfter = Callable[[str], str | None]

# Pages after which a listing is no small one any more: small ones are not worth a single further request.
QUIET_PAGES = 3
# Pages that a range must seem to have left to be worth cutting.
WORTH_PAGES = 2
# So many times what was passed is no estimate any more: where the keys end must be sought first.
WILD = 1000.0
# Keys of a page from whose characters the alphabet is learnt.
SAMPLE = 16


@dataclass(slots=True, eq=False)
class KeyRange:
    """The keys after `after`, up to and including `until` (None: to the end); those up to `passed` are claimed.

    `first` is the first key that was claimed, `claimed` counts them, `since_cut` those since the range was last cut.
    `ending` is a guess from the last page; `sought` says that its end was looked for.
    """

    after: str
    until: str | None = None
    first: str = ""
    passed: str = ""
    claimed: int = 0
    since_cut: int = 0
    ending: bool = False
    sought: bool = False


class Ranges:
    """All ranges of one plan; listers on several threads share it. `page` is how many keys a full page holds."""

    def __init__(self, prefix: str, page: int) -> None:
        self._changed = threading.Condition()
        self._prefix = prefix
        self._page = page
        self._waiting = [KeyRange(after="")]
        self._active: list[KeyRange] = []
        self._alphabet = ""
        self._listed = 0
        self._abandoned = False

    def take(self, first_after: FirstAfter) -> KeyRange | None:
        """Wait for a range that is to be listed; None once nothing is left to list."""
        while True:
            with self._changed:
                found = self._await_range()
            if not isinstance(found, _Search):
                return found
            end = reach(found.low, found.high, found.alphabet, first_after)
            with self._changed:
                if found.range in self._active:
                    self._cut(found.range, end, self._waiting)

    def claim(self, taken: KeyRange, page: ObjectPage) -> tuple[ObjectPage, bool]:
        """Claim a page of `taken`; return what of it belongs to the range, and whether the range goes on."""
        with self._changed:
            count = len(page) if taken.until is None else bisect_right(page.keys, taken.until)
            goes_on = count == len(page)
            if count:
                self._note(taken, page, count)
            self._changed.notify_all()
        return page if goes_on else page[:count], goes_on

    def end(self, taken: KeyRange) -> None:
        """Note that a range was listed to its end."""
        with self._changed:
            self._active.remove(taken)
            self._changed.notify_all()

    def abandon(self) -> None:
        """Hand out nothing more: the plan has ended, or failed."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def _note(self, taken: KeyRange, page: ObjectPage, count: int) -> None:
        taken.first = taken.first or page.keys[0]
        taken.passed = page.keys[count - 1]
        taken.claimed += count
        taken.since_cut += count
        taken.ending = len(page) < self._page
        self._listed += count
        start = len(self._prefix)
        seen = {*self._alphabet}.union(*(key[start:] for key in page.keys[::SAMPLE]))
        # A cut is sent in a request, and some stores repeat it in their answer's XML.
        self._alphabet = "".join(sorted(filter(str.isprintable, seen)))

    def _await_range(self) -> "KeyRange | _Search | None":
        while not self._abandoned and (self._waiting or self._active):
            found = self._waiting.pop() if self._waiting else self._share()
            if isinstance(found, KeyRange):
                self._active.append(found)
            if found is not None:
                return found
            self._changed.wait()
        return None

    def _share(self) -> "KeyRange | _Search | None":
        """Take the upper part of the range that has most left, or say where the end of its keys is to be sought."""
        if self._listed < QUIET_PAGES * self._page or not self._alphabet:
            return None
        largest = max(self._active, key=self._worth)
        if self._worth(largest) < WORTH_PAGES * self._page:
            return None
        low, high = largest.passed, self._bound(largest)
        if not largest.sought and self._left(largest) > WILD:
            largest.sought = True
            return _Search(largest, low, high, self._alphabet)
        at = halfway(low, high, self._alphabet)
        made: list[KeyRange] = []
        self._cut(largest, at, made)
        largest.since_cut = 0
        return made.pop() if made else None

    def _cut(self, whole: KeyRange, at: str | None, into: list[KeyRange]) -> None:
        """Give the part of `whole` above `at` to `into`, unless nothing lies between what is claimed and `at`."""
        if at is None or at <= whole.passed or (whole.until is not None and at >= whole.until):
            return
        into.append(KeyRange(after=at, until=whole.until))
        whole.until = at

    def _worth(self, one: KeyRange) -> float:
        """Guess how many keys are left: as dense as before, or as many again as came since the last cut."""
        if one.ending or not one.claimed:
            return 0.0
        return max(one.claimed * self._left(one), float(one.since_cut))

    def _left(self, one: KeyRange) -> float:
        return left_per_passed(one.first, one.passed, self._bound(one), self._alphabet)

    def _bound(self, one: KeyRange) -> str:
        return ceiling(self._prefix, self._alphabet) if one.until is None else one.until


@dataclass(frozen=True, slots=True)
class _Search:
    """The end of the keys of `range` is to be sought between `low` and `high`."""

    range: KeyRange
    low: str
    high: str
    alphabet: str
