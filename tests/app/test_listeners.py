"""Listeners of events: what is announced once."""

from s3mover.app.listeners import announcing_once
from s3mover.events import Event, ObjectFallback, RouteFailed


def test_a_reason_that_holds_for_a_route_is_announced_once() -> None:
    """Whichever object met it; other fallbacks and events pass each time."""
    announced: list[Event] = []
    notify = announcing_once(announced.append, "DifferentBucket")
    events = [
        ObjectFallback(1, "a", "DifferentBucket", ""),
        ObjectFallback(1, "b", "AccessDenied", ""),
        ObjectFallback(1, "c", "DifferentBucket", ""),
        ObjectFallback(1, "d", "AccessDenied", ""),
        RouteFailed("", 1.0),
        ObjectFallback(2, "e", "DifferentBucket", ""),
    ]
    for event in events:
        notify(event)
    assert announced == [events[0], events[1], events[3], events[4]]
