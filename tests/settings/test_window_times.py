"""When new work may begin."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.windows import DAY_MINUTES, MINUTE, Window, is_open, next_change

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY, WORKDAYS = frozenset(range(7)), frozenset(range(5))
NIGHT = Window(WORKDAYS, 22 * 60, 6 * 60, BERLIN)


def at(text: str, zone: str = "Europe/Berlin") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-11-20T21:59:59", False),  # a Friday
        ("2026-11-20T22:00:00", True),
        ("2026-11-21T05:59:59", True),  # Saturday morning belongs to Friday's window
        ("2026-11-21T06:00:00", False),
        ("2026-11-21T23:00:00", False),
        ("2026-11-23T05:00:00", False),  # Monday morning belongs to Sunday
        ("2026-11-23T22:30:00", True),
    ],
)
def test_a_window_across_midnight_belongs_to_the_day_it_begins_on(moment: str, *, open_: bool) -> None:
    """Its end is not in it."""
    assert is_open([NIGHT], at(moment)) is open_


@pytest.mark.parametrize(
    ("utc", "open_"),
    [
        # 29 March 2026, 02:00 becomes 03:00: the clocks never show 02:30.
        ("2026-03-29T00:59:59", False),
        ("2026-03-29T01:00:00", False),
        # 25 October 2026, 03:00 becomes 02:00: they show 02:30 twice.
        ("2026-10-25T00:30:00", True),
        ("2026-10-25T00:59:59", True),
        ("2026-10-25T01:30:00", True),
        ("2026-10-25T02:00:00", False),
    ],
)
def test_the_clocks_of_the_place_count(utc: str, *, open_: bool) -> None:
    """An hour that is skipped in spring never comes; one that is repeated in autumn comes twice."""
    assert is_open([Window(EVERY_DAY, 120, 180, BERLIN)], at(utc, "UTC")) is open_


def test_without_windows_it_is_always_open() -> None:
    """And nothing ever changes."""
    assert is_open([], 0.0)
    assert next_change([], 0.0) is None


@pytest.mark.parametrize(
    ("moment", "change"),
    [
        ("2026-11-20T12:00:30", "2026-11-20T22:00:00"),
        ("2026-11-20T22:00:00", "2026-11-21T06:00:00"),
        ("2026-11-21T06:00:00", "2026-11-23T22:00:00"),
        ("2026-03-28T23:30:00", "2026-03-30T22:00:00"),
    ],
)
def test_the_next_opening_or_closing_is_known(moment: str, change: str) -> None:
    """To the minute, over week-ends and changes of the clocks."""
    assert next_change([NIGHT], at(moment)) == at(change)


def test_a_window_that_opens_in_a_skipped_hour_opens_after_it() -> None:
    """At the first moment that its clocks show."""
    window = Window(EVERY_DAY, 150, 240, BERLIN)
    assert next_change([window], at("2026-03-29T00:00:00")) == at("2026-03-29T03:00:00")


minutes = st.integers(0, DAY_MINUTES - 1)
windows = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    minutes,
    minutes,
    st.sampled_from([ZoneInfo("UTC"), BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York")]),
).filter(lambda window: window.begins != window.ends)
moments = st.integers(1_600_000_000, 1_900_000_000)


@given(window=windows, moment=moments)
def test_a_window_and_its_complement_share_no_moment(window: Window, moment: int) -> None:
    """On every day, a window or the one from its end to its beginning is open, never both."""
    daily = window._replace(days=EVERY_DAY)
    complement = daily._replace(begins=window.ends, ends=window.begins)
    assert daily.holds(moment) != complement.holds(moment)


@given(window=windows, moment=moments)
def test_what_the_days_say_is_a_matter_of_the_beginning(window: Window, moment: int) -> None:
    """An open window began on one of its days, no more than a day ago."""
    if window.holds(moment):
        local = datetime.fromtimestamp(moment, window.zone)
        since = local.hour * 60 + local.minute >= window.begins
        began = local if since else local - timedelta(days=1)
        assert began.weekday() in window.days


@given(window=windows, moment=moments, part=st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_next_change(window: Window, moment: int, part: float) -> None:
    """Until then it stays as it is, from then on it is otherwise."""
    change = next_change([window], moment)
    assert change is not None
    between = moment + (change - MINUTE - moment) * part
    if between >= moment:
        assert window.holds(between) == window.holds(moment)
    assert window.holds(change) != window.holds(moment)
