"""Between sweeps old rows are removed in small steps, never for so long that the next sweep is late."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import Trail
from s3mover.lifecycle.stop import Stop
from s3mover.model import SweepRecord, SweepStatus, Tally, Wait, WaitChanges
from s3mover.sweep import pruning
from s3mover.sweep.pruning import MAX_SECONDS, WAITS_KEPT_SECONDS, prune
from testkit.leases import leading_trail
from tests.audit.samples import AT, PAIR, moved, order

ROWS = 10
NOW = AT + WAITS_KEPT_SECONDS + 1000


@dataclass
class Tools:
    """A trail of its own, and a clock that every step puts forward."""

    trail: RetryingTrail
    seconds_per_step: float = 0.0
    now: float = NOW
    stop: Stop = field(default_factory=Stop)

    @property
    def clock(self) -> Callable[[], float]:
        """The time."""
        return lambda: self.now

    def heartbeat(self) -> None:
        """A step."""
        self.now += self.seconds_per_step


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    """Ten settled rows, ten waits that were due long ago and one that was not; three go at a step."""
    monkeypatch.setattr(pruning, "ROWS_PER_STEP", 3)
    with leading_trail(f"sqlite:///{tmp_path}/trail.db", PAIR) as opened:
        sweep = opened.open_sweep(PAIR, AT)
        due = [AT] * ROWS + [NOW - 60]
        waits = [Wait(f"k{n}", 2, sweep, "e", AT, at) for n, at in enumerate(due)]
        orders = [order(sweep, number) for number in range(ROWS)]
        opened.intend(orders, AT)
        opened.settle([moved(each) for each in orders], WaitChanges(PAIR, waits))
        opened.close_sweep(SweepRecord(sweep, PAIR, AT, AT + 9, SweepStatus.COMPLETED, Tally(), 0))
        yield opened


def tools_for(trail: Trail, seconds_per_step: float = 0.0) -> Tools:
    """Return tools over the trail."""
    return Tools(RetryingTrail(trail, lambda _: None, lambda _: False, lambda: 0.0), seconds_per_step)


def left(trail: Trail) -> tuple[int, int]:
    """Count the rows and the waits that are left."""
    rows = sum(total.objects for total in trail.totals())
    return rows, len(trail.waits(PAIR, [f"k{n}" for n in range(ROWS + 1)]))


def test_all_that_is_old_goes(trail: Trail) -> None:
    """However many steps it takes; what is young stays, and rows stay for ever where no retention is set."""
    prune(tools_for(trail), PAIR, 0)
    assert left(trail) == (ROWS, 1)
    prune(tools_for(trail), PAIR, AT + 60)
    assert left(trail) == (0, 1)


def test_the_next_sweep_is_not_kept_waiting(trail: Trail) -> None:
    """When the time is over, the rest is left to the next time."""
    tools = tools_for(trail, MAX_SECONDS / 2)
    prune(tools, PAIR, NOW - 60)
    assert left(trail) == (ROWS - 6, ROWS + 1 - 6)


def test_a_stop_ends_the_pruning(trail: Trail) -> None:
    """Nothing more is removed once a stop is asked for."""
    tools = tools_for(trail)
    tools.stop.request("SIGTERM", 25)
    prune(tools, PAIR, NOW - 60)
    assert left(trail) == (ROWS, ROWS + 1)
