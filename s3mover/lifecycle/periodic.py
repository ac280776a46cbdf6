"""The periodic work that all routes share: announcers, credential refreshers, the control socket, reloads.

What is polled is registered by others; each function returns at once if nothing is due.
"""

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from s3mover.events import Notify, TaskFailed

# After an internal error a function is not called for so long.
RETRY_SECONDS = 60.0


class PeriodicTasks:
    """Calls every registered function in turn; one thread alone calls `run`, any may register.

    With `isolated` an internal error of one function is announced, and the others go on; else it is raised.
    """

    def __init__(
        self, notify: Notify, *, isolated: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._notify = notify
        self._isolated = isolated
        self._clock = clock
        self._polls: list[Callable[[], None]] = []
        self._resume_at: dict[Callable[[], None], float] = {}

    def register(self, poll: Callable[[], None]) -> None:
        """Call `poll` from now on."""
        self._polls.append(poll)

    @contextmanager
    def registered(self, poll: Callable[[], None]) -> Iterator[None]:
        """Call `poll` for the duration of the block."""
        self.register(poll)
        try:
            yield
        finally:
            self._polls.remove(poll)
            self._resume_at.pop(poll, None)

    def run(self) -> None:
        """Call every function once, except those that failed a short time ago."""
        for poll in list(self._polls):
            if self._clock() >= self._resume_at.get(poll, 0.0):
                self._call(poll)

    def _call(self, poll: Callable[[], None]) -> None:
        try:
            poll()
        except Exception as error:
            if not self._isolated:
                raise
            self._resume_at[poll] = self._clock() + RETRY_SECONDS
            trace = "".join(traceback.format_exception(error))
            self._notify(TaskFailed(f"internal error: {trace}", RETRY_SECONDS))
