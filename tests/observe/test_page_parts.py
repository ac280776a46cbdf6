"""The parts of the status page: the history of the last hour, formatted numbers, charts, the headline and advice."""

import re
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.model import Method
from s3mover.observe.page import chart, humanize
from s3mover.observe.page.advice import ADVICE, UNKNOWN, advice_for
from s3mover.observe.page.headline import Severity, headline_of
from s3mover.observe.page.tables import sweeps_table
from s3mover.observe.status.history import STEP_SECONDS, STEPS, History
from s3mover.s3.documents import TEMPORARY_CODES
from tests.observe import samples


def test_the_history_counts_by_step() -> None:
    """Each step has its own counts; the last step is the current one."""
    history = History()
    history.moved(1_000.0, Method.SERVER_SIDE_COPY, 5)
    history.moved(1_001.0, Method.SERVER_SIDE_COPY, 7)
    history.moved(1_000.0 + STEP_SECONDS, Method.STREAMING, 11)
    history.failed(1_000.0 + STEP_SECONDS)
    shown = history.as_dict(1_000.0 + 2 * STEP_SECONDS)
    assert [len(shown[name]) for name in ("server_side_copy", "streaming", "failed", "bytes")] == [STEPS] * 4  # type: ignore[arg-type]
    assert shown["server_side_copy"][-3:] == [2, 0, 0]  # type: ignore[index]
    assert shown["streaming"][-3:] == [0, 1, 0]  # type: ignore[index]
    assert shown["failed"][-3:] == [0, 1, 0]  # type: ignore[index]
    assert shown["bytes"][-3:] == [12, 11, 0]  # type: ignore[index]
    assert shown["last_step_seconds"] == 1_030 % STEP_SECONDS


def test_the_history_forgets_what_is_older_than_an_hour() -> None:
    """Older steps are removed, and memory is constant."""
    history = History()
    for second in range(0, 3 * 3600, 5):
        history.moved(float(second), Method.SERVER_SIDE_COPY, 1)
    assert sum(history.as_dict(3 * 3600.0 - 1)["bytes"]) == 720  # type: ignore[call-overload]
    assert sum(history.as_dict(3 * 3600.0 + 3600)["bytes"]) == 0  # type: ignore[call-overload]
    assert len(history._steps) == STEPS


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (676, "676"), (12_345, "12,345"), (9_999_999, "9,999,999"), (12_345_678, "12.3 million")],
)
def test_counts(number: int, text: str) -> None:
    """Counts are exact below ten million."""
    assert humanize.count(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (0.0667, "0.067"), (3.42, "3.4"), (29.9, "30"), (1_234.5, "1,234")]
)
def test_rates(number: float, text: str) -> None:
    """There are two significant digits below ten."""
    assert humanize.rate(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 7, "0%"), (1, 1000, "<1%"), (1, 2, "50%"), (999, 1000, "99%"), (7, 7, "100%")],
)
def test_percent(part: int, whole: int, text: str) -> None:
    """A share is never rounded to none or all."""
    assert humanize.percent(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.21, "3.2 s"),
        (12.4, "12 s"),
        (59.7, "1 min"),
        (185, "3 min 5 s"),
        (7_800, "2 h 10 min"),
        (86_400 * 3 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """There are at most two units."""
    assert humanize.duration(seconds) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2025-01-04T03:17:09.500000Z", "just now"),
        ("2025-01-04T03:17:07.900000Z", "2 s ago"),
        ("2025-01-04T03:15:00.000000Z", "2 min ago"),
        ("2025-01-04T00:17:11.000000Z", "2 h ago"),
        ("2025-01-01T03:17:10.000000Z", "3 d ago"),
        ("2025-01-04T03:17:30.000000Z", "just now"),
    ],
)
def test_how_long_ago(moment: str, text: str) -> None:
    """A moment in the future, after a clock was set back, is now."""
    assert humanize.ago(moment, "2025-01-04T03:17:10.000000Z") == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2025-01-04T03:17:10.400000Z", "now"),
        ("2025-01-04T03:17:15.900000Z", "in 5 s"),
        ("2025-01-04T03:19:15.000000Z", "in 2 min 5 s"),
        ("2025-01-04T03:00:00.000000Z", "now"),
    ],
)
def test_how_long_until(moment: str, text: str) -> None:
    """A moment in the past is now."""
    assert humanize.ahead(moment, "2025-01-04T03:17:10.000000Z") == text


