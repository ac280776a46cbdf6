"""A trail that outlasts an outage of its database: each write is repeated until it is known to be committed.

While it waits, the caller waits: nothing new is intended, and what ends meanwhile gathers in the caller's inbox,
bounded by what was in flight.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from s3mover.audit.trail import PendingRow, Trail
from s3mover.errors import AuditUnavailableError, MoverError, UnreachableError
from s3mover.events import AuditRestored, AuditRowsWritten, AuditUnavailable, Notify
from s3mover.model import Deletion, DueDeletion, Order, Outcome, Pair, SweepRecord, Wait, WaitChanges

T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
# After so long without any answer of the database it is asked whether the connection, and the lease with it, lives.
CONFIRM_SECONDS = 0.5
# So often a connection at rest gives a sign of life; a server takes one that gives none for a minute for lost.
KEEP_ALIVE_SECONDS = 10.0


class OutageAnnouncer:
    """Announces once that the database is away, and once that it is back; `clock` counts seconds steadily."""

    def __init__(self, notify: Notify, clock: Callable[[], float]) -> None:
        self._notify = notify
        self._clock = clock
        self._since: float | None = None

    def began(self, outage: MoverError) -> None:
        """Announce that the database is away, unless that is known."""
        if self._since is None:
            self._since = self._clock()
            self._notify(AuditUnavailable(str(outage)))

    def ended(self) -> None:
        """Announce that it is back, where it was away."""
        if self._since is not None:
            self._notify(AuditRestored(self._clock() - self._since))
            self._since = None


class RetryingTrail:
    """The trail as a sweep uses it.

    `wait` waits so many seconds and returns False where no time is left to wait; then the outage is raised.
    `clock` counts seconds steadily.
    """

    def __init__(
        self, trail: Trail, notify: Notify, wait: Callable[[float], bool], clock: Callable[[], float]
    ) -> None:
        self._trail = trail
        self._notify = notify
        self._wait = wait
        self._clock = clock
        self._confirmed_at = clock()
        self._signed_at = clock()
        self._outage = OutageAnnouncer(notify, clock)

    def acquire_lease(self, pair: Pair) -> bool:
        """See `Trail.acquire_lease`."""
        return self._outlast(lambda: self._trail.acquire_lease(pair))

    def lease_confirmed_at(self) -> float:
        """Return a time at which the connection that holds the lease was alive, at most half a second ago.

        Where the database is away this lasts until it is back. The time is one of the clock that counts steadily.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        if self._clock() - self._confirmed_at >= CONFIRM_SECONDS:
            self._outlast(self._trail.reconnect)
        return self._confirmed_at

    def keep_alive(self) -> None:
        """Keep the connection, and the lease with it, over a rest; called often, it asks the database now and then.

        One that is away is announced, and asked again later: at rest nobody waits for it.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        if self._clock() - self._signed_at < KEEP_ALIVE_SECONDS:
            return
        self._signed_at = self._clock()
        try:
            self._trail.reconnect()
        except (AuditUnavailableError, UnreachableError) as outage:
            self._outage.began(outage)
        else:
            self._outage.ended()

    def open_sweep(self, pair: Pair, started_at: float) -> int:
        """See `Trail.open_sweep`."""
        return self._outlast(lambda: self._trail.open_sweep(pair, started_at))

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """See `Trail.intend`."""
        self._outlast(lambda: self._trail.intend(orders, at))
        self._notify(AuditRowsWritten(len(orders)))

    def settle(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """See `Trail.settle`."""
        self._outlast(lambda: self._trail.settle(outcomes, changes))

    def has_waits(self, pair: Pair) -> bool:
        """See `Trail.has_waits`."""
        return self._outlast(lambda: self._trail.has_waits(pair))

    def waits(self, pair: Pair, keys: Sequence[str]) -> dict[str, Wait]:
        """See `Trail.waits`."""
        return self._outlast(lambda: self._trail.waits(pair, keys))

    def end_old_waits(self, pair: Pair, before: float, limit: int) -> int:
        """See `Trail.end_old_waits`."""
        return self._outlast(lambda: self._trail.end_old_waits(pair, before, limit))

    def resolve(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """See `Trail.resolve`."""
        self._outlast(lambda: self._trail.resolve(outcomes, changes))

    def uncertain(self, pair: Pair, sweep: int, after: int, limit: int) -> tuple[list[PendingRow], int]:
        """See `Trail.uncertain`."""
        return self._outlast(lambda: self._trail.uncertain(pair, sweep, after, limit))

    def due_deletions(self, pair: Pair, after: int, limit: int) -> tuple[list[DueDeletion], int]:
        """See `Trail.due_deletions`."""
        return self._outlast(lambda: self._trail.due_deletions(pair, after, limit))

    def end_deletions(self, deletions: Sequence[Deletion], at: float) -> None:
        """See `Trail.end_deletions`."""
        self._outlast(lambda: self._trail.end_deletions(deletions, at))

    def prune(self, before: float, limit: int) -> int:
        """See `Trail.prune`."""
        return self._outlast(lambda: self._trail.prune(before, limit))

    def close_sweep(self, record: SweepRecord) -> None:
        """See `Trail.close_sweep`."""
        self._outlast(lambda: self._trail.close_sweep(record))

    def pending(self, pair: Pair, limit: int) -> list[PendingRow]:
        """See `Trail.pending`."""
        return self._outlast(lambda: self._trail.pending(pair, limit))

    def interrupt_sweeps(self, pair: Pair, at: float) -> int:
        """See `Trail.interrupt_sweeps`."""
        return self._outlast(lambda: self._trail.interrupt_sweeps(pair, at))

    def _outlast(self, call: Callable[[], T]) -> T:
        # A server that refuses this user counts as away: it may be half-way through its start, or await a new password.
        asked_at = self._clock()
        try:
            result = call()
        except (AuditUnavailableError, UnreachableError) as outage:
            return self._retry_io(call, outage)
        self._confirmed_at = asked_at
        self._outage.ended()
        return result

    def _retry_io(self, call: Callable[[], T], outage: MoverError) -> T:
        """Repeat the call until it succeeds: a database that answers may still be read-only, or its disk full."""
        self._outage.began(outage)
        pause = FIRST_WAIT_SECONDS
        while self._wait(pause):
            asked_at = self._clock()
            try:
                self._trail.reconnect()
                result = call()
            except (AuditUnavailableError, UnreachableError) as again:
                outage = again
                pause = min(pause * 2, LONGEST_WAIT_SECONDS)
                continue
            self._confirmed_at = asked_at
            self._outage.ended()
            return result
        raise outage
