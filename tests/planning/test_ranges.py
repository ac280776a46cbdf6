"""Ranges are cut above what is claimed, where there seems to be work, and not for small listings."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from s3mover.model import ObjectEntry, ObjectPage, page_of
from s3mover.planning import ranges as ranges_module
from s3mover.planning.ranges import KeyBounds, KeyRange, Ranges
from testkit.waiting import TOO_LONG

FirstAfter = Callable[[str], str | None]


class Answers:
    """The answers to the questions of a cut; a test gives the first key after a text."""

    def __init__(self, first_after: FirstAfter) -> None:
        self.first_after = first_after

    def may_cut_at(self, _key: str) -> bool:
        return True


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
    taken = ranges.take(Answers(first_after))
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


def cut_once(ranges: Ranges) -> tuple[KeyRange, KeyRange]:
    """Return the lower and the upper of two ranges, after three pages of the first."""
    whole = begun(ranges)
    for first in (10, 12, 14):
        ranges.claim(whole, page(str(first), str(first + 1)))
    return whole, begun(ranges, NUMBERS)


def test_a_range_goes_on_over_the_cut_to_the_first_key_that_the_upper_one_found() -> None:
    """Also if that is not the next one, because the store answers wrongly, or others wrote meanwhile."""
    ranges = Ranges("", page=2)
    lower, upper = cut_once(ranges)
    cut = upper.after
    ranges.claim(upper, page(cut + "5", cut + "6"))
    claimed, goes_on = ranges.claim(lower, page("16", cut, cut + "1"))
    assert (claimed.keys, goes_on) == (["16", cut, cut + "1"], True)
    claimed, goes_on = ranges.claim(lower, page(cut + "2", cut + "5", cut + "6"))
    assert (claimed.keys, goes_on) == ([cut + "2"], False)
    ranges.end(lower)
    assert ranges.first_above(lower) == cut + "5"


def test_a_range_takes_the_place_of_an_upper_one_that_found_nothing() -> None:
    """A store may answer to its start as if nothing followed; the range above that one is met in its stead."""
    ranges = Ranges("", page=2)
    lower, upper = cut_once(ranges)
    top = upper.above = KeyRange("40", above=None, is_upper=True, first="41")
    upper.until = "40"
    ranges.end(upper)
    claimed, goes_on = ranges.claim(lower, page("16", upper.after, "39"))
    assert (claimed.keys, goes_on) == (["16", upper.after, "39"], True)
    claimed, goes_on = ranges.claim(lower, page("40", "41"))
    assert (claimed.keys, goes_on) == (["40"], False)
    assert (lower.until, lower.above) == ("40", top)


def test_a_range_at_its_cut_waits_for_the_first_page_above() -> None:
    """It has nothing else to do, and goes on once it is there, or once the plan has ended."""
    for end_of_plan in (False, True):
        ranges = Ranges("", page=2)
        lower, upper = cut_once(ranges)
        with ThreadPoolExecutor(1) as thread:
            claim = thread.submit(ranges.claim, lower, page("16", upper.after, "45"))
            if end_of_plan:
                ranges.abandon()
            else:
                ranges.claim(upper, page("45", "46"))
            claimed, goes_on = claim.result(TOO_LONG)
        assert not goes_on
        assert end_of_plan or claimed.keys == ["16", upper.after]


def test_a_range_is_not_cut_where_a_listing_may_not_begin() -> None:
    """The answer comes before the cut, and nothing is cut any more if the plan says so."""
    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12, 14):
        ranges.claim(whole, page(str(first), str(first + 1)))
    probe = ranges._probe()
    assert probe is not None
    ranges.keep_whole()
    assert ranges._probe() is None

    ranges = Ranges("", page=2)
    whole = begun(ranges)
    for first in (10, 12, 14):
        ranges.claim(whole, page(str(first), str(first + 1)))

    class Refusing(Answers):
        def may_cut_at(self, _key: str) -> bool:
            ranges.keep_whole()
            ranges.end(whole)
            return False

    assert ranges.take(Refusing(NUMBERS)) is None
    assert (whole.until, ranges.cuts) == (None, 0)


def deep(ranges: Ranges) -> KeyRange:
    """Take the first range and claim three pages of keys in one deep folder, which hides how keys are spread."""
    whole = begun(ranges)
    for number in range(3):
        ranges.claim(whole, page(f"deep/folder/00000{number}"))
    return whole


def test_an_end_that_was_passed_meanwhile_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys may be claimed while it is asked where they end."""
    monkeypatch.setattr(ranges_module, "FREE_REQUESTS", 100)
    ranges = Ranges("", page=1)
    whole = deep(ranges)

    def first_after(text: str) -> str | None:
        if whole.claimed == 3:
            ranges.claim(whole, page("~"))
        return "~" if text < "~" else "~~"

    upper = ranges.take(Answers(first_after))
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

    assert ranges.take(Answers(first_after)) is None
    assert asked
    assert whole.until is None


def test_an_abandoned_plan_gives_nothing_more() -> None:
    """Although a range is there."""
    ranges = Ranges("", page=1)
    ranges.abandon()
    assert ranges.take(Answers(unasked)) is None


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
        ranges._cut(whole, probe.text(lambda texts: [unasked(text) for text in texts]), answer)
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
    ranges.end(upper)
    assert (ranges.first_above(upper), upper.until) == (None, "30")
