"""Ranges are cut above what is claimed, where there seems to be work, and not for small listings."""

from s3mover.model import ObjectEntry, ObjectPage, page_of
from s3mover.planning.ranges import KeyRange, Ranges


def page(*keys: str) -> ObjectPage:
    return page_of([ObjectEntry(key, 1, "e", "t") for key in keys])


def unasked(_text: str) -> str | None:
    raise AssertionError("a question was asked that costs a request")


def begun(ranges: Ranges) -> KeyRange:
    """Take the first range."""
    taken = ranges.take(unasked)
    assert taken is not None
    return taken


def test_a_listing_is_left_in_one_piece_for_three_pages() -> None:
    """Then it is cut, above what was claimed."""
    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12):
        assert ranges.claim(whole, page(str(first), str(first + 1)))[1]
        assert ranges._share() is None
    ranges.claim(whole, page("14", "15"))
    upper = begun(ranges)
    assert "15" < upper.after == (whole.until or "")
    assert upper.until is None


def test_what_lies_beyond_the_cut_is_left_to_the_upper_range() -> None:
    """A page that was on its way when the range was cut is claimed up to the cut, the cut's own key included."""
    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12, 14):
        ranges.claim(whole, page(str(first), str(first + 1)))
    cut = begun(ranges).after
    claimed, goes_on = ranges.claim(whole, page("16", cut, cut + "0"))
    assert (claimed.keys, goes_on) == (["16", cut], False)


def deep(ranges: Ranges) -> KeyRange:
    """Take the first range and claim three pages of keys in one deep folder, which hides how keys are spread."""
    whole = begun(ranges)
    for number in range(3):
        ranges.claim(whole, page(f"deep/folder/00000{number}"))
    return whole


def test_an_end_that_was_passed_meanwhile_cuts_nothing() -> None:
    """Keys may be claimed while it is asked where they end."""
    ranges = Ranges("", page=1)
    whole = deep(ranges)

    def first_after(_text: str) -> str | None:
        if whole.claimed == 3:
            ranges.claim(whole, page("~"))
        return None

    upper = ranges.take(first_after)
    assert upper is not None
    assert upper.after > "~"


def test_a_range_that_ended_meanwhile_is_not_cut() -> None:
    """What it covers was listed."""
    ranges = Ranges("", page=1)
    whole = deep(ranges)
    asked: list[str] = []

    def first_after(text: str) -> str | None:
        if not asked:
            ranges.end(whole)
        asked.append(text)
        return None

    assert ranges.take(first_after) is None
    assert asked
    assert whole.until is None


def test_an_abandoned_plan_gives_nothing_more() -> None:
    """Although a range is there."""
    ranges = Ranges("", page=1)
    ranges.abandon()
    assert ranges.take(unasked) is None
