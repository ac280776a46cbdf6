"""The daemon's life: lease, rounds, the interval between them, signals, and the order of stopping.

It knows nothing of S3, of SQL or of processes: it is given what to call. The order of stopping:

1. A signal is noted (`Stop`); readiness goes, nothing new is intended.
2. The running sweep calls unbegun orders back, waits for those in hand until the deadline, settles, is recorded.
3. The crew is dismissed; who does not go is killed.
4. The trail is closed, and the lease goes with it.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from s3mover.events import (
    DaemonStarted,
    DaemonStopped,
    DaemonStopping,
    LeaseAcquired,
    LeaseWaiting,
    Notify,
)
from s3mover.stop import Stop, end_by

STANDBY_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
# From the shortest interval of a millisecond to more than the longest wait.
MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Duties:
    """What the supervisor has done for it.

    `acquire` takes the lease and says whether it got it. `round` makes one sweep and says whether it could be made.
    `idle` waits so many seconds or until a stop is asked for, and looks after the crew meanwhile. `tend` announces
    a stop that was asked for, and gives the sign of life.
    """

    acquire: Callable[[], bool]
    round: Callable[[], bool]
    idle: Callable[[float], None]
    tend: Callable[[], None]


class Supervisor:
    """Runs rounds, `interval` seconds apart, until it is to stop."""

    def __init__(
        self, duties: Duties, started: DaemonStarted, interval: float, stop: Stop, notify: Notify
    ) -> None:
        self._duties = duties
        self._started = started
        self._interval = interval
        self._stop = stop
        self._notify = notify
        self._sweeps = 0
        self._failed_in_a_row = 0

    def run(self) -> None:
        """Run until a stop is asked for; a round that fails is made again, after a longer wait each time."""
        self._notify(self._started)
        self._stand_by()
        while not self._stop.requested:
            self._sweeps += 1
            succeeded = self._duties.round()
            self._failed_in_a_row = 0 if succeeded else self._failed_in_a_row + 1
            self._duties.idle(pause_after(self._interval, self._failed_in_a_row))
        self._duties.tend()
        self._notify(DaemonStopped(self._sweeps))

    def _stand_by(self) -> None:
        if self._stop.requested or self._duties.acquire():
            return self._lead()
        self._notify(LeaseWaiting(self._started.pair))
        while not self._stop.requested and not self._duties.acquire():
            self._duties.idle(STANDBY_SECONDS)
        return self._lead()

    def _lead(self) -> None:
        if not self._stop.requested:
            self._notify(LeaseAcquired(self._started.pair))


def pause_after(interval: float, failed_in_a_row: int) -> float:
    """Return the seconds to the next round: the interval, doubled for each failure in a row, up to five minutes."""
    if failed_in_a_row == 0:
        return interval
    doubled = interval * 2.0 ** min(failed_in_a_row, MOST_DOUBLINGS)
    return max(interval, min(doubled, LONGEST_BACKOFF_SECONDS))


class StopNotice:
    """Announces once, from the loop's thread, that a stop was asked for: a signal handler only notes it."""

    def __init__(self, stop: Stop, notify: Notify) -> None:
        self._stop = stop
        self._notify = notify
        self._told = False

    def look(self) -> None:
        """Announce the stop if it was asked for and is not announced yet."""
        if self._stop.requested and not self._told:
            self._told = True
            self._notify(DaemonStopping(self._stop.reason, self._stop.remaining))


@contextmanager
def stopping_on_signals(stop: Stop, grace: float) -> Iterator[None]:
    """Let SIGTERM and SIGINT ask for a stop within `grace` seconds; a second one ends the process at once."""

    def note(number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            end_by(number)
        stop.request(signal.Signals(number).name, grace)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
