"""The ranges of keys that a plan is listed by: handed out, cut in two where work is left, never overlapping.

At first there is one range: all keys within the bounds. A lister without work takes the upper part of the range that
has most left. A range is claimed page by page, and can be cut only above what was claimed, so that each key is in
exactly one. It is cut only at a key that exists: some stores answer wrongly to a `start-after` that is not a key, and
at worst such an answer leads to a poor cut. The seam at a cut is closed by what both listings show: the lower range
goes on over the cut to the first key that the upper one found, or takes its place if it found none. What is listed, and
by which thread, is not known here.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from s3mover.model import ObjectPage
from s3mover.planning.keyspace import ceiling, halfway, left_per_passed, reach

# Pages after which a listing is not small any more: small ones are not worth a single further request.
QUIET_PAGES = 3
# Pages that a range must seem to have left to be worth cutting.
WORTH_PAGES = 2
# Above so many times what was passed, the estimate is useless: where the keys end must be sought first.
WILD = 1000.0
# Requests that cutting may cost: some for any listing, and a share of the pages of one side. A cut leaves a page on
# each side partly used, beside the question for its key.
FREE_REQUESTS = 7
REQUESTS_PER_PAGE = 0.1
PAGES_PER_CUT = 2
# Every so many keys of a page, one is taken to learn the alphabet from.
SAMPLE = 16


class Questions(Protocol):
    """What is asked of the listings before a range is cut; each question may cost a request."""

    def first_after(self, text: str) -> str | None:
        """Return the source's first key after a text, None where there is none."""

    def may_cut_at(self, key: str) -> bool:
        """Return whether both listings may begin after `key`, which the source has."""


class KeyBounds(NamedTuple):
    """The keys of the source after `after`, up to and including `until` (None: to the end)."""

    after: str = ""
    until: str | None = None


ALL_KEYS = KeyBounds()


@dataclass(slots=True, eq=False)
class KeyRange:
    """The keys after `after`, up to and including `until` (None: to the end); those up to `passed` are claimed.

    `first` is the first key that was claimed, `claimed` counts them, `since_cut` those since the range was last cut.
    `above` is the range that was cut off at `until`, None where `until` is a bound; `is_upper` says that the range
    itself was cut off from another, `ended` that no key is left.
    `reach` is a guess: from there on the range seems to hold no key but `until`. `ending` is a guess from the last
    page; `sought` says that its end was looked for, `probed` that a lister is asking for a key to cut it at.
    """

    after: str
    until: str | None = None
    reach: str | None = None
    first: str = ""
    passed: str = ""
    claimed: int = 0
    since_cut: int = 0
    ending: bool = False
    sought: bool = False
    probed: bool = False
    above: "KeyRange | None" = None
    is_upper: bool = False
    ended: bool = False

    def bound(self) -> str | None:
        """Return where its keys seem to end, None where nothing is known."""
        ends = [end for end in (self.reach, self.until) if end is not None and end > self.passed]
        return min(ends, default=None)


