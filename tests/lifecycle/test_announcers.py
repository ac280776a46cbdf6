"""Announcers of stops and pauses."""

from s3mover.events import DaemonPaused, DaemonResumed, Event
from s3mover.lifecycle.announcers import PauseAnnouncer, StopAnnouncer
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop
from s3mover.model import Pause


def test_a_pause_is_announced_once() -> None:
    """And so is its end."""
    requests, names = OperatorRequests(), list[str]()
    announcer = PauseAnnouncer(requests, "hr", lambda event: names.append(event.name))
    for act in (announcer.poll, requests.pause, requests.pause, announcer.poll, requests.resume):
        act()
        announcer.poll()
    assert names == ["daemon.paused", "daemon.resumed"]


def test_a_standing_pause_of_a_route_is_announced_with_who_and_why() -> None:
    """A pause of this process alone shows when it ends; that of another route does not."""
    requests, events = OperatorRequests(), list[Event]()
    announcer = PauseAnnouncer(requests, "hr", events.append)
    requests.standing["sales"] = Pause(1.0, "ops", "elsewhere")
    announcer.poll()
    requests.standing["hr"] = Pause(2.0, "ops", "migration")
    announcer.poll()
    requests.standing["hr"] = None
    announcer.poll()
    assert events == [DaemonPaused(2.0, "ops", "migration"), DaemonResumed()]


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
