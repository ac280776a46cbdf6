"""Keeps the control socket open while the daemon runs, and maps its commands to operator requests."""

import time
from collections.abc import Callable
from pathlib import Path

from s3mover.errors import ControlError
from s3mover.events import ControlUnavailable, Notify
from s3mover.lifecycle.control_socket import Commands, ControlServer
from s3mover.lifecycle.operator_requests import OperatorRequests

# Interval of attempts to open the control socket, which another running daemon may hold.
CONTROL_SECONDS = 1.0
# Value of control.socket that disables the socket.
DISABLED = "none"


def commands_of(requests: OperatorRequests, status: Callable[[], str]) -> Commands:
    """Return the commands of the control socket; each returns one line, `status` that of the command of its name."""

    def pause() -> str:
        requests.pause()
        return "paused: no new work starts, work in flight finishes"

    def resume() -> str:
        requests.resume()
        return "resumed"

    return {"pause": pause, "resume": resume, "status": status}


class ControlListener:
    """Opens the control socket, and retries until it succeeds: the daemon works without it."""

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
        self._next_attempt = clock()
        self._announced = False

    def poll(self) -> None:
        """Open the socket if it is not open; announce the first failure."""
        if self._path == DISABLED or self._server is not None or self._clock() < self._next_attempt:
            return
        self._next_attempt = self._clock() + CONTROL_SECONDS
        try:
            self._server = ControlServer(Path(self._path), self._commands)
        except ControlError as error:
            if not self._announced:
                self._announced = True
                self._notify(ControlUnavailable(str(error)))

    def close(self) -> None:
        """Close the socket if it is open."""
        if self._server is not None:
            self._server.close()
