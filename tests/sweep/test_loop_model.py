"""The loop of a sweep under every interleaving that hypothesis finds.

Intended before handed out, settled before counted and before a source object is deleted, each order settled or
withdrawn exactly once: `scripted.py` asserts it at each call. Here the calls are put in any order, and what the loop
leaves is compared with what happened.
"""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from s3mover.errors import AuditUnavailableError, S3Error
from s3mover.model import (
    INTERRUPTED,
    WORKER_DIED,
    Method,
    ObjectEntry,
    Order,
    Outcome,
    Status,
    SweepStatus,
    Transfer,
    unmoved,
)
from s3mover.planning.page_diff import PageDiff
from s3mover.planning.read_ahead import FeedEnded
from s3mover.sweep import backlog, loop
from s3mover.sweep.loop import Sweep
from tests.audit.samples import PAIR
from tests.sweep.scripted import OPENED, Scene

MODIFIED = "2025-01-04T03:17:09.000Z"
FATES = ["copied", "streamed", "failed", "skipped", "set aside"]
# Steps in which a loop that gets all answers must end.
STEPS_TO_END = 60
ROOM = 2


def outcome_of(order: Order, fate: str) -> Outcome:
    base = unmoved(order, "", "", 100.0, attempts=1)
    match fate:
        case "copied":
            return base._replace(status=Status.SUCCESS, method=Method.SERVER_SIDE_COPY, delete_due=True)
        case "streamed":
            return base._replace(status=Status.SUCCESS, method=Method.STREAMING)
        case "skipped":
            return base._replace(status=Status.SKIPPED, code="NoSuchKey")
        case "set aside":
            return base._replace(code=WORKER_DIED)
    return base._replace(code="AccessDenied")


