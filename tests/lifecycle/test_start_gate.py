"""Whether new work may start."""

from zoneinfo import ZoneInfo

from s3mover.events import Event, WindowClosed, WindowOpened
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.start_gate import OUTSIDE, PAUSED, StartGate
from s3mover.lifecycle.stop import Stop
from s3mover.windows import MINUTE, Window

FIRST_HOUR = Window(frozenset(range(7)), 0, 60, ZoneInfo("UTC"))
HOUR = 60 * MINUTE


class Fixture:
    """A gate and everything it reads."""

    def __init__(self, *windows: Window) -> None:
        self.stop, self.requests = Stop(), OperatorRequests()
        self.windows = list(windows)
        self.now = 0.0
        self.events: list[Event] = []
        self.gate = StartGate(
            self.stop,
            lambda: self.requests.pause_of("hr"),
            lambda: self.windows,
            self.events.append,
            lambda: self.now,
        )


def test_without_requests_and_windows_nothing_is_blocked() -> None:
    """No windows, no pause, no stop."""
    fixture = Fixture()
    fixture.gate.poll()
    assert (fixture.gate.blocked_by(), fixture.events) == ("", [])


def test_the_reasons_have_an_order() -> None:
    """A stop comes before a pause, a pause before the windows."""
    fixture = Fixture(FIRST_HOUR)
    fixture.now = HOUR
    assert fixture.gate.blocked_by() == OUTSIDE
    fixture.requests.pause()
    assert fixture.gate.blocked_by() == PAUSED
    fixture.stop.request("SIGTERM", 1.0)
    assert fixture.gate.blocked_by() == "SIGTERM"
    fixture.requests.resume()
    assert fixture.gate.blocked_by() == "SIGTERM"


def test_closing_and_opening_windows_are_announced() -> None:
    """Once each, with the time of the next change."""
    fixture = Fixture(FIRST_HOUR)
    for now in (0, HOUR - 1, HOUR, HOUR + 1, 24 * HOUR, 24 * HOUR + 1):
        fixture.now = now
        fixture.gate.poll()
    assert fixture.events == [WindowClosed(24 * HOUR), WindowOpened(25 * HOUR)]


def test_changed_windows_apply_at_once() -> None:
    """The gate reads the windows in force."""
    fixture = Fixture(FIRST_HOUR)
    fixture.now = HOUR
    fixture.windows.clear()
    assert fixture.gate.blocked_by() == ""
