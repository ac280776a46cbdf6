"""Where the pool sends what concerns a route: the messages for its loop, and its events.

Which orders a worker gets is decided in `dispatcher.py`; what a route asks of the pool is in `route_client.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from s3mover.events import Event, Notify
from s3mover.model import Order, Outcome


class Completed(NamedTuple):
    """Orders that left the pool: the outcomes of those that ended, and those that were returned unbegun."""

    outcomes: list[Outcome]
    returned: list[Order]


class PoolMessage(NamedTuple):
    """To a route's loop: completed orders, or the error because of which the pool cannot work any more."""

    completed: Completed
    error: Exception | None = None


@dataclass(eq=False, slots=True)
class Subscription:
    """One open client of a route.

    `deliver` puts a message into the inbox of the route's loop, `notify` announces an event; both may be called from
    any thread. `in_flight` counts the orders whose end the loop has not taken; the loop's thread alone changes it.
    """

    route: str
    deliver: Callable[[PoolMessage], None]
    notify: Notify
    in_flight: int = 0


class Subscriptions:
    """The open subscription of each route. Belongs to the pool's thread, except `competing_routes`."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._by_route: dict[str, Subscription] = {}

    def add(self, subscription: Subscription) -> None:
        """Make this the subscription of its route."""
        self._by_route[subscription.route] = subscription

    def remove(self, subscription: Subscription) -> bool:
        """Remove a subscription; return False if it was not that of its route any more."""
        is_current = self._by_route.get(subscription.route) is subscription
        if is_current:
            del self._by_route[subscription.route]
        return is_current

    def complete(self, route: str, outcomes: list[Outcome], returned: list[Order]) -> None:
        """Deliver completed orders; without a subscription they are dropped."""
        if (outcomes or returned) and route in self._by_route:
            self._by_route[route].deliver(PoolMessage(Completed(outcomes, returned)))

    def fail(self, error: Exception) -> None:
        """Deliver an error to all routes."""
        for subscription in self._by_route.values():
            subscription.deliver(PoolMessage(Completed([], []), error))

    def announce(self, route: str, event: Event) -> None:
        """Announce an event of a route, also after its subscription was removed."""
        subscription = self._by_route.get(route)
        (subscription.notify if subscription else self._notify)(event)

    def competing_routes(self, route: str) -> int:
        """Return how many routes besides `route` have orders in flight; may be called from any thread."""
        others = [one for one in list(self._by_route.values()) if one.route != route]
        return sum(1 for one in others if one.in_flight)
