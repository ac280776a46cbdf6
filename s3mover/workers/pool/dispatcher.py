"""Which orders wait for a worker, which worker has which, and what becomes of the orders of a dead worker.

Workers are started and replaced in `worker_processes.py`. All of this runs on the pool's thread, except `window`.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from s3mover.model import WORKER_DIED, Order, Outcome, unmoved
from s3mover.workers.messages import AssignOrders, OrderKey, Recall, ReleaseRoute, Report, WorkerConfig
from s3mover.workers.pool.handle import WorkerHandle, order_key
from s3mover.workers.pool.subscriptions import Subscription, Subscriptions

# Orders that a worker holds per thread: one in flight and some waiting, so that no thread idles while outcomes and
# new orders travel.
ORDERS_PER_THREAD = 4
# An order that was in flight in so many dying workers is set aside: it may be the cause.
MAX_DEATHS = 3


class Dispatcher:
    """Assigns the orders of `routes` to the workers with these `configs`; `handles` returns those that live."""

    def __init__(
        self,
        routes: Sequence[str],
        configs: Sequence[WorkerConfig],
        handles: Callable[[], list[WorkerHandle]],
        subscriptions: Subscriptions,
    ) -> None:
        self._configs = configs
        self._handles = handles
        self._subscriptions = subscriptions
        self._waiting: dict[str, deque[Order]] = {route: deque() for route in routes}
        self._deaths: Counter[OrderKey] = Counter()

    def window(self, route: str) -> int:
        """Return how many orders a route may have in the pool; may be called from any thread.

        The routes that have work share the window of each worker equally, and none uses the share of another.
        """
        routes = self._busy_routes(route)
        return sum(_share(config, routes) for config in self._configs)

    def assign(self, route: str, orders: list[Order]) -> None:
        """Assign orders to the workers, those with most room first; orders without room wait."""
        self._waiting[route].extend(orders)
        self._dispatch(route)

    def dispatch_all(self) -> None:
        """Assign the orders that wait, after a worker was started."""
        for route in self._waiting:
            self._dispatch(route)

    def record_report(self, handle: WorkerHandle, report: Report) -> None:
        """Take the orders that a worker has ended or returns, assign it more, and deliver them to the route."""
        route, orders = report.route, handle.orders[report.route]
        outcomes = [one for one in report.outcomes if (route, one.sweep, one.number) in orders]
        returned = [order for order in report.returned if order_key(route, order) in orders]
        keys = [(route, outcome.sweep, outcome.number) for outcome in outcomes]
        keys += [order_key(route, order) for order in returned]
        for key in keys:
            del orders[key]
            self._deaths.pop(key, None)
        self._dispatch(route)
        self._subscriptions.complete(route, outcomes, returned)

    def recall(self, route: str) -> None:
        """Return the orders that no worker has, and let the workers return those that are not begun."""
        for handle in self._handles():
            handle.send(Recall(route))
        unassigned = list(self._waiting[route])
        self._waiting[route].clear()
        self._subscriptions.complete(route, [], unassigned)

    def release(self, subscription: Subscription) -> None:
        """Remove a subscription and its orders: what workers still report of them is dropped."""
        if not self._subscriptions.remove(subscription):
            return
        self.recall(subscription.route)
        for handle in self._handles():
            handle.orders[subscription.route].clear()
            handle.send(ReleaseRoute(subscription.route))

    def requeue(self, handle: WorkerHandle, code: str) -> None:
        """Assign a dead worker's orders to the others, except those that were in flight in too many dying workers."""
        in_flight = handle.state.in_flight()
        for route, orders in handle.orders.items():
            fatal = {key for key in orders if key in in_flight and self._count_death(key)}
            self.assign(
                route, [_orphaned(order, handle) for key, order in orders.items() if key not in fatal]
            )
            self._subscriptions.complete(route, [_set_aside(orders[key], code) for key in fatal], [])

    def _count_death(self, key: OrderKey) -> bool:
        self._deaths[key] += 1
        return self._deaths[key] >= MAX_DEATHS

    def _dispatch(self, route: str) -> None:
        waiting, handles = self._waiting[route], self._handles()
        if not waiting or not handles:
            return
        routes, batch = self._busy_routes(route), -(-len(waiting) // len(handles))
        while waiting:
            room, handle = max(
                ((_share(one.config, routes) - len(one.orders[route]), one) for one in handles),
                key=lambda found: found[0],
            )
            if room <= 0:
                return
            orders = _pick(waiting, min(batch, room, len(waiting)))
            handle.orders[route].update((order_key(route, order), order) for order in orders)
            handle.send(AssignOrders(route, orders))

    def _busy_routes(self, route: str) -> int:
        return 1 + self._subscriptions.competing_routes(route)


def _share(config: WorkerConfig, routes: int) -> int:
    """Return how many orders of one route a worker holds if so many routes have work."""
    return max(1, config.threads * ORDERS_PER_THREAD // routes)


def _orphaned(order: Order, worker: WorkerHandle) -> Order:
    return order._replace(orphaned_since=order.orphaned_since or worker.started_at)


def _pick(waiting: deque[Order], count: int) -> list[Order]:
    """Take orders from all over the queue, so that neighbours of a kind (large objects) go to several workers."""
    step = len(waiting) // count
    orders = list(waiting)
    waiting.clear()
    waiting.extend(order for at, order in enumerate(orders) if at % step or at // step >= count)
    return orders[: count * step : step]


def _set_aside(order: Order, code: str) -> Outcome:
    message = f"{MAX_DEATHS} workers died after they had begun with this object; the last one: {code}"
    return unmoved(order, WORKER_DIED, message, time.time(), MAX_DEATHS)
