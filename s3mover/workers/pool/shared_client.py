"""A route's client as one of several loops uses it that share its window; they run on one thread."""

from collections.abc import Iterable

from s3mover.model import Order
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import Completed, PoolMessage


class SharedClient:
    """Counts the orders of one loop; `reserved` is the share of the window that it may use however full that is.

    Messages must be delivered to the loop whose orders they are about.
    """

    def __init__(self, client: RouteClient, reserved: float = 0.0) -> None:
        self._client = client
        self._reserved = reserved
        self._in_flight = 0
        self.apply_bounds = client.apply_bounds
        self.read_page = client.read_page
        self.recall = client.recall
        self.renew_lease = client.renew_lease
        self.window = client.window

    def room(self) -> int:
        """Return how many orders can be handed out now."""
        own = int(self._reserved * self._client.window()) - self._in_flight
        return max(own, self._client.room())

    def in_flight(self) -> int:
        """Return how many orders of this loop are in flight."""
        return self._in_flight

    def hand_out(self, orders: Iterable[Order]) -> None:
        """Hand `orders` to the workers."""
        handed_out = list(orders)
        self._in_flight += len(handed_out)
        self._client.hand_out(handed_out)

    def accept(self, message: PoolMessage) -> Completed:
        """Return the completed orders of a message, and count them as ended; see `RouteClient.accept`."""
        completed = self._client.accept(message)
        self._in_flight -= len(completed.outcomes) + len(completed.returned)
        return completed