def test_moments_are_shown_in_utc() -> None:
    """The original time zone does not matter."""
    assert humanize.clock("2025-01-04T05:17:09+02:00") == "2025-01-04 03:17:09 UTC"


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0.03, 0.03), (1, 1), (1.1, 1.5), (4.2, 5), (37, 40), (629, 800), (820, 1000), (1000, 1000)],
)
def test_scales_end_with_a_round_number(highest: float, top: float) -> None:
    """There are a few steps per power of ten."""
    assert chart.ceiling(highest) == pytest.approx(top)


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_nothing_is_higher_than_its_scale(highest: float) -> None:
    """The top is never below the highest value, and not far above it."""
    assert highest <= chart.ceiling(highest) * (1 + 1e-9)
    assert chart.ceiling(highest) <= highest * 1.5 * (1 + 1e-9)


def test_layers_are_stacked() -> None:
    """A layer begins where the one below it ends; equal steps are drawn as one."""
    picture = ET.fromstring(chart.stacked([("a", [1, 1, 0]), ("b", [1, 0, 0])], 2, "two of them"))  # noqa: S314 - our own
    assert picture.attrib["aria-label"] == "two of them"
    paths = {path.attrib["class"]: path.attrib["d"] for path in picture.iter("path")}
    assert list(paths) == ["b", "a"]  # the lower layer is drawn over the sum
    assert paths == {"a": "M0 100V50h2V100h1V100Z", "b": "M0 100V0h1V50h1V100h1V100Z"}


def test_a_bar_is_parted_in_proportion() -> None:
    """The parts fill the bar; without counts there is no bar."""
    picture = ET.fromstring(chart.proportional_bar([("a", 3), ("b", 1)]))  # noqa: S314 - our own
    assert [(part.attrib["x"], part.attrib["width"]) for part in picture] == [
        ("0.0", "750.0"),
        ("750.0", "250.0"),
    ]
    assert chart.proportional_bar([("a", 0), ("b", 0)]) == ""


def status(**changes: Any) -> dict[str, Any]:
    """Return a status of a daemon between two sweeps, with changes."""
    last = {
        "status": "completed",
        "succeeded": 5,
        "failed": 0,
        "postponed": 0,
        "message": "",
        "ended_at": "2025-01-04T03:17:00Z",
    }
    return {
        "now": "2025-01-04T03:17:12Z",
        "state": "idle",
        "healthy": True,
        "health": "ok",
        "audit_available": True,
        "sweep": None,
        "sweeps": [last | changes.pop("last", {})],
        **changes,
    }


DELETIONS = asdict(samples.DELETIONS)
FINISHED = "Last sweep finished 12 s ago"
UNDER_WAY = {"succeeded": 3, "failed": 0, "waiting": 2}
NOTHING_YET = {"succeeded": 0, "failed": 0, "waiting": 0}


