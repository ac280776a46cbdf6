"""The loop of events: what is looked at, ordered, settled, and when a message may be deleted or comes again."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from s3mover.audit.opening import open_trail
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import Trail
from s3mover.errors import S3Error
from s3mover.events import Event, EventBatchEnded, EventsFailed, LagMeasured
from s3mover.model import (
    BatchKind,
    Method,
    ObjectEntry,
    Order,
    Outcome,
    Pair,
    Status,
    SweepStatus,
    Transfer,
    unmoved,
)
from s3mover.notifications.changes import ChangeKind, ObjectChange
from s3mover.notifications.messages import ReceivedMessage
from s3mover.planning.deletion_guards import DeletionPolicy
from s3mover.planning.page_diff import PageDiff, Rules
from s3mover.sweep.events.inboxes import Inboxes
from s3mover.sweep.events.lookups import Look
from s3mover.sweep.events.loop import EventLoop
from s3mover.sweep.events.parts import EventTools, Incoming
from s3mover.sweep.recovery import Recovery
from s3mover.sweep.tools import Beside, Inbox, SweepTools
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import Completed, PoolMessage
from tests.sweep.scripted import Scene, untracked

PAIR = Pair("there", "", "here", "")
AT = 1_795_867_200.0
BATCH_SECONDS = 900.0
POLICY = DeletionPolicy(
    propagate=True, recorded_only=False, confirm=2, min_age=0.0, max_objects=9, max_share=1.0
)


class FakeClient:
    """Stands for the worker pool: keeps what was handed out, until a test says what became of it."""

    def __init__(self) -> None:
        self.out: dict[str, Order] = {}

    def window(self) -> int:
        return 100

    def room(self) -> int:
        return 100 - len(self.out)

    def hand_out(self, orders: Sequence[Order]) -> None:
        self.out.update((order.key, order) for order in orders)

    def accept(self, message: PoolMessage) -> Completed:
        return message.completed

    def recall(self) -> None:
        """Nothing waits for a worker here."""

    def renew_lease(self, _until: float) -> None:
        """Workers' leases are no matter here."""

    configure = read_page = apply_bounds = recall


class FakeReceiver:
    """Records what is asked of it, and what stood in the trail when a message was deleted."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self.is_receiving = False
        self.deleted: list[int] = []
        self.given_back: list[tuple[int, bool]] = []

    def receive(self) -> None:
        self.is_receiving = True

    def pause(self) -> None:
        self.is_receiving = False

    def delete(self, messages: Sequence[int]) -> None:
        self.deleted += messages

    def give_back(self, messages: Sequence[int], *, at_once: bool) -> None:
        self.given_back += [(message, at_once) for message in messages]

    def close(self) -> None:
        self.is_receiving = False


class FakeLookups:
    """Records the keys that are looked at."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def begin(self, keys: Iterable[str], rules: Rules) -> None:
        assert rules.pair == PAIR
        self.asked += keys

    def close(self) -> None:
        """No threads run."""


class EventScene:
    """A loop of events over an embedded trail, with everything else in the hands of a test."""

    def __init__(self, trail: Trail) -> None:
        self.trail = trail
        self.now = AT
        self.blocked = ""
        self.events: list[Event] = []
        self.summaries = 0
        self.client, self.receiver, self.lookups = FakeClient(), FakeReceiver(trail), FakeLookups()
        inbox: Inbox = Inbox()
        self.incoming = Incoming(inbox)
        self.inboxes = Inboxes(inbox, self.incoming.wake)
        tools: SweepTools = replace(
            Scene().tools,
            trail=RetryingTrail(trail, self.events.append, lambda _: False, time.monotonic),
            client=cast("RouteClient", self.client),
            inbox=inbox,
            notify=self.events.append,
            clock=lambda: self.now,
            blocked_by=lambda: self.blocked,
            remover=None,
        )
        self.tools = tools
        parts = EventTools(
            tools=tools,
            client=cast("RouteClient", self.client),
            inboxes=self.inboxes,
            pair=PAIR,
            sum_up=lambda _: self._sum_up(),
            add_seal=lambda *_: None,
            rules=lambda: Rules(PAIR, lambda *_: True),
            deletion_policy=lambda: POLICY,
            batch_seconds=lambda: BATCH_SECONDS,
        )
        self.loop = EventLoop(parts, self.receiver, self.lookups, self.incoming)
        self.loop.begin(cast("Recovery", _NothingToAbort()))

    def tools_with(self, beside: object, heartbeat: Callable[[], None]) -> SweepTools:
        """Return the tools of sweeps beside which something else works."""
        costs = untracked(self.tools.trail)
        return replace(self.tools, beside=cast("Beside", beside), heartbeat=heartbeat, costs=costs)

    def arrive(self, number: int, *keys: str, at: float = AT - 1) -> None:
        """Let a message come that announces these keys, and go round."""
        changes = tuple(ObjectChange(ChangeKind.CREATED, key, at) for key in keys)
        self.incoming.put(ReceivedMessage(number, at, changes))
        self.loop.step()

    def looked(self, look: Look) -> None:
        """Let a look come back, and go round: what it orders is handed out by then."""
        self.incoming.put(look)
        self.loop.step()

    def settle(self, key: str, status: Status = Status.SUCCESS, code: str = "") -> None:
        """Let a worker end an order, and go round."""
        order = self.client.out.pop(key)
        outcome = unmoved(order, code, "", self.now)._replace(status=status)
        if status is Status.SUCCESS:
            outcome = _moved(outcome)
        self.inboxes.deliver(PoolMessage(Completed([outcome], [])))
        self.loop.step()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def _sum_up(self) -> str:
        self.summaries += 1
        return f"summary-{self.summaries}"


