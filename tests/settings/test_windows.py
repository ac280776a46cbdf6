"""How windows are written."""

from zoneinfo import ZoneInfo

import pytest

from s3mover.errors import SettingsError
from s3mover.settings import Settings
from s3mover.settings.load import load
from s3mover.settings.windows import read_windows, write_windows
from s3mover.windows import Window
from tests.settings.test_load import given

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
NIGHTS = Window(frozenset(range(5)), 22 * 60, 6 * 60, BERLIN)
FILE = """
sweep:
  windows:
    - {days: mon-fri, hours: 22:00-06:00, time_zone: Europe/Berlin}
    - days: [Sat, sun]
"""


def test_the_file_has_a_list_of_mappings() -> None:
    """What is not said is every day, all day, UTC."""
    windows = given(file=FILE).sweep.windows
    assert windows == (NIGHTS, Window(frozenset({5, 6}), 0, 24 * 60, UTC))


def test_environment_and_command_line_have_it_on_one_line() -> None:
    """As YAML writes it; what is written is read as the same."""
    text = write_windows(given(file=FILE).sweep.windows)
    environ = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs", "S3MOVER_SWEEP__WINDOWS": text}
    assert load(None, environ, {}).sweep.windows == given(file=FILE).sweep.windows
    assert load(None, environ, {"sweep.windows": "[]"}).sweep.windows == Settings().sweep.windows == ()


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        ("sat-mon", {5, 6, 0}),
        ("wed", {2}),
        ("mon, wed-thu", {0, 2, 3}),
        (("fri",), {4}),
        ("mon-sun", set(range(7))),
    ],
)
def test_days_are_names_and_ranges(days: object, numbers: set[int]) -> None:
    """A range may go over the week-end."""
    assert read_windows([{"days": days}])[0].days == numbers


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ("{days: mon-fry}", "has 'mon-fry' among the days of window 1"),
        ("{days: {mon: fri}}", "has no days in window 1"),
        ("{hours: 22-6}", "has hours in window 1 that are not like 22:00-06:00"),
        ("{hours: 22:00-24:01}", "has hours in window 1 that are out of range"),
        ("{hours: 22:60-23:00}", "has hours in window 1 that are out of range"),
        ("{hours: 22:00-22:00}", "has hours in window 1 that end when they begin"),
        ("{time_zone: Europe/Berlun}", "has a time_zone in window 1 that is unknown: 'Europe/Berlun'"),
        ("{time_zone: ../x}", "has a time_zone in window 1 that is unknown"),
        ("{zone: UTC}", "has an unknown key in window 1: 'zone'"),
        ("nights", "has a window 1 that is not a mapping"),
    ],
)
def test_a_window_that_cannot_be_read_is_told(window: str, sentence: str) -> None:
    """With the setting's name, the window's place and what is wrong with it."""
    with pytest.raises(SettingsError) as told:
        given(file=f"sweep:\n  windows: [{window}]\n")
    assert told.value.problems[0].startswith("sweep.windows (given.yaml line 2): ")
    assert sentence in told.value.problems[0]
    assert "expected windows such as" in told.value.problems[0]


@pytest.mark.parametrize("text", ["nights", "{days: mon}", "[{days: mon}"])
def test_what_is_no_list_is_told(text: str) -> None:
    """In the environment, too."""
    environ = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs", "S3MOVER_SWEEP__WINDOWS": text}
    with pytest.raises(SettingsError, match="is not a list of windows"):
        load(None, environ, {})
