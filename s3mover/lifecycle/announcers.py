"""Announce stops and pauses from a polling loop, because a signal handler may only record the request."""

from s3mover.events import DaemonPaused, DaemonResumed, DaemonStopping, Notify
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop


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
    """Announces the start and the end of each pause once."""

    def __init__(self, requests: OperatorRequests, notify: Notify) -> None:
        self._requests = requests
        self._notify = notify
        self._paused = False

    def poll(self) -> None:
        """Announce a pause or its end since the last call."""
        if self._requests.paused is not self._paused:
            self._paused = self._requests.paused
            self._notify(DaemonPaused() if self._paused else DaemonResumed())
