"""Announcers of stops and pauses."""

from s3mover.lifecycle.announcers import PauseAnnouncer, StopAnnouncer
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop


def test_a_pause_is_announced_once() -> None:
    """And so is its end."""
    requests, names = OperatorRequests(), list[str]()
    announcer = PauseAnnouncer(requests, lambda event: names.append(event.name))
    for act in (announcer.poll, requests.pause, requests.pause, announcer.poll, requests.resume):
        act()
        announcer.poll()
    assert names == ["daemon.paused", "daemon.resumed"]


def test_a_stop_is_announced_once() -> None:
    """However often it is polled."""
    names: list[str] = []
    stop = Stop()
    announcer = StopAnnouncer(stop, lambda event: names.append(event.name))
    announcer.poll()
    stop.request("SIGTERM", 5.0)
    announcer.poll()
    announcer.poll()
    assert names == ["daemon.stopping"]
