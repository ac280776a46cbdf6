"""Event listeners of a process without an HTTP server: the log and the progress bar. `observers.py` adds the rest."""

from collections.abc import Sequence
from typing import Protocol

from s3mover.events import Event, EventBus, Notify, ObjectFallback
from s3mover.model import LeaderReport
from s3mover.observe.logs import LogListener


class EventPublishers(Protocol):
    """Publishes events: `notify` those that concern all routes, `of(route)` those of one route."""

    notify: Notify

    def of(self, route: str) -> Notify:
        """Return the function that publishes events of one route."""

    def heartbeat(self, route: str) -> None:
        """Record that the loop of a route is alive."""

    def report(self, route: str) -> str:
        """Return what the leader of a route reports of itself; see `observe/leader.py`."""

    def leader_seen(self, route: str, report: LeaderReport | None) -> None:
        """Show what the leader of a route, another instance, last reported; None if it is not known, or this one."""


class Listeners:
    """The `EventPublishers` of a process without an HTTP server."""

    def __init__(self, routes: Sequence[str], listeners: Sequence[Notify]) -> None:
        self.notify = publisher(*listeners)
        self._publishers = {route: publisher(*of_route(route, listeners)) for route in routes}

    def of(self, route: str) -> Notify:
        """Return the function that publishes events of one route."""
        return self._publishers[route]

    def heartbeat(self, route: str) -> None:
        """Do nothing: nothing here reports health."""

    def report(self, _route: str) -> str:
        """Return that this process sweeps once."""
        return '{"state": "sweeping"}'

    def leader_seen(self, route: str, report: LeaderReport | None) -> None:
        """Do nothing: nothing here shows the leader."""


def publisher(*listeners: Notify) -> Notify:
    """Return a function that publishes an event to each listener, in order."""
    bus = EventBus()
    for listener in listeners:
        bus.subscribe(listener)
    return bus.notify


def announcing_once(notify: Notify, code: str) -> Notify:
    """Return `notify`, which announces a fallback with `code` once: the reason holds for all objects of a route."""
    announced = False

    def publish(event: Event) -> None:
        nonlocal announced
        if isinstance(event, ObjectFallback) and event.code == code:
            if announced:
                return
            announced = True
        notify(event)

    return publish


def of_route(route: str, listeners: Sequence[Notify]) -> list[Notify]:
    """Return the listeners for the events of one route: the log adds the route's name, unless it is empty."""
    if not route:
        return list(listeners)
    return [
        listener.of_route(route) if isinstance(listener, LogListener) else listener for listener in listeners
    ]
