"""The plan of one sweep: both sides listed by ranges of keys, several at a time, and compared.

Several ranges hide latency: one page after another gives some thirty pages a second and side. They also spread the
writes that follow over S3's partitions. Each range is compared by the thread that lists it.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Protocol

from s3mover.errors import ListingError, S3Error
from s3mover.model import ObjectPage, Outcome
from s3mover.planning.destination_only import compare_both_ways, find_rest
from s3mover.planning.page_diff import Lookup, PageDiff, Rules, compare_page, leave_out
from s3mover.planning.ranges import ALL_KEYS, KeyBounds, KeyRange, Ranges
from s3mover.planning.read_ahead import Feed, FeedEnded, ReadAhead

# Pages of the source that may be compared and not worked off, beside one for each lister.
PAGES_AHEAD = 4


class Listing(Protocol):
    """One side as the plan reads it; threads share it. All but the last two may raise `S3Error`."""

    def pages(self, after: str) -> Iterator[ObjectPage]:
        """Yield the objects whose keys come after `after`, in order."""

    def starts_anywhere(self) -> bool:
        """Return whether `pages` may begin after a text that is not a key; it costs a request once."""

    def is_ordered_at(self, key: str) -> bool:
        """Return whether the store lists in UTF-8 order at `key`, which it has; it costs a request once."""

    def lists_directories(self) -> bool:
        """Return whether the store is known to list in directory order, so that it must be listed as a whole."""

    def first_after(self, text: str) -> str | None:
        """Return the first key after a text, None where there is none."""

    def close_thread(self) -> None:
        """Close the calling thread's connections."""