class _NothingToAbort:
    def abort_uploads_of(self, _set_aside: object, _since: float) -> None:
        """No worker died."""


def _moved(outcome: Outcome) -> Outcome:
    return outcome._replace(method=Method.STREAMING, destination_etag=outcome.source_etag)


def entry(key: str, etag: str = "0" * 32) -> ObjectEntry:
    return ObjectEntry(key, 3, etag, "2026-11-28T12:00:00.000Z", "STANDARD")


def missing(key: str) -> Look:
    return Look(key, PageDiff(1, [Transfer(entry(key), "missing")]))


def in_place(key: str) -> Look:
    return Look(key, PageDiff(1, [], {"in_place": 1}), entry(key))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[EventScene]:
    with closing(open_trail(f"sqlite:///{tmp_path}/trail.db")) as trail:
        assert trail.acquire_lease(PAIR)
        yield EventScene(trail)


def test_nothing_is_received_before_an_earlier_run_was_resolved(scene: EventScene) -> None:
    fresh = EventLoop(scene.loop._parts, scene.receiver, scene.lookups, scene.incoming)
    fresh.step()
    assert not scene.receiver.is_receiving
    scene.loop.step()
    assert scene.receiver.is_receiving


def test_a_message_is_deleted_where_nothing_is_to_be_done_and_leaves_no_batch(scene: EventScene) -> None:
    scene.arrive(1, "a")
    assert scene.lookups.asked == ["a"]
    scene.looked(in_place("a"))
    assert scene.receiver.deleted == [1]
    assert scene.trail.latest_sweeps(9) == []


def test_a_message_is_deleted_only_after_the_rows_of_all_of_its_keys_are_committed(scene: EventScene) -> None:
    scene.arrive(1, "a", "b")
    scene.looked(missing("a"))
    scene.looked(missing("b"))
    assert [row.key for row in scene.trail.pending(PAIR, 9)] == []  # its own batch is no leftover
    assert set(scene.client.out) == {"a", "b"}
    scene.settle("a")
    assert scene.receiver.deleted == []
    scene.settle("b")
    assert scene.receiver.deleted == [1]
    assert [total.objects for total in scene.trail.totals() if total.status is Status.SUCCESS] == [2]
    [lag, _] = scene.of(LagMeasured)
    assert lag == LagMeasured("event", (1.0,))


def test_what_failed_comes_again_when_it_would_have_and_waits_for_its_next_attempt(scene: EventScene) -> None:
    for number in (1, 2):
        scene.now += BATCH_SECONDS  # one batch counts as one failure, as one sweep does
        scene.loop.step()
        scene.arrive(number, "a")
        scene.looked(missing("a"))
        scene.settle("a", Status.ERROR, "AccessDenied")
    scene.arrive(3, "a")
    scene.looked(missing("a"))
    assert scene.client.out == {}
    assert scene.receiver.given_back == [(1, False), (2, False), (3, False)]
    assert scene.receiver.deleted == []


def test_an_object_that_vanished_on_its_way_is_done(scene: EventScene) -> None:
    scene.arrive(1, "a")
    scene.looked(missing("a"))
    scene.settle("a", Status.SKIPPED, "NoSuchKey")
    assert scene.receiver.deleted == [1]


def test_several_messages_of_a_key_are_one_look_and_those_that_come_later_another(scene: EventScene) -> None:
    scene.blocked = "paused"
    scene.loop.step()
    scene.blocked = ""
    for number in (1, 2):
        scene.incoming.put(ReceivedMessage(number, AT, (ObjectChange(ChangeKind.CREATED, "a", AT),)))
    scene.loop.step()
    scene.arrive(3, "a")
    assert scene.lookups.asked == ["a"]
    scene.looked(missing("a"))
    scene.settle("a")
    assert scene.receiver.deleted == [1, 2]
    scene.loop.step()
    assert scene.lookups.asked == ["a", "a"]


