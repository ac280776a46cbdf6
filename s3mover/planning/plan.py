"""The plan of one sweep: both sides listed by ranges of keys, several at a time, and compared.

Latency is what several ranges are for: one page after another gives some thirty pages a second and side. They also
spread the writes that follow over S3's partitions. Each range is compared by the thread that lists it.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Protocol

from s3mover.model import ObjectPage
from s3mover.planning.page_diff import Lookup, PageDiff, Rules, compare_page
from s3mover.planning.ranges import FirstAfter, KeyRange, Ranges
from s3mover.planning.read_ahead import ReadAhead


class Listing(Protocol):
    """One side as the plan sees it; threads share it."""

    def pages(self, after: str) -> Iterator[ObjectPage]:
        """Yield the objects whose keys come after `after`, in order."""

    def first_after(self, text: str) -> str | None:
        """Tell the first key after a text, None where there is none."""

    def close_thread(self) -> None:
        """Let go of what the calling thread holds."""


def plan(
    source: Listing, destination: Listing, rules: Rules, *, listers: int, page: int
) -> Generator[PageDiff]:
    """Yield what is found on each page of the source, in no particular order.

    Args:
        source: the source's objects.
        destination: the destination's.
        rules: what decides about each object.
        listers: threads, and so ranges that are listed at a time.
        page: keys on a full page of a listing.

    Raises:
        MoverError: a listing failed or contradicts itself; what came before is not to be believed either.
    """
    ranges = Ranges(rules.pair.source_prefix, page)
    scanners = [_scanned(ranges, source, destination, rules) for _ in range(listers)]
    with closing(ReadAhead(*scanners, depth=listers, name="list")) as diffs:
        yield from diffs


def _scanned(ranges: Ranges, source: Listing, destination: Listing, rules: Rules) -> Generator[PageDiff]:
    """Yield the findings of one range after another, as one thread comes by them."""
    first_after: FirstAfter = source.first_after
    try:
        while (taken := ranges.take(first_after)) is not None:
            yield from _of_range(ranges, taken, source, destination, rules)
            ranges.end(taken)
    finally:
        # Whatever ends one lister early ends the plan: the others must not wait for its range.
        ranges.abandon()
        source.close_thread()
        destination.close_thread()


def _of_range(
    ranges: Ranges, taken: KeyRange, source: Listing, destination: Listing, rules: Rules
) -> Iterator[PageDiff]:
    after = rules.pair.destination_key(taken.after) if taken.after else ""
    lookup = Lookup(destination.pages(after))
    for page in source.pages(taken.after):
        claimed, goes_on = ranges.claim(taken, page)
        if claimed:
            yield compare_page(claimed, lookup, rules)
        if not goes_on:
            return
