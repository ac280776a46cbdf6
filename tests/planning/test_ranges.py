"""Ranges are cut above what is claimed, where there seems to be work, and not for small listings."""

import pytest

from s3mover.model import ObjectEntry, ObjectPage, page_of
from s3mover.planning.ranges import FirstAfter, KeyBounds, KeyRange, Ranges


def page(*keys: str) -> ObjectPage:
    return page_of([ObjectEntry(key, 1, "e", "t") for key in keys])


def unasked(_text: str) -> str | None:
    raise AssertionError("a question was asked that costs a request")


def among(*keys: str) -> FirstAfter:
    """Return the question for the first key after a text, answered from these keys."""
    return lambda text: next((key for key in keys if key > text), None)


NUMBERS = among(*map(str, range(10, 50)))


def begun(ranges: Ranges, first_after: FirstAfter = unasked) -> KeyRange:
    """Take the first range, or the next one."""
    taken = ranges.take(first_after)
    assert taken is not None
    return taken


def test_a_listing_is_left_in_one_piece_for_three_pages() -> None:
    """Then it is cut, above what was claimed."""
    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12):
        assert ranges.claim(whole, page(str(first), str(first + 1)))[1]
        assert ranges._probe() is None
    ranges.claim(whole, page("14", "15"))
    upper = begun(ranges, NUMBERS)
    assert "15" < upper.after == (whole.until or "")
    assert upper.until is None


def test_what_lies_beyond_the_cut_is_left_to_the_upper_range() -> None:
    """A page that was on its way when the range was cut is claimed up to the cut, the cut's own key included."""
    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12, 14):
        ranges.claim(whole, page(str(first), str(first + 1)))
    cut = begun(ranges, NUMBERS).after
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

    def first_after(text: str) -> str | None:
        if whole.claimed == 3:
            ranges.claim(whole, page("~"))
        return "~" if text < "~" else "~~"

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


def test_a_range_is_cut_only_at_a_key_that_exists() -> None:
    """A guess is asked for the key that follows, and the range is cut there; nothing is cut where none follows."""
    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12, 14):
        ranges.claim(whole, page(f"0{first}", f"0{first + 1}"))
    asked: list[str] = []

    def first_after(text: str) -> str | None:
        asked.append(text)
        return None if len(asked) == 1 else "040"

    upper = begun(ranges, first_after)
    assert (whole.until, upper.after, upper.until) == ("040", "040", None)
    assert "015" < asked[1] < asked[0]


@pytest.mark.parametrize("answer", ["", "12", "15"])
def test_a_store_that_answers_with_what_was_listed_is_asked_a_few_times_only(answer: str) -> None:
    """Each such answer halves what the range may hold, until it is not worth cutting."""
    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12, 14):
        ranges.claim(whole, page(str(first), str(first + 1)))
    asked = 0
    while (probe := ranges._probe()) is not None:
        ranges._cut(whole, probe.text(unasked), answer)
        asked += 1
        assert asked < 20
    assert asked
    assert whole.until is None


def test_ranges_keep_within_their_bounds() -> None:
    """The first range has the bounds, and a cut beyond them is none."""
    ranges = Ranges("", page=2, bounds=KeyBounds("09", "30"))
    whole = begun(ranges)
    assert (whole.after, whole.until) == ("09", "30")
    for first in (10, 12, 14):
        ranges.claim(whole, page(str(first), str(first + 1)))
    upper = begun(ranges, among("22", "30", "31"))
    assert (whole.until, upper.after, upper.until) == ("22", "22", "30")
    claimed, goes_on = ranges.claim(upper, page("29", "30", "31"))
    assert (claimed.keys, goes_on) == (["29", "30"], False)
    assert ranges.end(upper) == "30"
