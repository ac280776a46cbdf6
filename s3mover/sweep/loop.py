"""One sweep as a sentence: plan, intend, hand out, settle.

The loop runs on the one thread that owns the trail and the client of the worker pool. Pages of the work source and
reports of the workers come into its inbox. An order is handed out only after its row is committed as pending; an
outcome is counted and announced only after it is committed, too.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from queue import Empty
from typing import TYPE_CHECKING

from s3mover.errors import MoverError
from s3mover.events import SweepProgress
from s3mover.model import Order, Outcome, Pair, SweepRecord
from s3mover.planning.page_diff import PageDiff
from s3mover.planning.read_ahead import FeedEnded
from s3mover.sweep.backlog import ROWS_PER_WRITE, Backlog
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.doubts import ask_trail
from s3mover.sweep.removal import Removed
from s3mover.sweep.result import SweepResult, status_of
from s3mover.sweep.settlement import Settlement
from s3mover.sweep.stats import SweepStats
from s3mover.sweep.tools import Message, OpenSweep, SweepTools
from s3mover.sweep.work_source import WorkSource
from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS
from s3mover.workers.pool.subscriptions import PoolMessage

if TYPE_CHECKING:
    from s3mover.sweep.deletions.sightings import Sightings

# How long the loop waits for a message before it checks again whether it is to stop.
TICK_SECONDS = 0.1
PROGRESS_SECONDS = 10.0
# Workers are told of an extension of this length only: the loop runs hundreds of times a second.
LEASE_RENEWAL_STEP_SECONDS = 0.2


class Sweep:
    """One pass over a pair of buckets, or over the keys of one range, whose work comes from `source`.

    `opened` is what stands in the trail as running; the caller closes it. `compared` is told of each page.
    """

    def __init__(
        self,
        tools: SweepTools,
        pair: Pair,
        source: WorkSource,
        opened: OpenSweep,
        compared: Callable[[PageDiff], None] = lambda _: None,
    ) -> None:
        self._tools = tools
        self._pair = pair
        self._source = source
        self._compared = compared
        self._pages_held = 0
        self._source_ended: FeedEnded | None = None
        # Once blocked, a sweep stays so: the next one lists anew, and does not trust a listing that grew old.
        self._blocked_by = ""
        self._lease_extended_to = 0.0
        self._progress_at = tools.clock()
        self._id, self._started_at = opened.id, opened.started_at
        self._outage_before = tools.trail.outage_seconds
        self._stats = SweepStats(self._id, tools.notify)
        self._backlog = Backlog(self._id, pair, opened.last_number)
        alone = tools.beside is None and tools.measure_lag is None
        self._backoff = ObjectBackoff(tools.trail, pair, tools.backoff_policy(), tools.clock, alone=alone)
        self._settlement = Settlement(tools, self._stats, self._backoff, self._settled, self._ended)
        self._lag = tools.lag_meter()
        self._sightings = _sightings(tools, pair, self._id)

    def run(self) -> SweepResult:
        """Sweep once.

        Raises:
            AuditUnavailableError: the audit database stayed away until the stop's deadline.
            LeaseHeldError: another instance took the lease while the database was away.
            Exception: an internal error, on whichever thread it was met.
        """
        with closing(self._source):
            self.start()
            while not self.is_done():
                self.step()
        return self.result()

    def start(self) -> None:
        """Start the source of work."""
        self._source.start(self._tools.inbox.put)

    def step(self, wait: float = TICK_SECONDS) -> None:
        """Go round once: take what has come within `wait` seconds, commit what ended, hand out what is next."""
        self._renew_worker_lease()
        self._tools.heartbeat()
        self._stop_where_blocked()
        self._receive(wait)
        self._settlement.commit()
        self._hand_out()
        self._release_pages()
        self._report_progress()

    def is_done(self) -> bool:
        """Return whether nothing is left to do, or no time is left to do it."""
        if self._tools.stop.overdue:
            return True
        return (
            self._source_ended is not None and self._is_idle() and not (self._backlog and self._may_intend())
        )

    def result(self) -> SweepResult:
        """Return what the sweep came to."""
        stats, tally, ended_at = self._stats, self._stats.tally(), self._tools.clock()
        ended = self._source_ended or FeedEnded(whole=False)
        record = SweepRecord(
            id=self._id,
            pair=self._pair,
            started_at=self._started_at,
            ended_at=ended_at,
            status=status_of(ended, tally.waiting),
            tally=tally,
            # A clock that was set back meanwhile gives a negative duration.
            duration_us=max(0, round((ended_at - self._started_at) * 1e6)),
        )
        return SweepResult(
            record,
            ended.error if isinstance(ended.error, MoverError) else None,
            list(stats.failures),
            dict(stats.fallbacks),
            self._settlement.set_aside,
            dict(stats.unkept),
            dict(stats.skipped),
            self._blocked_by,
            self._tools.trail.outage_seconds - self._outage_before,
            self._backlog.last_number,
            None if self._sightings is None else self._sightings.result(),
            first_undone=self._first_undone(),
        )

    def _first_undone(self) -> str | None:
        if self._tools.client.in_flight():
            return ""
        keys = self._backlog.first_key(), self._settlement.first_undone
        return min((key for key in keys if key is not None), default=None)

    def _is_idle(self) -> bool:
        remover = self._tools.remover
        removing = remover is not None and not remover.is_idle
        return self._tools.client.in_flight() == 0 and not removing

    def _may_intend(self) -> bool:
        return not self._blocked_by and not (self._source_ended and self._source_ended.error)

    def _renew_worker_lease(self) -> None:
        until = self._tools.trail.lease_confirmed_at() + LEASE_GUARD_SECONDS
        if until - self._lease_extended_to >= LEASE_RENEWAL_STEP_SECONDS:
            self._lease_extended_to = until
            self._tools.client.renew_lease(until)

    def _stop_where_blocked(self) -> None:
        """Once no new work may begin, close the source and ask for the orders that no worker has begun."""
        if not self._blocked_by and (reason := self._tools.blocked_by()):
            self._blocked_by = reason
            self._source.close()
            self._tools.client.recall()

    def _receive(self, wait: float) -> None:
        try:
            self._take(self._tools.inbox.get(timeout=wait))
            while True:
                self._take(self._tools.inbox.get_nowait())
        except Empty:
            return

    def _take(self, message: Message) -> None:
        match message:
            case PageDiff():
                self._take_page(message)
            case FeedEnded():
                if message.error is not None and not isinstance(message.error, MoverError):
                    raise message.error
                self._source_ended = message
                if self._sightings is not None:
                    self._sightings.flush()
                self._stats.listing_ended()
            case PoolMessage():
                self._settlement.add(self._tools.client.accept(message))
            case Removed():
                self._settlement.add_deletions(message)

    def _take_page(self, page: PageDiff) -> None:
        diff = self._backoff.without_backed_off(ask_trail(page, self._tools.trail, self._pair))
        self._stats.page_compared(diff)
        self._compared(diff)
        if self._sightings is not None:
            self._sightings.add(diff)
        self._backlog.add(diff.transfers)
        self._pages_held += 1

    def _hand_out(self) -> None:
        client, costs = self._tools.client, self._tools.costs
        while self._may_intend() and (
            taken := self._backlog.take(client.window(), client.room(), costs.allowance())
        ):
            if orders := self._without_events(taken):
                self._tools.trail.intend(orders, self._tools.clock())
                self._stats.intended(orders)
                self._lag.handed_out(orders)
                costs.meter.intended(orders)
                client.hand_out(orders)

    def _without_events(self, orders: list[Order]) -> list[Order]:
        """Return the orders without those that are left to the events."""
        if self._tools.beside is None:
            return orders
        own = self._tools.beside.begin_sweeping(orders, self._started_at)
        self._stats.left_to_events(len(orders) - len(own))
        return own

    def _settled(self, outcomes: Sequence[Outcome]) -> None:
        self._lag.settled(outcomes)
        self._source.settled(outcomes)

    def _ended(self, keys: Sequence[str]) -> None:
        if self._tools.beside is not None:
            self._tools.beside.end_sweeping(keys)

    def _release_pages(self) -> None:
        if self._pages_held and (len(self._backlog) < ROWS_PER_WRITE or not self._may_intend()):
            self._source.release(self._pages_held)
            self._pages_held = 0

    def _report_progress(self) -> None:
        now = self._tools.clock()
        if now - self._progress_at >= PROGRESS_SECONDS:
            self._progress_at = now
            self._tools.notify(SweepProgress(self._id, self._stats.tally(), now - self._started_at))


def _sightings(tools: SweepTools, pair: Pair, sweep: int) -> "Sightings | None":
    if tools.deletions is None:
        return None
    from s3mover.sweep.deletions.sightings import Sightings  # noqa: PLC0415 - off by default

    return Sightings(tools.trail, pair, sweep, tools.deletions.policy(), tools.clock)
