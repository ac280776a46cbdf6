"""The plan of one sweep: both sides listed by ranges of keys, several at a time, and compared.

Several ranges hide latency: one page after another gives some thirty pages a second and side. They also spread the
writes that follow over S3's partitions. Each range is compared by the thread that lists it.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Protocol

from s3mover.model import ObjectPage, Outcome
from s3mover.planning.destination_only import compare_both_ways, name_rest
from s3mover.planning.page_diff import Lookup, PageDiff, Rules, compare_page, leave_out
from s3mover.planning.ranges import ALL_KEYS, KeyBounds, KeyRange, Ranges
from s3mover.planning.read_ahead import Feed, FeedEnded, ReadAhead

# Pages of the source that may be compared and not worked off, beside one for each lister.
PAGES_AHEAD = 4


class Listing(Protocol):
    """One side as the plan reads it; threads share it."""

    def pages(self, after: str) -> Iterator[ObjectPage]:
        """Yield the objects whose keys come after `after`, in order."""

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
        destination_only: whether to name the keys that only the destination holds, too.
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

    def _readers(self) -> list[Generator[PageDiff]]:
        return [self._read_ranges() for _ in range(self._listers)]

    def _read_ranges(self) -> Generator[PageDiff]:
        """Yield the diffs of one range after another, as many as one thread gets."""
        try:
            while (taken := self._ranges.take(self._source.first_after)) is not None:
                yield from self._read_range(taken)
        finally:
            # Whatever ends one lister early ends the plan: the others must not wait for its range.
            self._ranges.abandon()
            self._source.close_thread()
            self._destination.close_thread()

    def _read_range(self, taken: KeyRange) -> Iterator[PageDiff]:
        pair = self._rules.pair
        lookup = Lookup(self._destination.pages(pair.destination_key(taken.after) if taken.after else ""))
        for page in self._source.pages(taken.after):
            claimed, goes_on = self._ranges.claim(taken, page)
            if claimed.unusable:
                yield leave_out(claimed.unusable, self._rules)
            if claimed:
                yield from self._compare(claimed, lookup)
            if not goes_on:
                break
        until = self._ranges.end(taken)
        if self._destination_only:
            yield from name_rest(lookup, None if until is None else pair.destination_key(until))

    def _compare(self, page: ObjectPage, lookup: Lookup) -> Iterator[PageDiff]:
        if self._destination_only:
            return compare_both_ways(page, lookup, self._rules)
        return iter((compare_page(page, lookup, self._rules),))
