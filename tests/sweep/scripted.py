"""A worker pool, a trail and a work source that do what a test says, and check what the loop does to them."""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.costs.prices import PairPrices, PlacePrices
from s3mover.errors import AuditUnavailableError
from s3mover.events import Event, ObjectFailed, ObjectMoved, ObjectSkipped, TransfersPlanned
from s3mover.model import Deletion, DueDeletion, Order, Outcome, Pair, Status, Wait, WaitChanges
from s3mover.planning.backoff import BackoffPolicy
from s3mover.planning.page_diff import PageDiff
from s3mover.planning.read_ahead import FeedEnded
from s3mover.sweep.cost_meter import CostMeter
from s3mover.sweep.costs import CommandBudget, CostLimits, CostTracker
from s3mover.sweep.removal import Removed, Remover
from s3mover.sweep.tools import Inbox, Message, OpenSweep, SweepTools
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import Completed, PoolMessage

SWEEP = 7
OPENED = OpenSweep(SWEEP, 0.0)


class ScriptedTrail:
    """Keeps rows in memory, asserts that each is opened and closed once; fails at a later write where told to."""

    def __init__(self) -> None:
        self.rows: dict[int, Status] = {}
        self.withdrawn: set[int] = set()
        self.deletions: list[DueDeletion] = []
        self.writes_left: int | None = None
        self.closed_to_intents = False
        self.outage_seconds = 0.0

    def lease_confirmed_at(self) -> float:
        return 0.0

    def has_waits(self, _pair: Pair) -> bool:
        return False

    def waits(self, _pair: Pair, _keys: Sequence[str]) -> dict[str, Wait]:
        return {}

    def intend(self, orders: Sequence[Order], _at: float) -> None:
        self._write()
        assert not self.closed_to_intents, "intended after a block, or after the source had failed"
        for order in orders:
            assert order.number not in self.rows.keys() | self.withdrawn
            self.rows[order.number] = Status.PENDING

    def settle(self, outcomes: Sequence[Outcome], _changes: WaitChanges | None = None) -> None:
        self._write()
        for outcome in outcomes:
            assert self.rows.get(outcome.number) is Status.PENDING, "settled twice, or never intended"
            self.rows[outcome.number] = outcome.status
            if outcome.status is Status.SKIPPED:
                del self.rows[outcome.number]
                self.withdrawn.add(outcome.number)

    def end_deletions(self, deletions: Sequence[Deletion], _at: float) -> None:
        self._write()
        self.deletions += [deletion.due for deletion in deletions]

    def pending(self) -> set[int]:
        return {number for number, status in self.rows.items() if status is Status.PENDING}

    def _write(self) -> None:
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise AuditUnavailableError("away")


class ScriptedClient:
    """Stands for the worker pool: holds the orders that are out, and asserts that each was intended before."""

    def __init__(self, trail: ScriptedTrail, window: int) -> None:
        self._trail = trail
        self._window = window
        self.out: dict[int, Order] = {}
        self.recalled = 0
        self._in_flight = 0

    def window(self) -> int:
        return self._window

    def room(self) -> int:
        return self._window - self._in_flight

    def in_flight(self) -> int:
        return self._in_flight

    def hand_out(self, orders: Sequence[Order]) -> None:
        self._in_flight += len(orders)
        for order in orders:
            assert self._trail.rows.get(order.number) is Status.PENDING, "handed out before it was intended"
            assert order.number not in self.out
            self.out[order.number] = order
        assert self._in_flight <= self._window

    def accept(self, message: PoolMessage) -> Completed:
        self._in_flight -= len(message.completed.outcomes) + len(message.completed.returned)
        return message.completed

    def recall(self) -> None:
        self.recalled += 1

    def renew_lease(self, _until: float) -> None:
        """Workers' leases are no matter here."""

    def completed(self, outcomes: Iterable[Outcome] = (), returned: Iterable[Order] = ()) -> PoolMessage:
        """Return a report of workers, which hold these orders no longer."""
        ended, back = list(outcomes), list(returned)
        for number in [outcome.number for outcome in ended] + [order.number for order in back]:
            del self.out[number]
        return PoolMessage(Completed(ended, back))


