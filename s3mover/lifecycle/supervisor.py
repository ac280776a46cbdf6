"""Supervises one route: takes the lease, starts sweeps when they are due, and stops in order.

It depends on neither S3 nor SQL nor processes; what it calls is passed in as hooks. The stop order:

1. A signal handler records the stop (`Stop`); readiness fails, and no new work is intended.
2. The running sweep recalls orders that have not started, waits for the others until the deadline, settles and records.
3. The worker pool shuts down; workers that do not exit are killed.
4. The trail is closed, which releases the lease.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from s3mover.events import LeaseAcquired, LeaseWaiting, Notify, SweepAwaited
from s3mover.lifecycle.stop import Stop
from s3mover.model import SweepStatus

STANDBY_SECONDS = 1.0
MIN_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 300.0
# Enough to get from the shortest backoff beyond the longest.
MAX_DOUBLINGS = 20
# Polling interval for due sweeps and operator requests.
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class SupervisorHooks:
    """What the supervisor calls.

    `acquire` tries to take the lease and returns whether it has it. `sweep` runs one sweep and returns its status.
    `idle` waits for so many seconds or until a stop is requested, and sends heartbeats meanwhile. `blocked_by` returns
    why no new work may start, an empty string if it may. `interval` returns the seconds between sweeps. `renewals`
    returns how often credentials changed such that a failed sweep may succeed now, `requests` how often a sweep was
    requested.
    """

    acquire: Callable[[], bool]
    sweep: Callable[[], SweepStatus]
    idle: Callable[[float], None]
    blocked_by: Callable[[], str]
    interval: Callable[[], float]
    renewals: Callable[[], int]
    requests: Callable[[], int]


class Supervisor:
    """Runs sweeps, an interval apart, until a stop is requested or `max_sweeps` were run (0: no limit)."""

    def __init__(
        self,
        hooks: SupervisorHooks,
        pair: str,
        stop: Stop,
        notify: Notify,
        *,
        max_sweeps: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hooks = hooks
        self._pair = pair
        self._stop = stop
        self._notify = notify
        self._max_sweeps = max_sweeps
        self._clock = clock
        self.sweeps = 0
        self._handled_requests = hooks.requests()
        self._handled_renewals = hooks.renewals()
        self._failed_in_a_row = 0
        self._ended_at = clock()
        self._last: SweepStatus | None = None

    def run(self) -> None:
        """Run until a stop is requested; after a failed sweep wait longer, and longer after each further one."""
        self._stand_by()
        while not self._stop.requested and not 0 < self._max_sweeps <= self.sweeps:
            if self._may_sweep():
                self._sweep()
            else:
                self._hooks.idle(POLL_SECONDS)

    def _may_sweep(self) -> bool:
        """Return whether a sweep is due, requested, or failed for credentials that changed; and not blocked."""
        due = self._clock() >= self._ended_at + self._pause()
        requested = self._hooks.requests() != self._handled_requests
        renewed = self._failed_in_a_row > 0 and self._hooks.renewals() != self._handled_renewals
        return (due or requested or renewed) and not self._hooks.blocked_by()

    def _pause(self) -> float:
        if self._last in {None, SweepStatus.INTERRUPTED}:
            return 0.0
        return pause_after(self._hooks.interval(), self._failed_in_a_row)

    def _sweep(self) -> None:
        # Recorded before the sweep: a request that arrives while it runs starts another one.
        self._handled_requests = self._hooks.requests()
        self._handled_renewals = self._hooks.renewals()
        self.sweeps += 1
        self._last = self._hooks.sweep()
        self._ended_at = self._clock()
        failed = self._last is SweepStatus.FAILED
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
        self._notify(SweepAwaited(self._pause(), self._failed_in_a_row))

    def _stand_by(self) -> None:
        if not self._stop.requested and not self._hooks.acquire():
            wait_for_lease(self._pair, self._hooks.acquire, self._hooks.idle, self._stop, self._notify)
        if not self._stop.requested:
            self._notify(LeaseAcquired(self._pair))


def wait_for_lease(
    pair: str, acquire: Callable[[], bool], idle: Callable[[float], None], stop: Stop, notify: Notify
) -> bool:
    """Wait until this instance holds the lease on `pair`; return False if a stop was requested first."""
    notify(LeaseWaiting(pair))
    while not stop.requested and not acquire():
        idle(STANDBY_SECONDS)
    return not stop.requested


def pause_after(interval: float, failed_in_a_row: int) -> float:
    """Return the seconds to the next attempt: the interval, doubled for each failure in a row, up to five minutes."""
    if failed_in_a_row == 0:
        return interval
    doubled = max(interval, MIN_BACKOFF_SECONDS) * 2.0 ** min(failed_in_a_row, MAX_DOUBLINGS)
    return max(interval, min(doubled, MAX_BACKOFF_SECONDS))
