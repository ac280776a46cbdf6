"""What people ask of a running daemon besides stopping: pause, resume, sweep now, read the settings again.

Noted by a signal handler or the control socket, and looked at by the loops, each in its own time. The wish to stop is
`stop.py`'s.
"""

from itertools import count


class OperatorRequests:
    """Notes wishes; safe to be told from a signal handler and from any thread, since each note is one assignment.

    `sweeps` and `reloads` count how often those were asked for, so that each loop can tell what it has not heard yet.
    A pause does not survive the process: a daemon that starts anew goes to work.
    """

    def __init__(self) -> None:
        self.paused = False
        self.sweeps = 0
        self.reloads = 0
        self._next_sweep, self._next_reload = count(1), count(1)

    def pause(self) -> None:
        """Ask that nothing new begins."""
        self.paused = True

    def resume(self) -> None:
        """Ask that work goes on."""
        self.paused = False

    def sweep(self) -> None:
        """Ask for a sweep now."""
        self.sweeps = next(self._next_sweep)

    def reload(self) -> None:
        """Ask that the settings are read again."""
        self.reloads = next(self._next_reload)
