"""The thread of one route: runs its supervisor, and restarts it after errors that a restart may fix."""

import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from s3mover.audit.retrying_trail import LONGEST_WAIT_SECONDS, OutageAnnouncer
from s3mover.errors import AuditUnavailableError, ExitCode, LeaseHeldError, MoverError
from s3mover.events import Notify, RouteFailed
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import Supervisor, pause_after

# Wait before the first restart of a route; doubled for each further one.
FIRST_RESTART_SECONDS = 1.0
HEARTBEAT_SECONDS = 0.1

# Opens everything a route needs and yields the supervisor of at most so many sweeps (0: no limit); calls the function
# once the trail is open, since what comes after it may fail.
OpenSupervisor = Callable[[int, Callable[[], None]], AbstractContextManager[Supervisor]]


@dataclass(frozen=True, slots=True)
class RouteHooks:
    """What the thread of a route calls; `grace` returns the seconds that a stop may take.

    With `standby` a route that loses its lease is restarted, and stands by.
    """

    open_supervisor: OpenSupervisor
    notify: Notify
    heartbeat: Callable[[], None]
    grace: Callable[[], float]
    standby: bool = True


class RouteThread(threading.Thread):
    """Runs one route until a stop is requested or `max_sweeps` were run (0: no limit).

    `error` is the error that ended the route, if any; it also requests a stop of all routes.
    """

    def __init__(self, route: str, hooks: RouteHooks, stop: Stop, max_sweeps: int) -> None:
        super().__init__(name=f"route-{route}" if route else "route", daemon=True)
        self.error: Exception | None = None
        self.sweeps = 0
        self._route = route
        self._hooks = hooks
        self._stop_request = stop
        self._max_sweeps = max_sweeps
        self._outage = OutageAnnouncer(hooks.notify, time.monotonic)
        # Whether the lease was lost, and the route has not been opened again since.
        self._reopening = False

    def run(self) -> None:
        """Run the supervisor, again after each recoverable error."""
        failed_in_a_row = 0
        while not self._stop_request.requested and not 0 < self._max_sweeps <= self.sweeps:
            before = self.sweeps
            error = self._supervise()
            if error is None:
                return
            if not self._is_recoverable(error):
                self._fail(error)
                return
            failed_in_a_row = failed_in_a_row + 1 if self.sweeps == before else 1
            self._wait(error, pause_after(FIRST_RESTART_SECONDS, failed_in_a_row))

    def _is_recoverable(self, error: Exception) -> bool:
        self._reopening = self._reopening or isinstance(error, LeaseHeldError)
        stopping, isolated = self._stop_request.requested, bool(self._route) or self._reopening
        return is_recoverable(error, isolated=isolated, stopping=stopping, standby=self._hooks.standby)

    def _supervise(self) -> Exception | None:
        """Run the supervisor until it ends, and return the error that ended it, if any."""
        try:
            sweeps_left = max(0, self._max_sweeps - self.sweeps)
            with self._hooks.open_supervisor(sweeps_left, self._outage.ended) as supervisor:
                self._reopening = False
                try:
                    supervisor.run()
                finally:
                    self.sweeps += supervisor.sweeps
        except Exception as error:  # noqa: BLE001 - judged by `run`; the main thread raises an internal error
            return error
        return None

    def _fail(self, error: Exception) -> None:
        self.error = error
        self._stop_request.request(type(error).__name__, self._hooks.grace())

    def _wait(self, error: Exception, seconds: float) -> None:
        if self._stop_request.requested:
            return
        if isinstance(error, AuditUnavailableError):
            seconds = min(seconds, LONGEST_WAIT_SECONDS)
            self._outage.began(error)
        else:
            self._hooks.notify(RouteFailed(_message_of(error), seconds))
        while seconds > 0 and self._stop_request.wait(min(seconds, HEARTBEAT_SECONDS)):
            seconds -= HEARTBEAT_SECONDS
            self._hooks.heartbeat()


def is_recoverable(error: Exception, *, isolated: bool, stopping: bool, standby: bool) -> bool:
    """Return whether the supervisor of a route is restarted after `error`.

    | error                | single pair          | isolated             |
    |----------------------|----------------------|----------------------|
    | lease lost           | if it may stand by   | if it may stand by   |
    | database unavailable | yes, unless stopping | yes                  |
    | other expected error | no                   | yes                  |
    | internal error       | no                   | yes, unless stopping |

    One of several routes is isolated: what a store or an object of one brings about must not end another. So is a
    single pair that lost its lease, until it is opened again: its settings are known to work. An unavailable database
    is always waited for: program and database are often started together.
    """
    if isinstance(error, LeaseHeldError):
        return standby
    if isinstance(error, AuditUnavailableError) and not stopping:
        return True
    return isolated and not (stopping and is_internal(error))


def is_internal(error: Exception) -> bool:
    """Return whether `error` is a defect of this program."""
    return not isinstance(error, MoverError) or error.exit_code is ExitCode.INTERNAL_ERROR


def _message_of(error: Exception) -> str:
    """Return the message of an error; of an internal one its trace, which is needed to mend it."""
    return (
        "internal error: " + "".join(traceback.format_exception(error)) if is_internal(error) else str(error)
    )
