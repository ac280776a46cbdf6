"""Whether new work may begin."""

from zoneinfo import ZoneInfo

from s3mover.events import Event, WindowClosed, WindowOpened
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.start_gate import OUTSIDE, PAUSED, PauseAnnouncer, StartGate
from s3mover.lifecycle.stop import Stop
from s3mover.windows import MINUTE, Window

FIRST_HOUR = Window(frozenset(range(7)), 0, 60, ZoneInfo("UTC"))
HOUR = 60 * MINUTE


class SharedRuntime:
    """A gate with all that it looks at."""

    def __init__(self, *windows: Window) -> None:
        self.stop, self.requests = Stop(), OperatorRequests()
        self.windows = list(windows)
        self.now = 0.0
        self.heard: list[Event] = []
        self.gate = StartGate(
            self.stop, self.requests, lambda: self.windows, self.heard.append, lambda: self.now
        )


def test_nothing_holds_back_who_is_wished_nothing() -> None:
    """No windows, no pause, no stop."""
    runtime = SharedRuntime()
    runtime.gate.poll()
    assert (runtime.gate.blocked_by(), runtime.heard) == ("", [])


def test_the_reasons_have_their_order() -> None:
    """A stop counts more than a pause, a pause more than the windows."""
    runtime = SharedRuntime(FIRST_HOUR)
    runtime.now = HOUR
    assert runtime.gate.blocked_by() == OUTSIDE
    runtime.requests.pause()
    assert runtime.gate.blocked_by() == PAUSED
    runtime.stop.request("SIGTERM", 1.0)
    assert runtime.gate.blocked_by() == "SIGTERM"
    runtime.requests.resume()
    assert runtime.gate.blocked_by() == "SIGTERM"


def test_windows_are_announced_as_they_close_and_open() -> None:
    """Once each, with the time of the next change."""
    runtime = SharedRuntime(FIRST_HOUR)
    for now in (0, HOUR - 1, HOUR, HOUR + 1, 24 * HOUR, 24 * HOUR + 1):
        runtime.now = now
        runtime.gate.poll()
    assert runtime.heard == [WindowClosed(24 * HOUR), WindowOpened(25 * HOUR)]


def test_windows_may_change() -> None:
    """The ones in force now count."""
    runtime = SharedRuntime(FIRST_HOUR)
    runtime.now = HOUR
    runtime.windows.clear()
    assert runtime.gate.blocked_by() == ""


def test_a_pause_is_announced_once() -> None:
    """And so is its end."""
    requests, heard = OperatorRequests(), list[str]()
    notice = PauseAnnouncer(requests, lambda event: heard.append(event.name))
    for act in (notice.poll, requests.pause, requests.pause, notice.poll, requests.resume):
        act()
        notice.poll()
    assert heard == ["daemon.paused", "daemon.resumed"]
