"""A route's client of the pool: the one way by which a route's loop hands out orders and takes their outcomes.

The client only submits calls to the pool's thread. What the calls do is in `dispatcher.py`, `broadcast.py` and
`page_requests.py`.
"""

from collections.abc import Iterable, Mapping

from s3mover.model import Credentials, Order, Side
from s3mover.s3.records import Page
from s3mover.workers.messages import ReadPage, RouteConfig
from s3mover.workers.pool.broadcast import RouteBroadcast
from s3mover.workers.pool.dispatcher import Dispatcher
from s3mover.workers.pool.page_requests import PageRequest, PageRequests
from s3mover.workers.pool.pool_thread import PoolThread
from s3mover.workers.pool.subscriptions import Completed, PoolMessage, Subscription


class RouteClient:
    """The pool as one route sees it. Belongs to the thread of the route's loop, except `read_page`.

    The count of orders in flight falls only when that thread takes their end by `accept`: an order whose end still
    waits in the loop's inbox counts as in flight.
    """

    def __init__(
        self,
        subscription: Subscription,
        thread: PoolThread,
        dispatcher: Dispatcher,
        broadcast: RouteBroadcast,
        page_requests: PageRequests,
    ) -> None:
        self.route = subscription.route
        self._subscription = subscription
        self._thread = thread
        self._dispatcher = dispatcher
        self._broadcast = broadcast
        self._page_requests = page_requests

    def window(self) -> int:
        """Return how many orders this route may have in flight: an equal share while other routes have work."""
        return self._dispatcher.window(self.route)

    def room(self) -> int:
        """Return how many orders can be handed out now."""
        return max(0, self.window() - self._subscription.in_flight)

    def in_flight(self) -> int:
        """Return how many orders are in flight."""
        return self._subscription.in_flight

    def hand_out(self, orders: Iterable[Order]) -> None:
        """Hand `orders` to the workers."""
        handed_out = list(orders)
        self._subscription.in_flight += len(handed_out)
        self._thread.call(self._dispatcher.assign, self.route, handed_out)

    def accept(self, message: PoolMessage) -> Completed:
        """Return the completed orders of a message that the pool delivered, and count them as ended.

        Raises:
            MoverError: the pool cannot work any more.
            Exception: an internal error of the pool.
        """
        if message.error is not None:
            raise message.error
        completed = message.completed
        self._subscription.in_flight -= len(completed.outcomes) + len(completed.returned)
        return completed

    def recall(self) -> None:
        """Ask for the orders that are not begun; they come back as a message."""
        self._thread.call(self._dispatcher.recall, self.route)

    def configure(self, config: RouteConfig) -> None:
        """Use `config` for the orders that begin from now on."""
        self._thread.call(self._broadcast.configure, self.route, config)

    def apply_bounds(self, bounds: Mapping[str, float]) -> None:
        """Use no more than these bounds, by limit; 0 for none. Workers keep what they have learnt and connected."""
        self._thread.call(self._broadcast.apply_bounds, self.route, bounds)

    def renew_credentials(self, side: Side, credentials: Credentials) -> None:
        """Sign this route's requests with `credentials` from now on."""
        self._thread.call(self._broadcast.renew_credentials, self.route, side, credentials)

    def renew_lease(self, until: float) -> None:
        """Permit requests of this route to begin until `until` (see `workers/lease_guard.py`)."""
        self._thread.call(self._broadcast.extend_lease, self.route, until)

    def read_page(self, side: Side, prefix: str, start_after: str, token: str) -> Page | None:
        """Wait until a worker has read a page of a listing, on any thread; return None if no worker can.

        Raises:
            MoverError: the page could not be read, or contradicts itself.
        """
        request = PageRequest(ReadPage(self.route, 0, side, prefix, start_after, token))
        self._thread.call(self._page_requests.submit, request)
        return request.wait(lambda: self._thread.is_stopped)

    def close(self) -> None:
        """Drop the orders that are not begun; no message is delivered any more."""
        self._thread.call(self._dispatcher.release, self._subscription)