class LoopMachine(RuleBasedStateMachine):
    """One sweep; its pool, trail, work source, remover, stop and start gate are scripted."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(loop, "TICK_SECONDS", 0.0)
        for module in (loop, backlog):
            self.patch.setattr(module, "ROWS_PER_WRITE", 3)
        self.scene = Scene(room=ROOM)
        self.sweep = Sweep(self.scene.tools, PAIR, self.scene.source, OPENED)
        self.scene.source.start(self.scene.deliver)
        self.found = 0
        self.delete_due: set[int] = set()
        self.crashed = False

    @property
    def goes_on(self) -> bool:
        """Whether the loop would go round again."""
        return not self.crashed and not self.sweep.is_done()

    @precondition(lambda self: self.scene.source.room and self.scene.source.ended is None)
    @rule(transfers=st.integers(0, 7), in_place=st.integers(0, 2))
    def a_page_comes(self, transfers: int, in_place: int) -> None:
        """As far as the loop made room."""
        numbers = range(self.found + 1, self.found + transfers + 1)
        self.found += transfers
        entries = [ObjectEntry(f"k{number}", number, "e", MODIFIED) for number in numbers]
        skipped = {"in_place": in_place} if in_place else {}
        diff = PageDiff(transfers + in_place, [Transfer(entry, "missing") for entry in entries], skipped)
        self.scene.source.page(diff)

    @rule(error=st.booleans())
    def the_source_ends(self, *, error: bool) -> None:
        """By itself, or by an error of the store."""
        self.end_source(
            FeedEnded(whole=False, error=S3Error("AccessDenied")) if error else FeedEnded(whole=True)
        )

    @precondition(lambda self: self.scene.client.out)
    @rule(data=st.data())
    def workers_report(self, data: st.DataObject) -> None:
        """Some orders end, some come back, in one message."""
        out = list(self.scene.client.out.values())
        chosen = data.draw(st.lists(st.sampled_from(out), min_size=1, unique=True))
        fates = [data.draw(st.sampled_from([*FATES, "returned", "orphaned"])) for _ in chosen]
        self.report(list(zip(chosen, fates, strict=True)))

    @precondition(lambda self: self.scene.client.recalled)
    @rule()
    def workers_answer_a_recall(self) -> None:
        """All that is out comes back."""
        self.report([(order, "returned") for order in self.scene.client.out.values()])

    @precondition(lambda self: self.scene.remover.due)
    @rule()
    def sources_are_deleted(self) -> None:
        """All that are due."""
        self.scene.deliver(self.scene.remover.removed())

    @rule(writes=st.integers(0, 2))
    def the_trail_fails(self, writes: int) -> None:
        """For good, after so many further writes."""
        if self.scene.trail.writes_left is None:
            self.scene.trail.writes_left = writes

    @rule()
    def new_work_is_blocked(self) -> None:
        """By a pause, a window's end or a stop."""
        self.scene.blocked_by = "paused"
        self.scene.trail.closed_to_intents = True

    @rule()
    def a_stop_is_overdue(self) -> None:
        """No time is left."""
        self.new_work_is_blocked()
        self.scene.stop.requested = self.scene.stop.overdue = True

    @precondition(lambda self: self.goes_on)
    @rule(times=st.integers(1, 3))
    def the_loop_goes_round(self, times: int) -> None:
        """Once, or a few times."""
        for _ in range(times):
            if self.goes_on:
                self.step()

    @invariant()
    def what_is_counted_stands_in_the_trail(self) -> None:
        """The counts are those of the rows; what is out is pending."""
        trail, tally = self.scene.trail, self.sweep.result().record.tally
        assert self.scene.client.out.keys() <= trail.pending()
        statuses = list(trail.rows.values())
        if not self.crashed:
            assert tally.planned == len(statuses)
            assert tally.succeeded == statuses.count(Status.SUCCESS)
            assert tally.failed == statuses.count(Status.ERROR)
        assert tally.succeeded <= statuses.count(Status.SUCCESS)
        assert {one.number for one in self.scene.remover.asked} <= self.delete_due

    def teardown(self) -> None:
        """Answer all that is asked: the loop ends, and nothing is left open."""
        try:
            for _ in range(STEPS_TO_END):
                if not self.goes_on:
                    break
                self.report([(order, "copied") for order in self.scene.client.out.values()])
                self.scene.deliver(self.scene.remover.removed())
                self.end_source(FeedEnded(whole=True))
                self.step()
            assert not self.goes_on, "the loop does not end"
            if not self.crashed and not self.scene.stop.overdue:
                self.check_end()
        finally:
            self.patch.undo()

    def check_end(self) -> None:
        """Each order was settled or withdrawn; the result says how it ended."""
        trail, result = self.scene.trail, self.sweep.result()
        assert not trail.pending()
        assert not self.scene.client.out
        settled = self.scene.source.settled_numbers
        assert settled <= trail.rows.keys() | trail.withdrawn
        assert settled >= trail.rows.keys()
        assert {one.number for one in trail.deletions} == self.delete_due
        assert len(trail.deletions) == len(self.scene.remover.asked)
        assert len(self.scene.witness.keys) == len(settled)
        assert self.scene.source.room == ROOM
        died = [outcome for outcome in result.set_aside if outcome.code == WORKER_DIED]
        assert result.set_aside == died
        ended = self.scene.source.ended
        assert ended is not None
        assert result.error is ended.error
        if ended.error is not None:
            assert result.record.status is SweepStatus.FAILED
        elif ended.whole and result.record.tally.waiting == 0:
            assert result.record.status is SweepStatus.COMPLETED
        else:
            assert result.record.status is SweepStatus.INTERRUPTED
        if not self.scene.blocked_by and ended.error is None:
            assert trail.rows.keys() | trail.withdrawn == set(range(1, self.found + 1))

    def step(self) -> None:
        try:
            self.sweep.step()
        except AuditUnavailableError:
            self.crashed = True

    def end_source(self, ended: FeedEnded) -> None:
        source = self.scene.source
        if source.ended is None:
            source.end(ended)
            self.scene.trail.closed_to_intents |= ended.error is not None

    def report(self, fates: list[tuple[Order, str]]) -> None:
        ended = [outcome_of(order, fate) for order, fate in fates if fate in FATES]
        self.delete_due |= {outcome.number for outcome in ended if outcome.delete_due}
        back = [order for order, fate in fates if fate == "returned"]
        back += [order._replace(orphaned_since=99.0) for order, fate in fates if fate == "orphaned"]
        self.scene.deliver(self.scene.client.completed(ended, back))


TestLoop = LoopMachine.TestCase
TestLoop.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_an_orphan_keeps_its_row_and_an_unbegun_order_does_not() -> None:
    """What a worker died with may have been carried out; what none began was not."""
    scene: Any = Scene()
    sweep = Sweep(scene.tools, PAIR, scene.source, OPENED)
    scene.source.start(scene.deliver)
    entries = [ObjectEntry(f"k{number}", 1, "e", MODIFIED) for number in (1, 2)]
    scene.source.page(PageDiff(2, [Transfer(entry, "missing") for entry in entries]))
    sweep.step()
    orphan, unbegun = scene.client.out.values()
    scene.deliver(scene.client.completed(returned=[orphan._replace(orphaned_since=99.0), unbegun]))
    scene.source.end(FeedEnded(whole=True))
    sweep.step()
    assert sweep.is_done()
    assert scene.trail.rows == {1: Status.ERROR}
    assert scene.trail.withdrawn == {2}
    [failure] = sweep.result().failures
    assert (failure.number, failure.code) == (1, INTERRUPTED)
