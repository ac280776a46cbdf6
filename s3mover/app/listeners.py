"""Who hears what where nothing is served: the log and the progress bar. `observers.py` has what is served."""

from collections.abc import Sequence
from typing import Protocol

from s3mover.events import EventBus, Notify
from s3mover.observe.logs import LogListener


class EventPublishers(Protocol):
    """Who hears of the work.

    `notify` announces what concerns all routes.
    """

    notify: Notify

    def of(self, route: str) -> Notify:
        """Return what announces the events of one route."""

    def heartbeat(self, route: str) -> None:
        """Note that a route's loop has come round."""


class Listeners:
    """The `EventPublishers` of a process that serves nothing."""

    def __init__(self, routes: Sequence[str], listeners: Sequence[Notify]) -> None:
        self.notify = bulletin(*listeners)
        self._notifies = {route: bulletin(*of_route(route, listeners)) for route in routes}

    def of(self, route: str) -> Notify:
        """Return what announces the events of one route."""
        return self._notifies[route]

    def heartbeat(self, route: str) -> None:
        """Nobody asks."""


def bulletin(*listeners: Notify) -> Notify:
    """Return what announces an event to each of them, in order."""
    announcing = EventBus()
    for listener in listeners:
        announcing.subscribe(listener)
    return announcing.notify


def of_route(route: str, listeners: Sequence[Notify]) -> list[Notify]:
    """Return the listeners as they hear one route: the log names it, unless it is the one without a name."""
    if not route:
        return list(listeners)
    return [
        listener.of_route(route) if isinstance(listener, LogListener) else listener for listener in listeners
    ]