class ListingPlan:
    """What both listings say is to be done, as a `WorkSource` of the sweep or read by `diffs`; use it once.

    Args:
        source: the source's objects.
        destination: the destination's.
        rules: what decides about each object.
        listers: threads, and so ranges that are listed at a time.
        page: keys on a full page of a listing.
        bounds: the keys that are looked at, on both sides.
        destination_only: whether to find the objects that only the destination has, too.
    """

    def __init__(
        self,
        source: Listing,
        destination: Listing,
        rules: Rules,
        *,
        listers: int,
        page: int,
        bounds: KeyBounds = ALL_KEYS,
        destination_only: bool = False,
    ) -> None:
        self._source = source
        self._destination = destination
        self._rules = rules
        self._listers = listers
        self._ranges = Ranges(rules.pair.source_prefix, page, bounds)
        self._destination_only = destination_only
        self._feed: Feed[PageDiff] | None = None
        # From here on the destination holds nothing, as far as is known.
        self._copies_end: str | None = None

    def diffs(self) -> Generator[PageDiff]:
        """Yield what each page of the source came to, in no particular order.

        Raises:
            MoverError: a listing failed or contradicts itself; what came before is not to be believed either.
        """
        with closing(ReadAhead(*self._readers(), depth=self._listers, name="list")) as diffs:
            yield from diffs

    def start(self, deliver: Callable[[PageDiff | FeedEnded], None]) -> None:
        """See `WorkSource.start`."""
        depth = self._listers + PAGES_AHEAD
        self._feed = Feed(*self._readers(), depth=depth, deliver=deliver, name="list")

    def release(self, pages: int) -> None:
        """See `WorkSource.release`."""
        if self._feed is not None:
            self._feed.release(pages)

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Do nothing: the next listing shows again what failed."""

    def close(self) -> None:
        """See `WorkSource.close`."""
        if self._feed is not None:
            self._feed.close()

    def compared_up_to(self) -> str | None:
        """Return a key up to which nothing is left to be listed, None if nothing is left at all."""
        return self._ranges.claimed_up_to()

    def first_after(self, text: str) -> str | None:
        """See `Questions.first_after`; a store that answers wrongly is not asked again."""
        try:
            key = self._source.first_after(text)
            if key is not None or self._source.starts_anywhere():
                return key
        except S3Error:
            self._source.starts_anywhere()
        self._ranges.keep_whole()
        return None

    def may_cut_at(self, key: str) -> bool:
        """See `Questions.may_cut_at`."""
        cuttable = self._source.is_ordered_at(key) and (
            self._has_no_copies_after(self._rules.pair.destination_key(key))
            or self._destination.starts_anywhere()
        )
        if not cuttable:
            self._ranges.keep_whole()
        return cuttable

    def _readers(self) -> list[Generator[PageDiff]]:
        return [self._read_ranges() for _ in range(self._listers)]

    def _read_ranges(self) -> Generator[PageDiff]:
        """Yield the diffs of one range after another, as many as one thread gets."""
        try:
            while (taken := self._ranges.take(self)) is not None:
                yield from self._read_range(taken)
        finally:
            # Whatever ends one lister early ends the plan: the others must not wait for its range.
            self._ranges.abandon()
            self._source.close_thread()
            self._destination.close_thread()

    def _read_range(self, taken: KeyRange) -> Iterator[PageDiff]:
        pair = self._rules.pair
        lookup = self._lookup(taken)
        for page in self._source_pages(taken):
            if self._destination_only and taken.is_upper and not taken.first and page:
                # What the destination holds before belongs to the range below.
                lookup.pass_before(pair.destination_key(page.keys[0]))
            claimed, goes_on = self._ranges.claim(taken, page)
            if claimed.unusable:
                yield replace(leave_out(claimed.unusable, self._rules), last_key=taken.passed)
            if claimed:
                for diff in self._compare(claimed, lookup):
                    yield replace(diff, last_key=taken.passed)
            if not goes_on:
                break
        self._ranges.end(taken)
        if self._destination_only and (taken.first or not taken.is_upper):
            yield from self._find_rest(taken, lookup)

    def _source_pages(self, taken: KeyRange) -> Iterator[ObjectPage]:
        """Yield the pages of a range; none where the store refuses to begin it, which leaves it to the range below."""
        pages = self._source.pages(taken.after)
        while (page := self._next_page(taken, pages)) is not None:
            if self._ranges.cuts and self._source.lists_directories():
                raise ListingError(
                    f"the store of {self._rules.pair.source_bucket} lists in directory order, which was found out "
                    "after its listing was cut into ranges; sweep again, or set sweep.ranges to 1"
                )
            yield page

    def _next_page(self, taken: KeyRange, pages: Iterator[ObjectPage]) -> ObjectPage | None:
        try:
            return next(pages, None)
        except S3Error:
            if taken.first or not taken.is_upper:
                raise
            self._ranges.keep_whole()
            return None

    def _lookup(self, taken: KeyRange) -> Lookup:
        """Return the destination's objects from the beginning of a range on."""
        start = self._rules.pair.destination_key(taken.after) if taken.after else ""
        if taken.is_upper or not start or self._destination.starts_anywhere():
            return Lookup(self._copies(start))
        lookup = Lookup(self._copies(""))
        lookup.pass_before(start + "\0")
        return lookup

    def _copies(self, after: str) -> Iterator[ObjectPage]:
        """Yield the destination's pages, and remember where they end: a range above need not ask."""
        if self._has_no_copies_after(after):
            return
        last = after
        for page in self._destination.pages(after):
            last = page.keys[-1] if page else last
            yield page
        self._copies_end = last if self._copies_end is None else min(self._copies_end, last)

    def _has_no_copies_after(self, target: str) -> bool:
        return self._copies_end is not None and target >= self._copies_end

    def _compare(self, page: ObjectPage, lookup: Lookup) -> Iterator[PageDiff]:
        if self._destination_only:
            return compare_both_ways(page, lookup, self._rules)
        return iter((compare_page(page, lookup, self._rules),))

    def _find_rest(self, taken: KeyRange, lookup: Lookup) -> Iterator[PageDiff]:
        pair, above = self._rules.pair, self._ranges.first_above(taken)
        if above is not None:
            return find_rest(lookup, None, pair.destination_key(above))
        return find_rest(lookup, None if taken.until is None else pair.destination_key(taken.until))
