"""The source's events in `/status` and on the page."""

from s3mover.events import EventsFailed, EventsReceived, LagMeasured, QueueCounted, SweepAwaited
from s3mover.observe.page.source_events import events_line
from s3mover.observe.status.board import StatusBoard
from tests.observe.conftest import Clock


def board(clock: Clock) -> StatusBoard:
    return StatusBoard(lambda _: (b"", ""), 60.0, clock, clock)


def test_without_a_queue_nothing_is_said_of_events(clock: Clock) -> None:
    made = board(clock)
    made(LagMeasured("sweep", (60.0,)))
    assert made.status()["events"] is None
    assert events_line(None, []) == ""


def test_the_lag_is_that_of_events_alone_and_the_newest_problem_is_shown_until_something_is_received(
    clock: Clock,
) -> None:
    made = board(clock)
    made(QueueCounted(3, 1, 0, 2, 4.5))
    made(EventsReceived("created", 5))
    made(LagMeasured("event", (0.5, 1.5, 0.25, 2.5)))
    made(LagMeasured("sweep", (600.0,)))
    made(SweepAwaited(3600.0, 0))
    made(EventsFailed("the queue refuses"))
    assert made.status()["events"] == {
        "received": 5,
        "moved": 4,
        "lag_seconds": 1.5,
        "lag_p99_seconds": 2.5,
        "waiting": 3,
        "dead_letters": 2,
        "oldest_seconds": 4.5,
        "sweep_interval_seconds": 3600.0,
        "problem": "the queue refuses",
    }
    assert made.status()["next_sweep_at"] is not None
    made(EventsReceived("created", 1))
    events = made.status()["events"]
    assert isinstance(events, dict)
    assert events["problem"] == ""


def test_the_page_says_the_lag_what_waits_and_what_sweeps_cost_beside_events() -> None:
    events = {
        "received": 5,
        "moved": 4,
        "lag_seconds": 1.5,
        "lag_p99_seconds": 2.5,
        "waiting": 3,
        "dead_letters": 0,
        "sweep_interval_seconds": 60.0,
        "problem": "",
    }
    sweeps = [{"status": "completed", "cost_usd": cost} for cost in (0.2, 0.1, None)]
    line = events_line(events, [*sweeps, {"status": "failed", "cost_usd": 0.01}])
    assert "4 objects moved, half of them within" in line
    assert "3 messages wait." in line
    assert "cost about 144.00 USD a day." in line