class Ranges:
    """All ranges of one plan; listers on several threads share it. `page` is how many keys a full page holds."""

    def __init__(self, prefix: str, page: int, bounds: KeyBounds = ALL_KEYS) -> None:
        lock = threading.RLock()
        # For the threads that wait for the first key of a range above, and for the listers without a range: of these,
        # each page wakes only one, since there may be dozens.
        self._changed, self._work = threading.Condition(lock), threading.Condition(lock)
        self._prefix = prefix
        self._page = page
        self._waiting = [KeyRange(bounds.after, bounds.until)]
        self._active: list[KeyRange] = []
        self._alphabet = ""
        self._listed = 0
        self._whole = False
        self._abandoned = False
        # Requests beyond one for each page that holds keys: questions, and the pages that cuts leave partly used.
        self._spent = 0
        self.cuts = 0

    def keep_whole(self) -> None:
        """Cut no range any more."""
        with self._changed:
            self._whole = True
            self._work.notify_all()

    def take(self, questions: Questions) -> KeyRange | None:
        """Wait for a range that is to be listed; None once nothing is left to list."""
        while True:
            with self._changed:
                found = self._await_range()
            if not isinstance(found, _Probe):
                return found
            asked = _Counted(questions.first_after)
            text = found.text(asked)
            [key] = asked([text])
            may_cut = key is not None and questions.may_cut_at(key)
            with self._changed:
                found.range.probed = False
                self._spent += asked.count
                if found.range in self._active:
                    self._cut(found.range, text, key if may_cut else None)
                self._work.notify_all()

    def claim(self, taken: KeyRange, page: ObjectPage) -> tuple[ObjectPage, bool]:
        """Claim a page of `taken`; return what of it belongs to the range, and whether the range goes on."""
        with self._changed:
            count, goes_on = self._share(taken, page)
            if count:
                self._note(taken, page, count)
            self._changed.notify_all()
            self._work.notify()
            unusable = tuple(key for key in page.unusable if _owns(taken, key))
        claimed = page if count == len(page) else page[:count]
        return replace(claimed, unusable=unusable) if page.unusable else claimed, goes_on

    def end(self, taken: KeyRange) -> None:
        """Note that a range was listed to its end."""
        with self._changed:
            taken.ended = True
            self._active.remove(taken)
            self._notify_all()

    def claimed_up_to(self) -> str | None:
        """Return a key up to which every key was claimed, None if all were."""
        with self._changed:
            return min((one.passed or one.after for one in (*self._waiting, *self._active)), default=None)

    def first_above(self, taken: KeyRange) -> str | None:
        """Wait for the first key of the range above one that has ended; None where there is none up to its bound."""
        with self._changed:
            while (upper := taken.above) is not None and not upper.first and not self._abandoned:
                if upper.ended:
                    taken.until, taken.above = upper.until, upper.above
                else:
                    self._changed.wait()
            return upper.first if upper is not None else None

    def abandon(self) -> None:
        """Hand out nothing more: the plan has ended, or failed."""
        with self._changed:
            self._abandoned = True
            self._notify_all()

    def _notify_all(self) -> None:
        self._changed.notify_all()
        self._work.notify_all()

    def _share(self, taken: KeyRange, page: ObjectPage) -> tuple[int, bool]:
        """Return how many keys of a page belong to `taken`, and whether it goes on after them."""
        last = page.keys[-1] if page.keys else ""
        while taken.until is not None and last >= taken.until and not self._abandoned:
            upper = taken.above
            if upper is None:
                return bisect_right(page.keys, taken.until), False
            if upper.first:
                return bisect_left(page.keys, upper.first), last < upper.first
            if upper.ended:
                taken.until, taken.above = upper.until, upper.above
            else:
                # The upper range's first page is on its way.
                self._changed.wait()
        return len(page), not self._abandoned

    def _note(self, taken: KeyRange, page: ObjectPage, count: int) -> None:
        taken.first = taken.first or page.keys[0]
        taken.passed = page.keys[count - 1]
        taken.claimed += count
        taken.since_cut += count
        taken.ending = len(page) < self._page
        self._listed += count
        start = len(self._prefix)
        seen = {*self._alphabet, *"".join([key[start:] for key in page.keys[::SAMPLE]])}
        # A cut is sent in a request, and some stores repeat it in their answer's XML.
        self._alphabet = "".join(sorted(filter(str.isprintable, seen)))

    def _await_range(self) -> "KeyRange | _Probe | None":
        while not self._abandoned and (self._waiting or self._active):
            if self._waiting:
                self._active.append(self._waiting.pop())
                return self._active[-1]
            if (probe := self._probe()) is not None:
                probe.range.probed = True
                return probe
            self._work.wait()
        return None

    def _probe(self) -> "_Probe | None":
        """Return where the range that has most left may be cut, or where the end of its keys is to be sought."""
        if self._whole or self._listed < QUIET_PAGES * self._page or not self._alphabet:
            return None
        if not self._may_spend(self._listed):
            return None
        largest = max((one for one in self._active if not one.probed), key=self._worth, default=None)
        if largest is None or self._worth(largest) < WORTH_PAGES * self._page:
            return None
        if not self._may_spend(sum(map(self._worth, self._active))):
            return None
        low, high = largest.passed, self._bound(largest)
        if not largest.sought and self._left(largest) > WILD:
            largest.sought = True
            return _Probe(largest, low, high, self._alphabet)
        largest.since_cut = 0
        middle = halfway(low, high, self._alphabet)
        return None if middle is None else _Probe(largest, low, high, self._alphabet, middle)

    def _may_spend(self, left: float) -> bool:
        """Return whether another probe and cut keep the requests near the number of pages that hold the keys.

        `left` are the keys that seem to be left; at most as many count as were listed.
        """
        pages = (self._listed + min(left, self._listed)) / self._page
        probing = sum([one.probed for one in self._active])
        return self._spent + (probing + 1) * (1 + PAGES_PER_CUT) <= FREE_REQUESTS + REQUESTS_PER_PAGE * pages

    def _cut(self, whole: KeyRange, text: str, key: str | None) -> None:
        """Cut `whole` at `key`, the first one after `text`, unless nothing is left on one side of it."""
        beyond, whole.reach = whole.reach, text
        if key is None or key <= whole.passed or (whole.until is not None and key >= whole.until):
            return
        whole.above = KeyRange(key, whole.until, beyond, above=whole.above, is_upper=True)
        whole.until = key
        self._waiting.append(whole.above)
        self.cuts += 1
        self._spent += PAGES_PER_CUT

    def _worth(self, one: KeyRange) -> float:
        """Guess how many keys are left: as dense as before, or as many again as came since the last cut."""
        if one.ending or not one.claimed or (one.until is not None and one.passed >= one.until):
            return 0.0
        return max(one.claimed * self._left(one), float(one.since_cut))

    def _left(self, one: KeyRange) -> float:
        return left_per_passed(one.first, one.passed, self._bound(one), self._alphabet)

    def _bound(self, one: KeyRange) -> str:
        bound = one.bound()
        return ceiling(self._prefix, self._alphabet) if bound is None else bound


class _Counted:
    """Questions for the first keys after texts, and how many were asked."""

    def __init__(self, first_after: Callable[[str], str | None]) -> None:
        self._first_after = first_after
        self.count = 0

    def __call__(self, texts: Sequence[str]) -> list[str | None]:
        self.count += len(texts)
        return [self._first_after(text) for text in texts]


@dataclass(frozen=True, slots=True)
class _Probe:
    """`range` may be cut after `middle`; without one the end of its keys is to be sought between `low` and `high`."""

    range: KeyRange
    low: str
    high: str
    alphabet: str
    middle: str | None = None

    def text(self, first_after: Callable[[Sequence[str]], Sequence[str | None]]) -> str:
        return self.middle or reach(self.low, self.high, self.alphabet, first_after)


def _owns(taken: KeyRange, key: bytes) -> bool:
    """Return whether an unusable key is in a range, as far as its ends are known."""
    if taken.is_upper and (not taken.first or key < taken.first.encode()):
        return False
    if taken.above is not None and taken.above.first:
        return key < taken.above.first.encode()
    return taken.until is None or key <= taken.until.encode()
