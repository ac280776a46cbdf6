"""One pass as a sentence: plan, intend, hand out, settle.

The loop runs on the one thread that owns the trail and the desk. Findings of the plan and reports of the workers
come into its inbox. An order is handed out only after its row is committed as pending; an outcome is counted and
announced only after it is committed, too.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from typing import NamedTuple

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.errors import MoverError
from s3mover.events import Notify, SweepListed, SweepProgress, SweepStarted
from s3mover.model import (
    INTERRUPTED,
    WORKER_DIED,
    Deletion,
    DueDeletion,
    Order,
    Outcome,
    Pair,
    Status,
    SweepRecord,
    SweepStatus,
    Transfer,
    unmoved,
)
from s3mover.planning.backoff import BackoffPolicy
from s3mover.planning.page_diff import PageDiff
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.removal import Removed, Remover
from s3mover.sweep.stats import SweepStats
from s3mover.sweep.stop_state import StopState
from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import PoolMessage

# Rows per statement of the trail: enough that a commit costs little per row, few enough to be quick.
ROWS_PER_WRITE = 500
# Pages of the source that the plan may be ahead of the work.
PAGES_AHEAD = 4
# How long the loop waits for news before it looks whether it is to stop.
TICK_SECONDS = 0.1
PROGRESS_SECONDS = 10.0
# Workers are told only of so much more trust: the loop comes round hundreds of times a second.
LEASE_RENEWAL_STEP_SECONDS = 0.2


class PlanEnded(NamedTuple):
    """The plan came to its end (`whole`), was broken off, or met an error, or a defect of ours."""

    whole: bool
    error: MoverError | None = None
    internal_error: Exception | None = None


Message = PageDiff | PlanEnded | PoolMessage | Removed
Inbox = SimpleQueue[Message]


@dataclass(frozen=True, slots=True)
class SweepTools:
    """What a sweep works with, the same for every sweep of a run.

    `clock` tells seconds since the epoch; `heartbeat` is called whenever the loop comes round; `blocked_by` says why nothing new
    may begin, empty where it may. `backoff_policy` says how long objects that failed wait. `remover` is there where the
    source's objects are to be deleted.
    """

    trail: RetryingTrail
    client: RouteClient
    inbox: Inbox
    notify: Notify
    stop: StopState
    clock: Callable[[], float]
    heartbeat: Callable[[], None]
    blocked_by: Callable[[], str]
    backoff_policy: Callable[[], BackoffPolicy]
    remover: Remover | None = None


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep that has ended.

    `error` is what cut it short, if anything did, `blocked_by` why it was not to go on, `set_aside` what workers died with.
    """

    record: SweepRecord
    error: MoverError | None
    failures: list[Outcome]
    fallbacks: dict[str, int]
    set_aside: list[Outcome]
    unkept: dict[str, int]
    skipped: dict[str, int] = field(default_factory=dict)
    blocked_by: str = ""