@pytest.mark.parametrize(
    ("changes", "severity", "headline", "sentence"),
    [
        ({}, Severity.GOOD, "Up to date", f"{FINISHED}: 5 objects moved."),
        ({"last": {"succeeded": 0}}, Severity.GOOD, "Up to date", f"{FINISHED}: nothing to move."),
        (
            {"last": {"failed": 1}},
            Severity.WARN,
            "1 object could not be moved",
            f"{FINISHED}. They are retried in the next sweep; see below for what to do.",
        ),
        (
            {"last": {"failed": 1, "postponed": 2}},
            Severity.WARN,
            "3 objects could not be moved",
            f"{FINISHED}. They are retried with increasing delays; see below for what to do.",
        ),
        (
            {"last": {"deletions": DELETIONS | {"refusal": "too many"}}},
            Severity.WARN,
            "2,001 deletions refused",
            f"{FINISHED}. Not deleted at the destination: too many. Run s3mover deletions list.",
        ),
        (
            {"last": {"deletions": DELETIONS}},
            Severity.WARN,
            "1 deletions failed",
            f"{FINISHED}. They are retried with increasing delays.",
        ),
        (
            {"last": {"deletions": DELETIONS | {"failed": 0, "propagates": False, "refusal": "too many"}}},
            Severity.GOOD,
            "Up to date",
            f"{FINISHED}: 5 objects moved.",
        ),
        (
            {"last": {"status": "failed", "message": "no such bucket"}},
            Severity.BAD,
            "Last sweep failed",
            "No such bucket. Retrying.",
        ),
        ({"last": {"status": "interrupted"}}, Severity.WARN, "Last sweep was interrupted", None),
        ({"sweeps": []}, Severity.CALM, "Ready", "No sweep has finished yet."),
        (
            {"next_sweep_at": "2025-01-04T03:17:55.400000Z"},
            Severity.GOOD,
            "Up to date",
            f"{FINISHED}: 5 objects moved. The next sweep starts in 43 s.",
        ),
        (
            {"window_open": False, "window_opens_at": "2025-01-04T22:00:00Z"},
            Severity.CALM,
            "Waiting for the next window",
            "It opens at 2025-01-04 22:00:00 UTC.",
        ),
        (
            {"cost": {"limit_reached": "limits.cost_per_day is reached: $5.00 of $5.00 since 00:00 UTC"}},
            Severity.WARN,
            "Cost limit reached",
            (
                "Limits.cost_per_day is reached: $5.00 of $5.00 since 00:00 UTC. No new transfers start until the next "
                "day, or until the limit is raised."
            ),
        ),
        (
            {"healthy": False, "health": "no heartbeat from the sweep loop for 73 s"},
            Severity.BAD,
            "Sweep loop stalled",
            "No heartbeat from the sweep loop for 73 s. If this persists, restart s3mover.",
        ),
        (
            {"audit_available": False, "state": "sweeping"},
            Severity.BAD,
            "Audit database unavailable",
            None,
        ),
        ({"state": "standby"}, Severity.CALM, "Standby", None),
        ({"state": "starting"}, Severity.CALM, "Starting", None),
        (
            {"state": "starting", "problem": "no such bucket"},
            Severity.BAD,
            "Cannot start",
            "No such bucket. Retrying.",
        ),
        ({"state": "stopping"}, Severity.CALM, "Stopping", None),
        ({"state": "paused"}, Severity.CALM, "Paused", None),
        ({"state": "resting"}, Severity.CALM, "Resting", ""),
        (
            {"state": "sweeping", "sweep": UNDER_WAY},
            Severity.BUSY,
            "Moving objects",
            "3 objects moved so far.",
        ),
        ({"state": "sweeping", "sweep": NOTHING_YET, "sweeps": []}, Severity.BUSY, "Listing", None),
        (
            {"state": "sweeping", "sweep": NOTHING_YET},
            Severity.GOOD,
            "Up to date",
            f"{FINISHED}: 5 objects moved. The next sweep is running.",
        ),
    ],
)
def test_the_headline_follows_its_truth_table(
    changes: dict[str, Any], severity: Severity, headline: str, sentence: str | None
) -> None:
    """The first condition of the module's table that holds decides."""
    shown = headline_of(status(**changes))
    assert (shown.severity, shown.text) == (severity, headline)
    assert shown.sentence == sentence or sentence is None


def test_all_advice_is_in_sentences() -> None:
    """It begins with a capital and ends with a full stop, and codes look like codes."""
    for code, advice in ADVICE.items():
        assert re.fullmatch(r"[A-Z][A-Za-z0-9.]+", code)
        assert re.fullmatch(r"[A-Z].*\.", advice)
    assert advice_for("AccessDenied") == ADVICE["AccessDenied"]
    assert advice_for("InventedByAStore") == UNKNOWN


def test_each_temporary_code_has_advice() -> None:
    """Every temporary error has advice."""
    assert set(ADVICE) >= TEMPORARY_CODES


def test_deletions_stand_below_their_sweep() -> None:
    """What was deleted, what waits, and why nothing is; a sweep without any has no such row."""
    sweep = {
        "sweep": 7,
        "bytes": 0,
        "skipped": 0,
        "seconds": 1.0,
        "outage_seconds": 0.0,
        "deletions": DELETIONS | {"refusal": "more than deletions.max_objects (1000)"},
    }
    [last] = status(last=sweep)["sweeps"]
    table = sweeps_table([last], "2025-01-04T03:17:12Z")
    assert (
        "Deleted at destination: 1 (5 waiting for confirmation), 1 failed, 2,001 confirmed, refused: more"
        in table
    )
    assert "Deleted at" not in sweeps_table([last | {"deletions": None}], "2025-01-04T03:17:12Z")