def test_what_is_gone_becomes_a_candidate_and_never_a_deletion(scene: EventScene) -> None:
    scene.arrive(1, "a")
    scene.looked(Look("a", None, entry("a")))
    assert scene.receiver.deleted == [1]
    [candidate] = scene.trail.candidates(PAIR, ["a"]).values()
    assert (candidate.times_missed, candidate.is_confirmed) == (0, False)
    assert scene.client.out == {}


def test_what_a_sweep_has_seen_of_a_candidate_an_event_does_not_change(scene: EventScene) -> None:
    scene.arrive(1, "a")
    scene.looked(Look("a", None, entry("a")))
    [candidate] = scene.trail.candidates(PAIR, ["a"]).values()
    seen = candidate._replace(times_missed=1, seen_sweep=77, last_missed_sweep=77)
    scene.trail.write_candidates(PAIR, [seen])
    scene.arrive(2, "a")
    scene.looked(Look("a", None, entry("a")))
    assert scene.trail.candidates(PAIR, ["a"])["a"] == seen


def test_an_object_that_cannot_be_looked_at_comes_again_and_is_announced(scene: EventScene) -> None:
    scene.arrive(1, "a")
    scene.looked(Look("a", error=S3Error("AccessDenied", "no")))
    assert scene.receiver.given_back == [(1, False)]
    assert len(scene.of(EventsFailed)) == 1


def test_an_internal_error_of_a_look_is_raised(scene: EventScene) -> None:
    scene.arrive(1, "a")
    with pytest.raises(ZeroDivisionError):
        scene.looked(Look("a", error=ZeroDivisionError()))


def test_a_key_in_the_hands_of_the_sweep_is_looked_at_afterwards(scene: EventScene) -> None:
    [own] = scene.loop.begin_sweeping([_order("a")], AT)
    scene.arrive(1, "a")
    assert (own.key, scene.lookups.asked) == ("a", [])
    scene.loop.end_sweeping(["a"])
    scene.loop.step()
    assert scene.lookups.asked == ["a"]


def test_the_sweep_leaves_what_events_have_in_hand_or_moved_since_it_began(scene: EventScene) -> None:
    scene.arrive(1, "moved")
    scene.looked(missing("moved"))
    scene.settle("moved")
    scene.arrive(2, "in hand")
    orders = [_order("moved", 1), _order("in hand", 2), _order("free", 3)]
    assert [order.key for order in scene.loop.begin_sweeping(orders, AT - 5)] == ["free"]
    scene.loop.step()
    assert scene.lookups.asked == ["moved", "in hand", "moved"]
    assert [order.key for order in scene.loop.begin_sweeping([_order("moved")], AT + 99)] == []
    scene.looked(in_place("moved"))
    scene.loop.step()
    scene.looked(in_place("moved"))
    assert [order.key for order in scene.loop.begin_sweeping([_order("moved")], AT + 99)] == ["moved"]


@pytest.mark.parametrize("how", ["blocked", "suspended", "stopping"])
def test_where_nothing_may_begin_nothing_is_received_and_what_waits_is_given_back_at_once(
    scene: EventScene, how: str
) -> None:
    scene.arrive(1, "a")
    scene.arrive(2, "b")
    scene.looked(missing("b"))
    if how == "blocked":
        scene.blocked = "outside sweep.windows"
    elif how == "suspended":
        scene.loop.suspend()
    else:
        scene.loop.stop()
    scene.arrive(3, "c")
    scene.looked(missing("a"))
    assert not scene.receiver.is_receiving
    assert scene.receiver.given_back == [(3, True), (1, True)]
    assert not scene.loop.is_idle
    scene.settle("b")
    assert (scene.receiver.deleted, scene.loop.is_idle) == ([2], True)


def test_a_batch_is_closed_after_its_time_and_summed_up_where_anything_moved(scene: EventScene) -> None:
    scene.arrive(1, "a")
    scene.looked(missing("a"))
    scene.now += BATCH_SECONDS
    scene.loop.step()
    assert scene.trail.latest_sweeps(1)[0].status is SweepStatus.RUNNING
    scene.arrive(2, "b")
    scene.looked(missing("b"))
    scene.settle("a")
    scene.settle("b")
    first, second = reversed(scene.trail.latest_sweeps(9, kind=BatchKind.EVENTS))
    assert (first.status, first.tally.succeeded, first.summary_file) == (
        SweepStatus.COMPLETED,
        1,
        "summary-1",
    )
    assert second.status is SweepStatus.RUNNING
    scene.loop.stop()
    scene.loop.step()
    assert scene.loop.has_ended
    assert [event.summary for event in scene.of(EventBatchEnded) if isinstance(event, EventBatchEnded)] == [
        "summary-1",
        "summary-2",
    ]


def _order(key: str, number: int = 1) -> Order:
    return Order(99, number, key, key, 3, "0" * 32, "2026-11-28T12:00:00.000Z", "STANDARD")
