"""The trail as a sweep uses it: each call is repeated until it is known to be committed.

While it waits, the caller waits: no order is intended, and outcomes gather in the caller's inbox, bounded by the number
of transfers in flight.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from s3mover.audit.trail import LeaseToken, Trail
from s3mover.errors import (
    AuditConflictError,
    AuditUnavailableError,
    LeaseHeldError,
    MoverError,
    UnreachableError,
)
from s3mover.events import AuditRestored, AuditRowsWritten, AuditUnavailable, LeaseLost, Notify
from s3mover.model import LeaderReport, Order, Pair, PairRequest, Pause, RequestAnswer, RequestKind

P = ParamSpec("P")
T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
# After so long without a write that is conditional on the fencing token, one is made: workers begin no request without.
CONFIRM_SECONDS = 0.5
# Interval of the renewals of the lease: a few of them fit into its TTL (`lease.py`).
RENEWAL_SECONDS = 1.0


class OutageAnnouncer:
    """Announces once that the database is away, and once that it is back; `clock` is monotonic, in seconds."""

    def __init__(self, notify: Notify, clock: Callable[[], float]) -> None:
        self._notify = notify
        self._clock = clock
        self._since: float | None = None

    @property
    def is_announced(self) -> bool:
        """Whether the database was last announced as away."""
        return self._since is not None

    def began(self, outage: MoverError) -> None:
        """Announce that the database is away, unless that was announced."""
        if self._since is None:
            self._since = self._clock()
            self._notify(AuditUnavailable(str(outage)))

    def ended(self) -> None:
        """Announce that the database is back, if it was away."""
        if self._since is not None:
            self._notify(AuditRestored(self._clock() - self._since))
            self._since = None


def _retried(
    method: Callable[Concatenate[Trail, P], T], *, fenced: bool = False
) -> "Callable[Concatenate[RetryingTrail, P], T]":
    """Return a method that calls the trail's method of the same name until it succeeds.

    A `fenced` one succeeds only while this instance holds the lease.
    """

    @wraps(method)
    def call(self: "RetryingTrail", /, *args: P.args, **kwargs: P.kwargs) -> T:
        bound: Callable[P, T] = getattr(self._trail, method.__name__)
        return self._outlast(lambda: bound(*args, **kwargs), fenced=fenced)

    return call


class RetryingTrail:
    """A trail whose calls outlast an outage of the database.

    `wait` waits so many seconds; it returns False if no time is left, and then the outage is raised. `clock` is
    monotonic, in seconds.
    """

    def __init__(
        self, trail: Trail, notify: Notify, wait: Callable[[float], bool], clock: Callable[[], float]
    ) -> None:
        self._trail = trail
        self._notify = notify
        self._wait = wait
        self._clock = clock
        self._confirmed_at = clock()
        self._renewed_at = clock()
        self._outage = OutageAnnouncer(notify, clock)
        self.outage_seconds = 0.0
        """How long calls have waited for an unavailable database, in all."""

    acquire_lease = _retried(Trail.acquire_lease)
    open_sweep = _retried(Trail.open_sweep, fenced=True)
    open_batch = _retried(Trail.open_batch, fenced=True)
    _intend = _retried(Trail.intend, fenced=True)
    settle = _retried(Trail.settle, fenced=True)
    resolve = _retried(Trail.resolve, fenced=True)
    end_deletions = _retried(Trail.end_deletions, fenced=True)
    close_sweep = _retried(Trail.close_sweep, fenced=True)
    interrupt_sweeps = _retried(Trail.interrupt_sweeps, fenced=True)
    add_range = _retried(Trail.add_range, fenced=True)
    reissue_range = _retried(Trail.reissue_range, fenced=True)
    recall_range = _retried(Trail.recall_range, fenced=True)
    claim_range = _retried(Trail.claim_range, fenced=True)
    remove_superseded = _retried(Trail.remove_superseded, fenced=True)
    close_range = _retried(Trail.close_range, fenced=True)
    seals_after = _retried(Trail.seals_after)
    anchored_to = _retried(Trail.anchored_to)
    newest_seal = _retried(Trail.newest_seal)
    note_anchored = _retried(Trail.note_anchored)
    end_old_waits = _retried(Trail.end_old_waits)
    prune = _retried(Trail.prune)
    has_waits = _retried(Trail.has_waits)
    waits = _retried(Trail.waits)
    last_copies = _retried(Trail.last_copies)
    copied_by_events = _retried(Trail.copied_by_events)
    ranges = _retried(Trail.ranges)
    count_range = _retried(Trail.count_range)
    last_number = _retried(Trail.last_number)
    pending_of_range = _retried(Trail.pending_of_range)
    pending = _retried(Trail.pending)
    uncertain = _retried(Trail.uncertain)
    due_deletions = _retried(Trail.due_deletions)
    latest_sweeps = _retried(Trail.latest_sweeps)
    candidates = _retried(Trail.candidates)
    candidates_after = _retried(Trail.candidates_after)
    write_candidates = _retried(Trail.write_candidates)
    end_candidates = _retried(Trail.end_candidates)
    end_old_candidates = _retried(Trail.end_old_candidates)
    record_cost = _retried(Trail.record_cost)
    spent_today = _retried(Trail.spent_today)
    cost_of_batch = _retried(Trail.cost_of_batch)
    end_old_costs = _retried(Trail.end_old_costs)

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """Record each order as a pending row, all or none, and announce the rows."""
        self._intend(orders, at)
        self._notify(AuditRowsWritten(len(orders)))

    @property
    def vacant_seconds(self) -> float:
        """Seconds between the former holder's last sign of life and the taking of the lease."""
        return self._trail.vacant_seconds

    @property
    def lease_is_renewed(self) -> bool:
        """Whether another instance was seen to renew the lease."""
        return self._trail.lease_is_renewed

    @property
    def lease_token(self) -> LeaseToken:
        """The lease that is held."""
        return self._trail.lease_token

    @property
    def is_recalled(self) -> bool:
        """Whether the claimed range is to be handed back, as of the last heartbeat."""
        return self._trail.is_recalled

    @property
    def standing_pause(self) -> Pause | None:
        """The pause of the pair, as of the last `acquire_lease` or `keep_alive`."""
        return self._trail.standing_pause

    @property
    def latest_requests(self) -> tuple[PairRequest, ...]:
        """The requests of the pair, as of the last `acquire_lease` or `keep_alive`."""
        return self._trail.latest_requests

    def try_report(self, name: str, url: str, text: str) -> bool:
        """Record the report of the leader; return False while the database is unavailable."""

        def record() -> bool:
            self._fenced(lambda: self._trail.report(name, url, text))
            return True

        return bool(self._try(record))

    def try_leader_of(self, pair: Pair) -> LeaderReport | None:
        """Return what the leader of `pair` last reported; None if nobody has, or the database is unavailable."""
        return self._try(lambda: self._trail.leader_of(pair))

    def try_request(self, pair: Pair, kind: RequestKind, by: str) -> int | None:
        """Record a request and return its number; None while the database is unavailable."""
        return self._try(lambda: self._trail.request(pair, kind, by))

    def try_answer(self, pair: Pair, kind: RequestKind, number: int, answer: RequestAnswer) -> bool:
        """Record the answer to a request; return False while the database is unavailable."""

        def record() -> bool:
            self._trail.answer(pair, kind, number, answer)
            return True

        return bool(self._try(record))

    def lease_confirmed_at(self) -> float:
        """Return a time, at most half a second ago, before a write that only the holder of the lease can make.

        The time is one of `clock`. If the database is away, wait until it is back.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        if self._clock() - self._confirmed_at >= CONFIRM_SECONDS:
            self._outlast(self._trail.heartbeat, fenced=True)
        return self._confirmed_at

    def keep_alive(self) -> None:
        """Renew the lease when that is due, and keep the connection alive; most calls return at once.

        An outage is announced, and the next calls try again: an idle route does not wait for the database.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        called_at = self._clock()
        if called_at - self._renewed_at < RENEWAL_SECONDS:
            return
        self._renewed_at = called_at
        try:
            if self._outage.is_announced:
                self._trail.reconnect()
            self._attempt(self._trail.heartbeat)
        except (AuditUnavailableError, UnreachableError) as outage:
            self._outage.began(outage)
        else:
            self._confirmed_at = called_at
            self._outage.ended()

    def _try(self, call: Callable[[], T]) -> T | None:
        """Return what `call` returns, None while the database is unavailable: `keep_alive` sees to its return."""
        if self._outage.is_announced:
            return None
        try:
            return call()
        except (AuditUnavailableError, UnreachableError) as outage:
            self._outage.began(outage)
            return None

    def _outlast(self, call: Callable[[], T], *, fenced: bool) -> T:
        # A server that refuses this user counts as away: it may be starting, or the password may be changing.
        began_at = self._clock()
        try:
            called_at, result = self._attempt(call)
        except (AuditUnavailableError, UnreachableError) as outage:
            called_at, result = self._repeat(call, outage)
            self.outage_seconds += self._clock() - began_at
        if fenced:
            self._confirmed_at = called_at
            self._announce_seals()
        self._outage.ended()
        return result

    def _announce_seals(self) -> None:
        for seal in self._trail.take_seals():
            self._notify(seal.event())

    def _repeat(self, call: Callable[[], T], outage: MoverError) -> tuple[float, T]:
        """Repeat the call until it succeeds: a database that answers may still be read-only, or its disk full.

        Return when the successful call was made, and its result.
        """
        self._outage.began(outage)
        pause = FIRST_WAIT_SECONDS
        while self._wait(pause):
            try:
                self._trail.reconnect()
                return self._attempt(call)
            except (AuditUnavailableError, UnreachableError) as again:
                outage = again
                pause = min(pause * 2, LONGEST_WAIT_SECONDS)
        raise outage

    def _attempt(self, call: Callable[[], T]) -> tuple[float, T]:
        """Make a call, again at once where another transaction was in its way.

        Return when the successful call was made, and its result.
        """
        repeats = 0
        while True:
            called_at = self._clock()
            try:
                return called_at, self._fenced(call)
            except AuditConflictError as conflict:
                repeats += 1
                if repeats > conflict.repeats:
                    raise

    def _fenced(self, call: Callable[[], T]) -> T:
        """Return what `call` returns; announce that the lease was lost if that is why it fails."""
        try:
            return call()
        except LeaseHeldError as lost:
            self._notify(LeaseLost(str(lost)))
            raise
