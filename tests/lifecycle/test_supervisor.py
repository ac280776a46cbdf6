"""The supervisor of a route, with hooks that only record their calls."""

from collections.abc import Callable, Sequence

import pytest

from s3mover.events import Event, SweepAwaited
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import (
    MAX_BACKOFF_SECONDS,
    MIN_BACKOFF_SECONDS,
    Supervisor,
    SupervisorHooks,
    pause_after,
)
from s3mover.model import SweepStatus

COMPLETED, FAILED, INTERRUPTED = SweepStatus.COMPLETED, SweepStatus.FAILED, SweepStatus.INTERRUPTED


class Script:
    """Hooks that return scripted results and record their calls; time passes only while idle.

    `on_idle` is called with the time at each call of `idle`.
    """

    def __init__(self, statuses: list[SweepStatus], leases: Sequence[bool] = (True,)) -> None:
        self.entries: list[str] = []
        self.stop, self.requests = Stop(), OperatorRequests()
        self.now = 0.0
        self.blocked = ""
        self.interval = 60.0
        self.renewals = 0
        self.on_idle: Callable[[float], None] = lambda _: None
        self._leases = iter(leases)
        self._statuses = statuses

    def acquire(self) -> bool:
        self.entries.append("acquire")
        return next(self._leases)

    def sweep(self) -> SweepStatus:
        self.entries.append(f"sweep at {self.now:.0f}")
        status = self._statuses.pop(0)
        if not self._statuses:
            self.stop.request("end of script", 1.0)
        return status

    def idle(self, seconds: float) -> None:
        self.now += seconds
        self.on_idle(self.now)

    def notify(self, event: Event) -> None:
        if not isinstance(event, SweepAwaited):
            self.entries.append(event.name)

    def run(self, max_sweeps: int = 0) -> list[str]:
        hooks = SupervisorHooks(
            self.acquire,
            self.sweep,
            self.idle,
            lambda: self.blocked,
            lambda: self.interval,
            lambda: self.renewals,
            lambda: self.requests.sweeps_of("hr"),
        )
        Supervisor(
            hooks,
            "pair",
            self.stop,
            self.notify,
            max_sweeps=max_sweeps,
            clock=lambda: self.now,
        ).run()
        return self.entries

    def sweeps(self) -> list[str]:
        return [entry for entry in self.run() if entry.startswith("sweep")]


def test_sweeps_are_an_interval_apart() -> None:
    """The first starts at once; the interval starts at the end of a sweep."""
    assert Script([COMPLETED, COMPLETED]).run() == [
        "acquire",
        "lease.acquired",
        "sweep at 0",
        "sweep at 60",
    ]


def test_without_the_lease_no_sweep_starts() -> None:
    """The supervisor retries until it holds the lease."""
    assert Script([COMPLETED], [False, False, True]).run()[:6] == [
        "acquire",
        "lease.waiting",
        "acquire",
        "acquire",
        "lease.acquired",
        "sweep at 1",
    ]


def test_failed_sweeps_are_retried_after_longer_waits() -> None:
    """Each failure in a row doubles the wait; a success resets it."""
    script = Script([FAILED, FAILED, COMPLETED, FAILED, COMPLETED])
    script.interval = 10.0
    assert script.sweeps() == ["sweep at 0", "sweep at 20", "sweep at 60", "sweep at 70", "sweep at 90"]


@pytest.mark.parametrize(("failed", "seconds"), [(0, 60), (1, 120), (2, 240), (3, 300), (5000, 300)])
def test_the_wait_after_failures_is_bounded(failed: int, seconds: float) -> None:
    """Five minutes at most."""
    assert pause_after(60.0, failed) == seconds


def test_a_long_interval_is_never_shortened_by_failures() -> None:
    """A daily sweep does not run more often because it fails."""
    assert pause_after(MAX_BACKOFF_SECONDS * 10, 3) == MAX_BACKOFF_SECONDS * 10


def test_failures_wait_also_without_an_interval() -> None:
    """There is no busy loop of failing sweeps."""
    assert pause_after(0.0, 0) == 0.0
    assert pause_after(0.0, 1) == 2 * MIN_BACKOFF_SECONDS
    assert pause_after(0.0, 5000) == MAX_BACKOFF_SECONDS


def test_a_requested_sweep_starts_at_once() -> None:
    """Before it is due; the next interval starts at its end."""
    script = Script([COMPLETED] * 3)

    def request(now: float) -> None:
        if 19.9 < now < 20.1 and script.requests.sweeps == 0:
            script.requests.sweep()

    script.on_idle = request
    assert script.sweeps() == ["sweep at 0", "sweep at 20", "sweep at 80"]


def test_a_request_during_a_sweep_starts_another() -> None:
    """The listing may be older than the request."""
    script = Script([COMPLETED] * 2)
    sweep = script.sweep

    def sweep_with_request() -> SweepStatus:
        script.requests.sweep()
        return sweep()

    script.sweep = sweep_with_request  # type: ignore[method-assign]
    assert script.sweeps() == ["sweep at 0", "sweep at 0"]


def test_renewed_credentials_end_the_wait_after_a_failure() -> None:
    """At once, and only once; after a sweep that did not fail they change nothing."""
    script = Script([COMPLETED, FAILED, FAILED, COMPLETED])

    def renew(now: float) -> None:
        script.renewals = sum(now >= moment for moment in (30, 90))

    script.on_idle = renew
    assert script.sweeps() == ["sweep at 0", "sweep at 60", "sweep at 90", "sweep at 330"]


@pytest.mark.parametrize("requested", [False, True])
def test_no_sweep_starts_while_blocked(*, requested: bool) -> None:
    """Not even a requested one; a due sweep starts as soon as nothing blocks it."""
    script = Script([COMPLETED] * 2)
    script.blocked = "paused"

    def unblock(now: float) -> None:
        if requested:
            script.requests.sweep()
        if now > 500:
            script.blocked = ""

    script.on_idle = unblock
    assert script.sweeps()[0] == "sweep at 500"


def test_an_interrupted_sweep_is_repeated_without_waiting() -> None:
    """The interval applies only after a completed or failed sweep."""
    assert Script([INTERRUPTED, COMPLETED]).sweeps() == ["sweep at 0", "sweep at 0"]


def test_a_changed_interval_applies_at_once() -> None:
    """Also to a wait in progress."""
    script = Script([COMPLETED] * 2)

    def shorten(_now: float) -> None:
        script.interval = 30.0

    script.on_idle = shorten
    assert script.sweeps() == ["sweep at 0", "sweep at 30"]


def test_it_ends_after_the_maximum_of_sweeps() -> None:
    """Including failed ones."""
    assert Script([COMPLETED, FAILED, COMPLETED]).run(2)[2:] == [
        "sweep at 0",
        "sweep at 60",
    ]


def test_the_wait_for_the_next_sweep_is_announced() -> None:
    """With the number of failures in a row."""
    script, waits = Script([FAILED, FAILED, COMPLETED]), list[tuple[float, int]]()

    def notify(event: Event) -> None:
        if isinstance(event, SweepAwaited):
            waits.append((event.seconds, event.failed_in_a_row))

    script.notify = notify  # type: ignore[method-assign]
    script.run()
    assert waits == [(120.0, 1), (240.0, 2), (60.0, 0)]
