"""What the loop's thread looks after whenever it comes round: heartbeat, stop notice, fresh credentials."""

import time
from collections.abc import Callable

from s3mover.errors import UnreachableError
from s3mover.model import Credentials, Side
from s3mover.stop import Stop
from s3mover.workers.desk import Desk

# How often it is looked whether credentials were refreshed.
CREDENTIALS_SECONDS = 10.0
# How long a wait lasts that a stop may not cut short, because something must still be recorded.
LAST_WAIT_SECONDS = 0.2


class CredentialWatch:
    """Sends refreshed credentials down to the workers, who know nothing of AWS's credential chain.

    `current` gives each side's credentials, refreshed where that was due; `clock` counts seconds steadily.
    """

    def __init__(
        self,
        current: dict[Side, Callable[[], Credentials]],
        desk: Desk,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._known = {side: credentials() for side, credentials in current.items()}
        self._desk = desk
        self._clock = clock
        self._next_look = clock() + CREDENTIALS_SECONDS

    def look(self) -> None:
        """Send down what has changed, at most every `CREDENTIALS_SECONDS`."""
        if self._clock() < self._next_look:
            return
        self._next_look = self._clock() + CREDENTIALS_SECONDS
        for side, credentials in self._current.items():
            try:
                fresh = credentials()
            except UnreachableError:
                # Said by the next listing, which cannot go on either; what runs may still use the old ones.
                continue
            if fresh != self._known[side]:
                self._known[side] = fresh
                self._desk.renew(side, fresh)


def patience(stop: Stop, tend: Callable[[], None]) -> Callable[[float], bool]:
    """Return how a write waits for an absent database: until it is back, or until the stop's deadline."""

    def wait(seconds: float) -> bool:
        tend()
        if not stop.wait(seconds):
            time.sleep(min(LAST_WAIT_SECONDS, stop.remaining))
        return not stop.overdue

    return wait
