"""Whether new work may begin now: not while stopping, not while paused, not outside the windows.

It decides nothing else: what is in flight ends by itself, whoever holds new work back.
"""

import time
from collections.abc import Callable, Sequence

from s3mover.events import DaemonPaused, DaemonResumed, Notify, WindowClosed, WindowOpened
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop
from s3mover.windows import Window, is_open, next_change

PAUSED = "paused"
OUTSIDE = "outside sweep.windows"


class StartGate:
    """Holds new work back, and announces the opening and closing of windows.

    `windows` gives those in force now; `clock` tells seconds since the epoch.
    """

    def __init__(
        self,
        stop: Stop,
        requests: OperatorRequests,
        windows: Callable[[], Sequence[Window]],
        notify: Notify,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stop = stop
        self._wishes = requests
        self._windows = windows
        self._notify = notify
        self._clock = clock
        self._was_open = True

    def blocked_by(self) -> str:
        """Return why nothing new may begin, empty where it may."""
        if self._stop.requested:
            return self._stop.reason
        if self._wishes.paused:
            return PAUSED
        return "" if is_open(self._windows(), self._clock()) else OUTSIDE

    def poll(self) -> None:
        """Announce that a window opened or closed, where one did."""
        now, windows = self._clock(), self._windows()
        open_ = is_open(windows, now)
        if open_ is not self._was_open:
            self._was_open = open_
            change = next_change(windows, now)
            self._notify(WindowOpened(change) if open_ else WindowClosed(change))


class PauseAnnouncer:
    """Announces each pause and its end once, from the thread that looks: a wish is only noted."""

    def __init__(self, requests: OperatorRequests, notify: Notify) -> None:
        self._wishes = requests
        self._notify = notify
        self._told = False

    def poll(self) -> None:
        """Announce what has changed."""
        if self._wishes.paused is not self._told:
            self._told = self._wishes.paused
            self._notify(DaemonPaused() if self._told else DaemonResumed())
