"""Requests of the operator to a running daemon: pause, resume, sweep now, reload settings. A stop is `stop.py`'s.

A signal handler or the control socket records a request; the loops poll for it.
"""

from itertools import count


class OperatorRequests:
    """Records requests. Each method is a single assignment, so signal handlers and any thread may call it.

    `sweeps` and `reloads` count requests, so that each loop can detect new ones. A pause ends with the process: a
    restarted daemon is not paused.
    """

    def __init__(self) -> None:
        self.paused = False
        self.sweeps = 0
        self.reloads = 0
        self._next_sweep, self._next_reload = count(1), count(1)

    def pause(self) -> None:
        """Request that no new work starts."""
        self.paused = True

    def resume(self) -> None:
        """Request that work continues."""
        self.paused = False

    def sweep(self) -> None:
        """Request a sweep now."""
        self.sweeps = next(self._next_sweep)

    def reload(self) -> None:
        """Request that the settings are reloaded."""
        self.reloads = next(self._next_reload)