class ScriptedSource:
    """Delivers the pages that a test gives it, as far as there is room, and asserts that it is told the truth."""

    def __init__(self, trail: ScriptedTrail, room: int) -> None:
        self._trail = trail
        self._deliver: Callable[[PageDiff | FeedEnded], None] | None = None
        self.room = room
        self.ended: FeedEnded | None = None
        self.settled_numbers: set[int] = set()

    def start(self, deliver: Callable[[PageDiff | FeedEnded], None]) -> None:
        self._deliver = deliver

    def release(self, pages: int) -> None:
        self.room += pages

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            assert outcome.number not in self.settled_numbers
            assert self._trail.rows.get(outcome.number, Status.SKIPPED) is outcome.status
            self.settled_numbers.add(outcome.number)

    def close(self) -> None:
        self.end(FeedEnded(whole=False))

    def page(self, diff: PageDiff) -> None:
        """Deliver a page."""
        assert self._deliver is not None
        assert self.room
        self.room -= 1
        self._deliver(diff)

    def end(self, ended: FeedEnded) -> None:
        """Deliver the end, unless it was delivered."""
        assert self._deliver is not None
        if self.ended is None:
            self.ended = ended
            self._deliver(ended)


class ScriptedRemover:
    """Holds the deletions that are due, and asserts that each stands in the trail as a success."""

    def __init__(self, trail: ScriptedTrail) -> None:
        self._trail = trail
        self.due: list[DueDeletion] = []
        self.asked: list[DueDeletion] = []
        self._outstanding = 0

    @property
    def is_idle(self) -> bool:
        return not self._outstanding

    def remove(self, due: Sequence[DueDeletion]) -> None:
        for one in due:
            assert self._trail.rows[one.number] is Status.SUCCESS, "deleted before its copy was recorded"
        self.due += due
        self.asked += due
        self._outstanding += len(due)

    def received(self, removed: Removed) -> None:
        self._outstanding -= len(removed.deletions)

    def removed(self) -> Removed:
        """Return the results of what is due."""
        deletions = [Deletion(one) for one in self.due]
        self.due = []
        return Removed(deletions)


class Witness:
    """A `Notify` that asserts that what is announced stands in the trail, and is announced once."""

    def __init__(self, trail: ScriptedTrail) -> None:
        self._trail = trail
        self.planned = 0
        self.keys: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case TransfersPlanned(objects=objects):
                self.planned += objects
                assert self.planned <= len(self._trail.rows) + len(self._trail.withdrawn)
            case ObjectMoved(key=key) | ObjectFailed(key=key) | ObjectSkipped(key=key):
                assert key not in self.keys
                self.keys[key] = event.name
                number = int(key.removeprefix("k"))
                assert number not in self._trail.pending(), "counted before it was settled"
                assert (number in self._trail.withdrawn) == isinstance(event, ObjectSkipped)


class StopSwitch:
    """A stop that a test sets."""

    requested = False
    overdue = False

    def wait(self, _seconds: float) -> bool:
        return not self.requested


def untracked(trail: RetryingTrail | None = None) -> CostTracker:
    """Return a tracker where costs are of no matter; a loop never asks the trail."""
    nowhere = PlacePrices("nowhere")
    limits = CostLimits(lambda: 0, CommandBudget())
    return CostTracker(
        Pair("a", "", "b", ""),
        CostMeter(),
        lambda: PairPrices(nowhere, nowhere),
        limits,
        cast("RetryingTrail", trail),
        lambda _: None,
    )


class Scene:
    """All that a loop works with."""

    def __init__(self, window: int = 4, room: int = 2) -> None:
        self.trail = ScriptedTrail()
        self.client = ScriptedClient(self.trail, window)
        self.source = ScriptedSource(self.trail, room)
        self.remover = ScriptedRemover(self.trail)
        self.witness = Witness(self.trail)
        self.stop = StopSwitch()
        self.blocked_by = ""
        self.inbox: Inbox = Inbox()
        self.tools = SweepTools(
            trail=cast("RetryingTrail", self.trail),
            client=cast("RouteClient", self.client),
            inbox=self.inbox,
            notify=self.witness,
            stop=self.stop,
            clock=lambda: 100.0,
            heartbeat=lambda: None,
            blocked_by=lambda: self.blocked_by,
            backoff_policy=lambda: BackoffPolicy(60.0, 3600.0),
            costs=untracked(),
            remover=cast("Remover", self.remover),
        )

    def deliver(self, message: Message) -> None:
        """Put a message into the loop's inbox."""
        self.inbox.put(message)
