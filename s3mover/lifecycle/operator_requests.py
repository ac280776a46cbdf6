"""Requests of the operator to a running daemon: pause, resume, sweep now, reload settings. A stop is `stop.py`'s.

A signal handler or the control socket records a request; the loops poll for it.
"""

import time
from itertools import count
from typing import NamedTuple

from s3mover.model import Pause


class Reloaded(NamedTuple):
    """The result of a reload of the settings: which one, whether the new settings are in force, and a sentence."""

    number: int
    is_applied: bool
    text: str


class OperatorRequests:
    """Records requests. Each method is a single assignment, so signal handlers and any thread may call it.

    `sweeps` and `reloads` count the requests at this process, so that each loop can detect new ones; `sweeps_of` and
    `all_reloads` count those that came through the audit database, too. `paused` is a pause of this process alone,
    which ends with it; `standing` are the pauses of routes in the audit database, as they were last read.
    """

    def __init__(self) -> None:
        self.paused: Pause | None = None
        self.standing: dict[str, Pause | None] = {}
        self.sweeps = 0
        self.reloads = 0
        self.reloaded: Reloaded | None = None
        # Of each route, written by its own thread alone.
        self._forwarded_sweeps: dict[str, int] = {}
        self._forwarded_reloads: dict[str, int] = {}
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

    @property
    def all_reloads(self) -> int:
        """How often a reload was requested, here or through the audit database."""
        return self.reloads + sum(self._forwarded_reloads.values())

    def sweeps_of(self, route: str) -> int:
        """Return how often a sweep of a route was requested, here or through the audit database."""
        return self.sweeps + self._forwarded_sweeps.get(route, 0)

    def forward_sweep(self, route: str) -> None:
        """Request a sweep of a route for an operator elsewhere; called by the route's own thread."""
        self._forwarded_sweeps[route] = self._forwarded_sweeps.get(route, 0) + 1

    def forward_reload(self, route: str) -> int:
        """Request a reload for an operator elsewhere, and return its number; called by the route's own thread."""
        self._forwarded_reloads[route] = self._forwarded_reloads.get(route, 0) + 1
        return self.all_reloads
