"""The request to stop: made once, by a signal handler or any thread; every loop polls for it."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

# Pause between attempts after a stop was requested, while an outcome must still be recorded.
FINAL_RETRY_SECONDS = 0.2


class Stop:
    """Records that the program must stop, why, and the one deadline that all parts share.

    `clock` counts seconds monotonically. `request` may be called from a signal handler: `SimpleQueue.put` is reentrant,
    so a handler may interrupt it and call it again; `Event.set` is not.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wakeup: SimpleQueue[str] = SimpleQueue()
        self._deadline = float("inf")
        self.reason = ""

    def request(self, reason: str, grace: float) -> None:
        """Request a stop within `grace` seconds; later requests are ignored."""
        if self.requested:
            return
        self._deadline = self._clock() + grace
        self.reason = reason
        self._wakeup.put(reason)

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""
        return bool(self.reason)

    @property
    def overdue(self) -> bool:
        """Whether the deadline has passed."""
        return self._clock() >= self._deadline

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never negative; infinite while no stop is requested."""
        return max(0.0, self._deadline - self._clock())

    @property
    def overrun(self) -> float:
        """Seconds since the deadline, never negative; 0 while no stop is requested."""
        return max(0.0, self._clock() - self._deadline)

    def wait(self, seconds: float) -> bool:
        """Wait for `seconds` or until a stop is requested; return False if it was requested."""
        try:
            reason = self._wakeup.get(timeout=seconds)
        except Empty:
            return True
        # Put back for the other waiting threads.
        self._wakeup.put(reason)
        return False


def outage_wait(stop: Stop, run_periodic: Callable[[], None]) -> Callable[[float], bool]:
    """Return the function that waits between attempts to write to an absent database.

    It returns False once the deadline of a stop has passed. A requested stop does not end the attempts at once, because
    outcomes must still be recorded.
    """

    def wait(seconds: float) -> bool:
        run_periodic()
        if not stop.wait(seconds):
            time.sleep(min(FINAL_RETRY_SECONDS, stop.remaining))
        return not stop.overdue

    return wait
