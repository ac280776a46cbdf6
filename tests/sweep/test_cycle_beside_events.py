"""Sweeps beside events: machines begin only once events are idle, and no deletion meets an event of its key."""

from contextlib import closing
from pathlib import Path
from typing import cast

from s3mover.audit.opening import open_trail
from s3mover.model import DeletionCandidate, Order, Pair, SweepRecord, SweepStatus, Tally
from s3mover.planning.deletion_guards import DeletionPolicy
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import no_retry
from s3mover.sweep.cycle import SweepCycle, SweepTarget
from s3mover.sweep.deletions.execution import Carried, Deleter
from s3mover.sweep.deletions.phase import DeletionPhase
from s3mover.sweep.result import DestinationOnly, SweepResult
from s3mover.sweep.shared_sweep import SharedSweep
from s3mover.sweep.tools import OpenSweep, SweepTools
from tests.sweep.test_event_loop import PAIR, EventScene


class FakeEvents:
    """Has something in hand for some heartbeats, and records what is asked of it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.beats_left = 3
        self.keeps_all = False

    def begin(self, _recovery: object) -> None:
        self.told.append("begin")

    def suspend(self) -> None:
        self.told.append("suspend")

    def resume(self) -> None:
        self.told.append("resume")

    @property
    def is_idle(self) -> bool:
        return self.beats_left == 0

    def beat(self) -> None:
        self.beats_left = max(0, self.beats_left - 1)

    def begin_sweeping(self, orders: list[Order], _since: float) -> list[Order]:
        return [] if self.keeps_all else orders

    def end_sweeping(self, _keys: object) -> None:
        """The sweep is the machines' here."""


class FakeShared:
    """A sweep by machines that lists nothing."""

    def __init__(self, events: FakeEvents, opened: OpenSweep) -> None:
        self._events = events
        self._opened = opened

    def run(self) -> SweepResult:
        assert self._events.is_idle
        self._events.told.append("shared sweep")
        record = SweepRecord(self._opened.id, PAIR, 1.0, 2.0, SweepStatus.COMPLETED, Tally(), 1)
        return SweepResult(record, None, [], {}, [], {})


def test_events_are_suspended_and_awaited_before_machines_begin_and_resumed_after(tmp_path: Path) -> None:
    events = FakeEvents()

    def share(_tools: SweepTools, _pair: Pair, opened: OpenSweep) -> SharedSweep:
        return cast("SharedSweep", FakeShared(events, opened))

    with closing(open_trail(f"sqlite:///{tmp_path}/trail.db")) as trail:
        assert trail.acquire_lease(PAIR)
        tools = EventScene(trail).tools_with(events, events.beat)
        nowhere = cast("Bucket", None)
        target = SweepTarget(
            PAIR, lambda: (_ for _ in ()).throw(AssertionError), nowhere, nowhere, no_retry, share
        )
        SweepCycle(tools, target, lambda _: "", lambda *_: None, lambda: 0.0).run()
    assert events.told == ["begin", "suspend", "shared sweep", "resume"]


class NoDeleter:
    """Must not be asked to delete."""

    def carry_out(self, orders: list[Order], _lease: object) -> list[Carried]:
        raise AssertionError(f"deletes {orders}")


def test_a_confirmed_deletion_waits_while_events_have_its_key_in_hand(tmp_path: Path) -> None:
    """The object is back at the source: an event is about to copy it."""
    events = FakeEvents()
    events.keeps_all = True
    policy = DeletionPolicy(True, False, 1, 0.0, 9, 1.0)
    with closing(open_trail(f"sqlite:///{tmp_path}/trail.db")) as trail:
        assert trail.acquire_lease(PAIR)
        sweep = trail.open_sweep(PAIR, 5.0)
        trail.write_candidates(PAIR, [DeletionCandidate("a", "e", 1, sweep, 6.0)])
        tools = EventScene(trail).tools_with(events, events.beat)
        record = SweepRecord(sweep, PAIR, 5.0, 7.0, SweepStatus.COMPLETED, Tally(listed=9, skipped=9), 1)
        swept = SweepResult(record, None, [], {}, [], {})
        seen = DestinationOnly(policy, 10, 1, {})
        counts = DeletionPhase(tools, PAIR, cast("Deleter", NoDeleter()), swept, seen).run()
    assert (counts.deleted, counts.confirmed, counts.kept) == (0, 1, {"by_events": 1})
