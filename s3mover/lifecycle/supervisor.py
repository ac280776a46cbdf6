"""The life of a route: lease, rounds, the time between them, and the order of stopping.

It knows nothing of S3, of SQL or of processes: it is given what to call. The order of stopping:

1. A signal is noted (`Stop`); readiness goes, nothing new is intended.
2. The running sweep calls unbegun orders back, waits for those in hand until the deadline, settles, is recorded.
3. The crew is dismissed; who does not go is killed.
4. The trail is closed, and the lease goes with it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from s3mover.events import (
    DaemonStopping,
    LeaseAcquired,
    LeaseWaiting,
    Notify,
    SweepAwaited,
)
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop
from s3mover.model import SweepStatus

STANDBY_SECONDS = 1.0
SHORTEST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 300.0
# From the shortest backoff to more than the longest.
MOST_DOUBLINGS = 20
# How often it is looked whether it is time, or something else is wished.
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class SupervisorHooks:
    """What the supervisor has done for it.

    `acquire` takes the lease and says whether it got it. `round` makes one sweep and says what became of it.
    `idle` waits so many seconds or until a stop is asked for, and gives the sign of life meanwhile. `blocked_by` says why
    nothing new may begin, empty where it may. `interval` is the time between rounds, in seconds.
    """

    acquire: Callable[[], bool]
    round: Callable[[], SweepStatus]
    idle: Callable[[float], None]
    blocked_by: Callable[[], str]
    interval: Callable[[], float]


class Supervisor:
    """Runs rounds, an interval apart, until it is to stop, or until so many `rounds` were made (0: endlessly)."""

    def __init__(
        self,
        hooks: SupervisorHooks,
        pair: str,
        stop: Stop,
        requests: OperatorRequests,
        notify: Notify,
        *,
        rounds: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._duties = hooks
        self._pair = pair
        self._stop = stop
        self._wishes = requests
        self._notify = notify
        self._rounds = rounds
        self._clock = clock
        self.sweeps = 0
        self._asked = requests.sweeps
        self._failed_in_a_row = 0
        self._ended_at = clock()
        self._last: SweepStatus | None = None

    def run(self) -> None:
        """Run until a stop is asked for; a round that fails is made again, after a longer wait each time."""
        self._stand_by()
        while not self._stop.requested and not 0 < self._rounds <= self.sweeps:
            if self._is_time():
                self._sweep()
            else:
                self._duties.idle(POLL_SECONDS)

    def _is_time(self) -> bool:
        """Tell whether a round is due or asked for, and may begin."""
        due = self._clock() >= self._ended_at + self._pause()
        return (due or self._wishes.sweeps != self._asked) and not self._duties.blocked_by()

    def _pause(self) -> float:
        if self._last in {None, SweepStatus.INTERRUPTED}:
            return 0.0
        return pause_after(self._duties.interval(), self._failed_in_a_row)

    def _sweep(self) -> None:
        # Noted before the round: who asks meanwhile asks for the next one.
        self._asked = self._wishes.sweeps
        self.sweeps += 1
        self._last = self._duties.round()
        self._ended_at = self._clock()
        failed = self._last is SweepStatus.FAILED
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
        self._notify(SweepAwaited(self._pause(), self._failed_in_a_row))

    def _stand_by(self) -> None:
        if self._stop.requested or self._duties.acquire():
            return self._lead()
        wait_for_lease(self._pair, self._duties.acquire, self._duties.idle, self._stop, self._notify)
        return self._lead()

    def _lead(self) -> None:
        if not self._stop.requested:
            self._notify(LeaseAcquired(self._pair))


def wait_for_lease(
    pair: str, acquire: Callable[[], bool], idle: Callable[[float], None], stop: Stop, notify: Notify
) -> bool:
    """Stand by until the lease on `pair` is ours; False where a stop was asked for instead."""
    notify(LeaseWaiting(pair))
    while not stop.requested and not acquire():
        idle(STANDBY_SECONDS)
    return not stop.requested


def pause_after(interval: float, failed_in_a_row: int) -> float:
    """Return the seconds to the next round: the interval, doubled for each failure in a row, up to five minutes."""
    if failed_in_a_row == 0:
        return interval
    doubled = max(interval, SHORTEST_BACKOFF_SECONDS) * 2.0 ** min(failed_in_a_row, MOST_DOUBLINGS)
    return max(interval, min(doubled, LONGEST_BACKOFF_SECONDS))


class StopAnnouncer:
    """Announces once, from the loop's thread, that a stop was asked for: a signal handler only notes it."""

    def __init__(self, stop: Stop, notify: Notify) -> None:
        self._stop = stop
        self._notify = notify
        self._told = False

    def poll(self) -> None:
        """Announce the stop if it was asked for and is not announced yet."""
        if self._stop.requested and not self._told:
            self._told = True
            self._notify(DaemonStopping(self._stop.reason, self._stop.remaining))
