"""What is looked after whenever a loop comes round: the control socket, and the wait for an absent database."""

import time
from collections.abc import Callable
from pathlib import Path

from s3mover.errors import ControlError
from s3mover.events import ControlUnavailable, Notify
from s3mover.lifecycle.control_socket import Commands, ControlServer
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop

# How often it is tried to open the control socket, which another daemon may hold as long as it lives.
CONTROL_SECONDS = 1.0
# How long a wait lasts that a stop may not cut short, because something must still be recorded.
LAST_WAIT_SECONDS = 0.2
# The setting's word for no socket at all.
NOWHERE = "none"


def commands_of(requests: OperatorRequests) -> Commands:
    """Return what can be asked over the control socket; each answers in one line."""

    def pause() -> str:
        requests.pause()
        return "paused: nothing new begins, what is in flight ends"

    def resume() -> str:
        requests.resume()
        return "resumed"

    return {"pause": pause, "resume": resume}


class ControlListener:
    """Keeps the control socket open, and tries again where that cannot be done: the work does not depend on it."""

    def __init__(
        self,
        path: str,
        commands: Commands,
        notify: Notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._commands = commands
        self._notify = notify
        self._clock = clock
        self._server: ControlServer | None = None
        self._next_try = clock()
        self._told = False

    def poll(self) -> None:
        """Open the socket if it is not open; that it cannot be is said once."""
        if self._path == NOWHERE or self._server is not None or self._clock() < self._next_try:
            return
        self._next_try = self._clock() + CONTROL_SECONDS
        try:
            self._server = ControlServer(Path(self._path), self._commands)
        except ControlError as error:
            if not self._told:
                self._told = True
                self._notify(ControlUnavailable(str(error)))

    def close(self) -> None:
        """Close the socket, where it is open."""
        if self._server is not None:
            self._server.close()


def patience(stop: Stop, run_periodic: Callable[[], None]) -> Callable[[float], bool]:
    """Return how a write waits for an absent database: until it is back, or until the stop's deadline."""

    def wait(seconds: float) -> bool:
        run_periodic()
        if not stop.wait(seconds):
            time.sleep(min(LAST_WAIT_SECONDS, stop.remaining))
        return not stop.overdue

    return wait
