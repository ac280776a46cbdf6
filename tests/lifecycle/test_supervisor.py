"""The daemon's life, with duties that only note what was asked of them."""

from collections.abc import Callable, Sequence

import pytest

from s3mover.events import Event, SweepAwaited
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import (
    LONGEST_BACKOFF_SECONDS,
    SHORTEST_BACKOFF_SECONDS,
    StopAnnouncer,
    Supervisor,
    SupervisorHooks,
    pause_after,
)
from s3mover.model import SweepStatus

COMPLETED, FAILED, INTERRUPTED = SweepStatus.COMPLETED, SweepStatus.FAILED, SweepStatus.INTERRUPTED


class Diary:
    """Duties that follow a script, note the order of things, and let time pass only while idle.

    `each_idle` is called with the time whenever it idles.
    """

    def __init__(self, rounds: list[SweepStatus], leads: Sequence[bool] = (True,)) -> None:
        self.entries: list[str] = []
        self.stop, self.requests = Stop(), OperatorRequests()
        self.now = 0.0
        self.why_held = ""
        self.interval = 60.0
        self.each_idle: Callable[[float], None] = lambda _: None
        self._leads = iter(leads)
        self._rounds = rounds

    def acquire(self) -> bool:
        self.entries.append("acquire")
        return next(self._leads)

    def round(self) -> SweepStatus:
        self.entries.append(f"round at {self.now:.0f}")
        outcome = self._rounds.pop(0)
        if not self._rounds:
            self.stop.request("end of script", 1.0)
        return outcome

    def idle(self, seconds: float) -> None:
        self.now += seconds
        self.each_idle(self.now)

    def notify(self, event: Event) -> None:
        if not isinstance(event, SweepAwaited):
            self.entries.append(event.name)

    def run(self, rounds: int = 0) -> list[str]:
        hooks = SupervisorHooks(
            self.acquire,
            self.round,
            self.idle,
            lambda: self.why_held,
            lambda: self.interval,
        )
        Supervisor(
            hooks, "pair", self.stop, self.requests, self.notify, rounds=rounds, clock=lambda: self.now
        ).run()
        return self.entries

    def rounds(self, rounds: int = 0) -> list[str]:
        return [entry for entry in self.run(rounds) if entry.startswith("round")]


def test_rounds_follow_each_other_at_the_interval() -> None:
    """The first is made at once, the interval counts from the end of a round."""
    assert Diary([COMPLETED, COMPLETED]).run() == [
        "acquire",
        "lease.acquired",
        "round at 0",
        "round at 60",
    ]


def test_without_the_lease_it_stands_by() -> None:
    """No round is made before the lease is held."""
    assert Diary([COMPLETED], [False, False, True]).run()[:6] == [
        "acquire",
        "lease.waiting",
        "acquire",
        "acquire",
        "lease.acquired",
        "round at 1",
    ]


def test_failed_rounds_are_made_again_after_longer_waits() -> None:
    """Each failure in a row doubles the wait; a success ends that."""
    diary = Diary([FAILED, FAILED, COMPLETED, FAILED, COMPLETED])
    diary.interval = 10.0
    assert diary.rounds() == ["round at 0", "round at 20", "round at 60", "round at 70", "round at 90"]


@pytest.mark.parametrize(("failed", "seconds"), [(0, 60), (1, 120), (2, 240), (3, 300), (5000, 300)])
def test_the_wait_after_failures_is_bounded(failed: int, seconds: float) -> None:
    """Five minutes at most, however long it fails."""
    assert pause_after(60.0, failed) == seconds


def test_a_long_interval_is_never_shortened_by_failures() -> None:
    """Who sweeps once a day does not sweep more often because it fails."""
    assert pause_after(LONGEST_BACKOFF_SECONDS * 10, 3) == LONGEST_BACKOFF_SECONDS * 10


def test_without_an_interval_failures_still_wait() -> None:
    """Who sweeps without a pause does not fail without one."""
    assert pause_after(0.0, 0) == 0.0
    assert pause_after(0.0, 1) == 2 * SHORTEST_BACKOFF_SECONDS
    assert pause_after(0.0, 5000) == LONGEST_BACKOFF_SECONDS


def test_who_asks_for_a_round_gets_one_now() -> None:
    """It is made before its time, and the interval counts from its end."""
    diary = Diary([COMPLETED] * 3)

    def ask(now: float) -> None:
        if 19.9 < now < 20.1 and diary.requests.sweeps == 0:
            diary.requests.sweep()

    diary.each_idle = ask
    assert diary.rounds() == ["round at 0", "round at 20", "round at 80"]


def test_who_asks_during_a_round_gets_another() -> None:
    """What was listed may be older than the wish."""
    diary = Diary([COMPLETED] * 2)
    duty = diary.round

    def asked() -> SweepStatus:
        diary.requests.sweep()
        return duty()

    diary.round = asked  # type: ignore[method-assign]
    assert diary.rounds() == ["round at 0", "round at 0"]


@pytest.mark.parametrize("asked", [False, True])
def test_nothing_begins_while_it_is_held(*, asked: bool) -> None:
    """However long, and whoever asks; then what is due is made at once."""
    diary = Diary([COMPLETED] * 2)
    diary.why_held = "paused"

    def let_go(now: float) -> None:
        if asked:
            diary.requests.sweep()
        if now > 500:
            diary.why_held = ""

    diary.each_idle = let_go
    assert diary.rounds()[0] == "round at 500"


def test_an_interrupted_round_is_made_again_as_soon_as_it_may() -> None:
    """It is not what the interval was meant for."""
    assert Diary([INTERRUPTED, COMPLETED]).rounds() == ["round at 0", "round at 0"]


def test_an_interval_that_changes_counts_at_once() -> None:
    """Also for the wait that has begun."""
    diary = Diary([COMPLETED] * 2)

    def shorten(_now: float) -> None:
        diary.interval = 30.0

    diary.each_idle = shorten
    assert diary.rounds() == ["round at 0", "round at 30"]


def test_it_ends_after_so_many_rounds() -> None:
    """Failed ones count, too."""
    assert Diary([COMPLETED, FAILED, COMPLETED]).run(2)[2:] == [
        "round at 0",
        "round at 60",
    ]


def test_the_wait_for_the_next_round_is_told() -> None:
    """With how often it failed in a row."""
    diary, told = Diary([FAILED, FAILED, COMPLETED]), list[tuple[float, int]]()

    def notify(event: Event) -> None:
        if isinstance(event, SweepAwaited):
            told.append((event.seconds, event.failed_in_a_row))

    diary.notify = notify  # type: ignore[method-assign]
    diary.run()
    assert told == [(120.0, 1), (240.0, 2), (60.0, 0)]


def test_a_stop_is_announced_once() -> None:
    """However often the loop comes round."""
    told: list[str] = []
    stop = Stop()
    notice = StopAnnouncer(stop, lambda event: told.append(event.name))
    notice.poll()
    stop.request("SIGTERM", 5.0)
    notice.poll()
    notice.poll()
    assert told == ["daemon.stopping"]
