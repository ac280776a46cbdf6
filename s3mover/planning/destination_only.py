"""Keys that only the destination holds: named page by page, beside the comparison of the source's objects.

A key counts as held by the source also where a filter leaves it out. What a diff names is bounded by a page of the
destination. It costs reading the destination's listing to its end, so it is done only where it is asked for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace

from s3mover.model import ObjectPage
from s3mover.planning.page_diff import Lookup, PageDiff, Rules, compare_page


def compare_both_ways(page: ObjectPage, lookup: Lookup, rules: Rules) -> Iterator[PageDiff]:
    """Compare one page of the source, and name the destination's other keys up to the last key of the page."""
    targets = rules.pair.destination_keys(page.keys)
    at = 0
    while at < len(page):
        ahead = lookup.ahead()
        end = bisect_right(targets, ahead[-1], at) if ahead else len(page)
        diff = compare_page(page[at:end], lookup, rules)
        until = ahead[-1] if end < len(page) else targets[-1]
        lookup.pass_until(until)
        known = set(targets[at:end])
        passed = ahead[: bisect_right(ahead, until)]
        yield replace(diff, destination_only=[key for key in passed if key not in known])
        at = end


def name_rest(lookup: Lookup, until: str | None, before: str | None = None) -> Iterator[PageDiff]:
    """Name what the destination holds after the source's last key, up to `until` and before `before` (None: all)."""
    while ahead := lookup.ahead():
        end = len(ahead) if until is None else bisect_right(ahead, until)
        end = end if before is None else min(end, bisect_left(ahead, before))
        if end:
            yield PageDiff(0, [], destination_only=ahead[:end])
        if end < len(ahead):
            return
        lookup.pass_until(ahead[-1])
