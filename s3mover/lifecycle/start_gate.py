"""Whether new work may start now: not while stopping, not while paused, not outside the windows.

Work in flight is not affected.
"""

import time
from collections.abc import Callable, Sequence

from s3mover.events import Notify, WindowClosed, WindowOpened
from s3mover.lifecycle.stop import Stop
from s3mover.model import Pause
from s3mover.windows import Window, is_open, next_change

PAUSED = "paused"
OUTSIDE = "outside sweep.windows"


class StartGate:
    """Blocks new work, and announces when windows open and close.

    `pause` returns the pause that holds, if any; `windows` returns the windows in force; `clock` returns seconds since
    the epoch.
    """

    def __init__(
        self,
        stop: Stop,
        pause: Callable[[], Pause | None],
        windows: Callable[[], Sequence[Window]],
        notify: Notify,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stop = stop
        self._pause = pause
        self._windows = windows
        self._notify = notify
        self._clock = clock
        self._was_open = True

    def blocked_by(self) -> str:
        """Return why no new work may start, an empty string if it may."""
        if self._stop.requested:
            return self._stop.reason
        if self._pause() is not None:
            return PAUSED
        return "" if is_open(self._windows(), self._clock()) else OUTSIDE

    def poll(self) -> None:
        """Announce that a window opened or closed since the last call."""
        now, windows = self._clock(), self._windows()
        now_open = is_open(windows, now)
        if now_open is not self._was_open:
            self._was_open = now_open
            change = next_change(windows, now)
            self._notify(WindowOpened(change) if now_open else WindowClosed(change))
