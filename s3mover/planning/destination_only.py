"""Objects that only the destination has: found page by page, beside the comparison of the source's objects.

A key counts as held by the source also where a filter leaves it out. What a diff holds is bounded by a page of the
destination. It costs reading the destination's listing to its end, so it is done only where it is asked for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace

from s3mover.model import ObjectPage
from s3mover.planning.page_diff import Lookup, PageDiff, Rules, compare_page


def compare_both_ways(page: ObjectPage, lookup: Lookup, rules: Rules) -> Iterator[PageDiff]:
    """Compare one page of the source, and find the destination's other objects up to the last key of the page."""
    targets = rules.pair.destination_keys(page.keys)
    at = 0
    while at < len(page):
        ahead = lookup.ahead_page()
        end = bisect_right(targets, ahead.keys[-1], at) if ahead else len(page)
        diff = compare_page(page[at:end], lookup, rules)
        until = ahead.keys[-1] if end < len(page) else targets[-1]
        lookup.pass_until(until)
        known = set(targets[at:end])
        passed = bisect_right(ahead.keys, until)
        extra = [ahead[number] for number, key in enumerate(ahead.keys[:passed]) if key not in known]
        yield replace(diff, destination_only=extra, destination_listed=passed)
        at = end


def find_rest(lookup: Lookup, until: str | None, before: str | None = None) -> Iterator[PageDiff]:
    """Find what the destination has after the source's last key, up to `until` and before `before` (None: all)."""
    while ahead := lookup.ahead_page():
        keys = ahead.keys
        end = len(keys) if until is None else bisect_right(keys, until)
        end = end if before is None else min(end, bisect_left(keys, before))
        if end:
            yield PageDiff(0, [], destination_only=list(ahead[:end]), destination_listed=end)
        if end < len(keys):
            return
        lookup.pass_until(keys[-1])
