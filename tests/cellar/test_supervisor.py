"""The daemon's life, with duties that only note what was asked of them."""

from collections.abc import Iterator

import pytest

from s3mover.events import DaemonStarted, Event
from s3mover.stop import Stop
from s3mover.supervisor import LONGEST_BACKOFF_SECONDS, Duties, StopNotice, Supervisor, pause_after

STARTED = DaemonStarted("1", "pair", 2, 150)


class Diary:
    """Duties that follow a script and note the order of things."""

    def __init__(self, stop: Stop, leads: Iterator[bool], rounds: list[bool]) -> None:
        self.entries: list[str] = []
        self._stop = stop
        self._leads = leads
        self._rounds = rounds

    def acquire(self) -> bool:
        self.entries.append("acquire")
        return next(self._leads)

    def round(self) -> bool:
        self.entries.append("round")
        outcome = self._rounds.pop(0)
        if not self._rounds:
            self._stop.request("end of script", 1.0)
        return outcome

    def idle(self, seconds: float) -> None:
        self.entries.append(f"idle {seconds:g}")

    def notify(self, event: Event) -> None:
        self.entries.append(event.name)

    def run(self, interval: float = 60.0) -> list[str]:
        duties = Duties(self.acquire, self.round, self.idle, lambda: self.entries.append("tend"))
        Supervisor(duties, STARTED, interval, self._stop, self.notify).run()
        return self.entries


def test_rounds_follow_each_other_at_the_interval() -> None:
    """The interval counts from the end of a round."""
    assert Diary(Stop(), iter([True]), [True, True]).run() == [
        "daemon.started",
        "acquire",
        "lease.acquired",
        "round",
        "idle 60",
        "round",
        "idle 60",
        "tend",
        "daemon.stopped",
    ]


def test_without_the_lease_it_stands_by() -> None:
    """No round is made before the lease is held."""
    entries = Diary(Stop(), iter([False, False, True]), [True]).run()
    assert entries[:8] == [
        "daemon.started",
        "acquire",
        "lease.waiting",
        "acquire",
        "idle 1",
        "acquire",
        "lease.acquired",
        "round",
    ]


def test_failed_rounds_are_made_again_after_longer_waits() -> None:
    """Each failure in a row doubles the wait; a success ends that."""
    entries = Diary(Stop(), iter([True]), [False, False, True]).run(interval=10.0)
    assert [entry for entry in entries if entry.startswith("idle")] == ["idle 20", "idle 40", "idle 10"]


@pytest.mark.parametrize(("failed", "seconds"), [(0, 60), (1, 120), (2, 240), (3, 300), (5000, 300)])
def test_the_wait_after_failures_is_bounded(failed: int, seconds: float) -> None:
    """Five minutes at most, however long it fails."""
    assert pause_after(60.0, failed) == seconds


def test_a_long_interval_is_never_shortened_by_failures() -> None:
    """Who sweeps once a day does not sweep more often because it fails."""
    assert pause_after(LONGEST_BACKOFF_SECONDS * 10, 3) == LONGEST_BACKOFF_SECONDS * 10


def test_a_stop_is_announced_once() -> None:
    """However often the loop comes round."""
    told: list[str] = []
    stop = Stop()
    notice = StopNotice(stop, lambda event: told.append(event.name))
    notice.look()
    stop.request("SIGTERM", 5.0)
    notice.look()
    notice.look()
    assert told == ["daemon.stopping"]
