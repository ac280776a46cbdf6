"""The trail as a sweep uses it: each call is repeated until it is known to be committed.

While it waits, the caller waits: no order is intended, and outcomes gather in the caller's inbox, bounded by the number
of transfers in flight.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from s3mover.audit.trail import Trail
from s3mover.errors import AuditUnavailableError, MoverError, UnreachableError
from s3mover.events import AuditRestored, AuditRowsWritten, AuditUnavailable, Notify
from s3mover.model import Order

P = ParamSpec("P")
T = TypeVar("T")

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
# After so long without an answer the database is asked whether the connection, and the lease with it, is alive.
CONFIRM_SECONDS = 0.5
# Interval of the keep-alive of an idle connection; a server closes one that is silent for a minute.
KEEP_ALIVE_SECONDS = 10.0


class OutageAnnouncer:
    """Announces once that the database is away, and once that it is back; `clock` is monotonic, in seconds."""

    def __init__(self, notify: Notify, clock: Callable[[], float]) -> None:
        self._notify = notify
        self._clock = clock
        self._since: float | None = None

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


def _retried(method: Callable[Concatenate[Trail, P], T]) -> "Callable[Concatenate[RetryingTrail, P], T]":
    """Return a method that calls the trail's method of the same name until it succeeds."""

    @wraps(method)
    def call(self: "RetryingTrail", /, *args: P.args, **kwargs: P.kwargs) -> T:
        bound: Callable[P, T] = getattr(self._trail, method.__name__)
        return self._outlast(lambda: bound(*args, **kwargs))

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
        self._kept_alive_at = clock()
        self._outage = OutageAnnouncer(notify, clock)

    acquire_lease = _retried(Trail.acquire_lease)
    open_sweep = _retried(Trail.open_sweep)
    _intend = _retried(Trail.intend)
    settle = _retried(Trail.settle)
    resolve = _retried(Trail.resolve)
    end_deletions = _retried(Trail.end_deletions)
    end_old_waits = _retried(Trail.end_old_waits)
    close_sweep = _retried(Trail.close_sweep)
    interrupt_sweeps = _retried(Trail.interrupt_sweeps)
    prune = _retried(Trail.prune)
    has_waits = _retried(Trail.has_waits)
    waits = _retried(Trail.waits)
    last_copies = _retried(Trail.last_copies)
    pending = _retried(Trail.pending)
    uncertain = _retried(Trail.uncertain)
    due_deletions = _retried(Trail.due_deletions)

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """Record each order as a pending row, all or none, and announce the rows."""
        self._intend(orders, at)
        self._notify(AuditRowsWritten(len(orders)))

    def lease_confirmed_at(self) -> float:
        """Return a time, at most half a second ago, at which the connection that holds the lease was alive.

        The time is one of `clock`. If the database is away, wait until it is back.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        if self._clock() - self._confirmed_at >= CONFIRM_SECONDS:
            self._outlast(self._trail.reconnect)
        return self._confirmed_at

    def keep_alive(self) -> None:
        """Keep the idle connection, and the lease with it, alive; most calls return at once.

        An outage is announced, and the next calls try again: an idle route does not wait for the database.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        if self._clock() - self._kept_alive_at < KEEP_ALIVE_SECONDS:
            return
        self._kept_alive_at = self._clock()
        try:
            self._trail.reconnect()
        except (AuditUnavailableError, UnreachableError) as outage:
            self._outage.began(outage)
        else:
            self._outage.ended()

    def _outlast(self, call: Callable[[], T]) -> T:
        # A server that refuses this user counts as away: it may be starting, or the password may be changing.
        called_at = self._clock()
        try:
            result = call()
        except (AuditUnavailableError, UnreachableError) as outage:
            return self._repeat(call, outage)
        self._confirmed_at = called_at
        self._outage.ended()
        return result

    def _repeat(self, call: Callable[[], T], outage: MoverError) -> T:
        """Repeat the call until it succeeds: a database that answers may still be read-only, or its disk full."""
        self._outage.began(outage)
        pause = FIRST_WAIT_SECONDS
        while self._wait(pause):
            called_at = self._clock()
            try:
                self._trail.reconnect()
                result = call()
            except (AuditUnavailableError, UnreachableError) as again:
                outage = again
                pause = min(pause * 2, LONGEST_WAIT_SECONDS)
                continue
            self._confirmed_at = called_at
            self._outage.ended()
            return result
        raise outage
