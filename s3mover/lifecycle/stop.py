"""The wish to stop: noted once, by a signal handler or anyone, and looked at by every loop; and the end at once."""

import os
import signal
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NoReturn

# What a shell makes of a signal's number when it tells how a command ended.
_ENDED_BY_SIGNAL = 128
_FIRST_PROCESS = 1


class Stop:
    """Notes that the program is to stop, why, and by when; one deadline shared by all who stop.

    `clock` counts seconds steadily. `request` may be called from a signal handler: `SimpleQueue.put` is the one
    way to wake a waiting thread that is safe to enter again in the middle of itself (an `Event` is not).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wish: SimpleQueue[str] = SimpleQueue()
        self._deadline = float("inf")
        self.reason = ""

    def request(self, reason: str, grace: float) -> None:
        """Ask for a stop within `grace` seconds; a later request is not heard."""
        if self.requested:
            return
        self._deadline = self._clock() + grace
        self.reason = reason
        self._wish.put(reason)

    @property
    def requested(self) -> bool:
        """Whether a stop was asked for."""
        return bool(self.reason)

    @property
    def overdue(self) -> bool:
        """Whether the time to stop in good order is over."""
        return self._clock() >= self._deadline

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never negative; endless while no stop was asked for."""
        return max(0.0, self._deadline - self._clock())

    def wait(self, seconds: float) -> bool:
        """Wait so many seconds, or until a stop is asked for; True where the time passed undisturbed."""
        try:
            wish = self._wish.get(timeout=seconds)
        except Empty:
            return True
        # Left for whoever else waits.
        self._wish.put(wish)
        return False


def end_by(number: int) -> NoReturn:
    """End this process at once, as the default action of a signal does.

    The kernel spares the first process of a container every default action (pid_namespaces(7)): that one ends with the
    exit code that a shell would tell.
    """
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(_ENDED_BY_SIGNAL + number)


def handle_term_as_first_process() -> None:
    """Let SIGTERM end the first process of a container from its first moment on, and not only once it listens."""
    if os.getpid() == _FIRST_PROCESS:
        signal.signal(signal.SIGTERM, lambda number, _frame: end_by(number))