class Sweep:
    """One pass over a pair of buckets, `diffs` being its plan; its row in the trail is opened at once."""

    def __init__(self, tools: SweepTools, pair: Pair, diffs: Generator[PageDiff]) -> None:
        self._tools = tools
        self._pair = pair
        self._diffs = diffs
        self._transfers: deque[Transfer] = deque()
        self._outcomes: list[Outcome] = []
        self._returned: list[Order] = []
        self._removed: list[Deletion] = []
        self._set_aside: list[Outcome] = []
        self._numbers = count(1)
        self._plan_room = threading.Semaphore(PAGES_AHEAD)
        self._diffs_held = 0
        self._plan_ended: PlanEnded | None = None
        # Once held, a sweep stays so: the next one lists anew, and does not trust a listing that grew old.
        self._blocked_by = ""
        self._recalled = False
        self._lease_lent_until = 0.0
        self._started_at = self._progress_at = tools.clock()
        self._id = tools.trail.open_sweep(pair, self._started_at)
        self._stats = SweepStats(self._id, tools.notify)
        self._backoff = ObjectBackoff(tools.trail, pair, tools.backoff_policy(), tools.clock)
        tools.notify(SweepStarted(self._id, str(pair)))

    def run(self) -> SweepResult:
        """Sweep once; the sweep's row stands as running until the caller closes it.

        Raises:
            AuditUnavailableError: the audit database stayed away until the stop's deadline.
            LeaseHeldError: another instance took the lease while the database was away.
            Exception: a defect of ours, on whichever thread it was met.
        """
        threading.Thread(target=self._plan, name="planner", daemon=True).start()
        while not self._is_done():
            self._renew_worker_lease()
            self._take_news()
            self._settle()
            self._hand_out()
            self._let_plan_go_on()
            self._tell_progress()
        return self._result()

    def _plan(self) -> None:
        """Feed the inbox, on the planner's thread, as far ahead as there is room for."""
        ended = PlanEnded(whole=True)
        try:
            with closing(self._diffs):
                for diff in self._diffs:
                    self._plan_room.acquire()
                    if self._blocked_by:
                        ended = PlanEnded(whole=False)
                        break
                    self._tools.inbox.put(diff)
        except MoverError as error:
            ended = PlanEnded(whole=False, error=error)
        except Exception as internal_error:  # noqa: BLE001 - carried to the loop's thread, which would wait for ever
            ended = PlanEnded(whole=False, internal_error=internal_error)
        self._tools.inbox.put(ended)

    def _is_done(self) -> bool:
        if self._tools.stop.overdue:
            return True
        remover = self._tools.remover
        nothing_out = self._tools.client.in_flight() == 0 and (remover is None or remover.is_idle)
        nothing_out = nothing_out and not self._outcomes and not self._returned
        return self._plan_ended is not None and nothing_out and not (self._transfers and self._may_intend())

    def _may_intend(self) -> bool:
        return not self._blocked_by and not (self._plan_ended and self._plan_ended.error)

    def _renew_worker_lease(self) -> None:
        until = self._tools.trail.lease_confirmed_at() + LEASE_GUARD_SECONDS
        if until - self._lease_lent_until >= LEASE_RENEWAL_STEP_SECONDS:
            self._lease_lent_until = until
            self._tools.client.renew_lease(until)

    def _take_news(self) -> None:
        self._tools.heartbeat()
        self._blocked_by = self._blocked_by or self._tools.blocked_by()
        try:
            self._take(self._tools.inbox.get(timeout=TICK_SECONDS))
            while True:
                self._take(self._tools.inbox.get_nowait())
        except Empty:
            return

    def _take(self, message: Message) -> None:
        match message:
            case PageDiff():
                diff = self._backoff.without_backed_off(message)
                self._stats.found(diff)
                self._transfers.extend(diff.transfers)
                self._diffs_held += 1
            case PlanEnded():
                if message.internal_error is not None:
                    raise message.internal_error
                self._plan_ended = message
                tally = self._stats.tally()
                to_move = tally.listed - tally.skipped
                self._tools.notify(SweepListed(self._id, tally.listed, tally.skipped, to_move))
            case PoolMessage():
                settled = self._tools.client.accept(message)
                self._outcomes += settled.outcomes
                self._take_back(settled.returned)
            case Removed():
                self._removed += message.deletions
                if self._tools.remover is not None:
                    self._tools.remover.heard(message)

    def _settle(self) -> None:
        if self._outcomes:
            self._tools.trail.settle(self._outcomes, self._backoff.changed_by(self._outcomes))
            self._stats.settled(self._outcomes)
            self._remove_sources(self._outcomes)
            self._set_aside += [outcome for outcome in self._outcomes if outcome.code == WORKER_DIED]
            self._outcomes = []
        if self._returned:
            self._tools.trail.settle([self._withdrawal(order) for order in self._returned])
            self._stats.withdrawn(self._returned)
            self._returned = []
        if self._removed:
            self._tools.trail.end_deletions(self._removed, self._tools.clock())
            self._stats.removed(self._removed)
            self._removed = []

    def _remove_sources(self, committed: list[Outcome]) -> None:
        """Only what stands in the trail as a success may be deleted."""
        if self._tools.remover is not None:
            due = [_due(outcome) for outcome in committed if outcome.delete_due]
            self._tools.remover.remove(due)

    def _take_back(self, orders: Iterable[Order]) -> None:
        """What nobody began is withdrawn; what a worker died with may have been carried out, and keeps its row."""
        for order in orders:
            if order.orphaned_since:
                said = "interrupted before another worker took it up"
                self._outcomes.append(unmoved(order, INTERRUPTED, said, self._tools.clock()))
            else:
                self._returned.append(order)

    def _withdrawal(self, order: Order) -> Outcome:
        return unmoved(order, INTERRUPTED, "", self._tools.clock())._replace(status=Status.SKIPPED)

    def _hand_out(self) -> None:
        if self._blocked_by and not self._recalled:
            self._recalled = True
            self._tools.client.recall()
        while self._may_intend() and (rows := self._rows_to_intend()):
            self._intend(rows)

    def _rows_to_intend(self) -> int:
        """Return 0 until there is room for a good many: each write of the trail costs a commit."""
        waiting, room = len(self._transfers), self._tools.client.room()
        enough = min(waiting, max(1, self._tools.client.window() // 4), ROWS_PER_WRITE)
        return min(waiting, room, ROWS_PER_WRITE) if enough <= room else 0

    def _intend(self, rows: int) -> None:
        orders = [self._order(self._transfers.popleft()) for _ in range(rows)]
        self._tools.trail.intend(orders, self._tools.clock())
        self._stats.intended(orders)
        self._tools.client.hand_out(orders)

    def _order(self, transfer: Transfer) -> Order:
        entry = transfer.entry
        target = self._pair.destination_key(entry.key)
        return Order(
            self._id,
            next(self._numbers),
            entry.key,
            target,
            entry.size,
            entry.etag,
            entry.last_modified,
            entry.storage_class,
        )

    def _let_plan_go_on(self) -> None:
        if len(self._transfers) < ROWS_PER_WRITE or not self._may_intend():
            for _ in range(self._diffs_held):
                self._plan_room.release()
            self._diffs_held = 0

    def _tell_progress(self) -> None:
        now = self._tools.clock()
        if now - self._progress_at >= PROGRESS_SECONDS:
            self._progress_at = now
            self._tools.notify(SweepProgress(self._id, self._stats.tally(), now - self._started_at))

    def _result(self) -> SweepResult:
        tally, ended_at = self._stats.tally(), self._tools.clock()
        ended = self._plan_ended or PlanEnded(whole=False)
        record = SweepRecord(
            id=self._id,
            pair=self._pair,
            started_at=self._started_at,
            ended_at=ended_at,
            status=_status(ended, tally.waiting),
            tally=tally,
            # A clock that was set back meanwhile tells less than nothing.
            duration_us=max(0, round((ended_at - self._started_at) * 1e6)),
        )
        stats = self._stats
        return SweepResult(
            record,
            ended.error,
            list(stats.failures),
            dict(stats.fallbacks),
            self._set_aside,
            dict(stats.unkept),
            dict(stats.skipped),
            self._blocked_by,
        )


def _due(outcome: Outcome) -> DueDeletion:
    return DueDeletion(outcome.sweep, outcome.number, outcome.key, outcome.source_etag)


def _status(ended: PlanEnded, waiting: int) -> SweepStatus:
    if ended.error is not None:
        return SweepStatus.FAILED
    return SweepStatus.COMPLETED if ended.whole and waiting == 0 else SweepStatus.INTERRUPTED
