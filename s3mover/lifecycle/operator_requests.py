"""Requests of the operator to a running daemon: pause, resume, sweep now, reload settings. A stop is `stop.py`'s.

A signal handler or the control socket records a request; the loops poll for it.
"""

import time
from itertools import count

from s3mover.model import Pause


class OperatorRequests:
    """Records requests. Each method is a single assignment, so signal handlers and any thread may call it.

    `sweeps` and `reloads` count requests, so that each loop can detect new ones. `paused` is a pause of this process
    alone, which ends with it; `standing` are the pauses of routes in the audit database, as they were last read.
    """

    def __init__(self) -> None:
        self.paused: Pause | None = None
        self.standing: dict[str, Pause | None] = {}
        self.sweeps = 0
        self.reloads = 0
        self._next_sweep, self._next_reload = count(1), count(1)

    def pause(self) -> None:
        """Request that no new work starts."""
        self.paused = self.paused or Pause(time.time(), "control socket", "")

    def resume(self) -> None:
        """Request that work continues."""
        self.paused = None

    def pause_of(self, route: str) -> Pause | None:
        """Return the pause that holds for a route, None if it may work."""
        return self.standing.get(route) or self.paused

    def sweep(self) -> None:
        """Request a sweep now."""
        self.sweeps = next(self._next_sweep)

    def reload(self) -> None:
        """Request that the settings are reloaded."""
        self.reloads = next(self._next_reload)
