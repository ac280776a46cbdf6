"""Announce stops and pauses from a polling loop, because a signal handler may only record the request."""

from s3mover.events import DaemonPaused, DaemonResumed, DaemonStopping, Notify
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop
from s3mover.model import Pause


class StopAnnouncer:
    """Announces once that a stop was requested."""

    def __init__(self, stop: Stop, notify: Notify) -> None:
        self._stop = stop
        self._notify = notify
        self._announced = False

    def poll(self) -> None:
        """Announce a stop that is not announced yet."""
        if self._stop.requested and not self._announced:
            self._announced = True
            self._notify(DaemonStopping(self._stop.reason, self._stop.remaining))


class PauseAnnouncer:
    """Announces the start and the end of each pause of a route once."""

    def __init__(self, requests: OperatorRequests, route: str, notify: Notify) -> None:
        self._requests = requests
        self._route = route
        self._notify = notify
        self._announced: Pause | None = None

    def poll(self) -> None:
        """Announce a pause or its end since the last call."""
        pause = self._requests.pause_of(self._route)
        if pause != self._announced:
            self._announced = pause
            self._notify(DaemonResumed() if pause is None else DaemonPaused(*pause))
