"""Which orders wait for a worker, who has which, and what becomes of those of the dead.

Workers' lives are `pool.py`'s, and all of this belongs to its thread.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from s3mover.model import WORKER_DIED, Order, Outcome, unmoved
from s3mover.workers.messages import AssignOrders, OrderKey, Recall, Report, WorkerConfig
from s3mover.workers.pool.handle import WorkerHandle, order_key

# Orders that a worker holds per thread: one in hand and some waiting, so that no thread idles while outcomes and
# new orders are on their way.
ORDERS_PER_THREAD = 4
# An order that so many dying workers had begun is set aside: it may be what kills them.
MOST_DEATHS = 3

Settle = Callable[[str, list[Outcome], list[Order]], None]


class Dispatcher:
    """Deals the orders of `routes`.

    `handles` tells who lives, `rivals` how many other routes have work beside the one that is asked about, `settle`
    tells a route's desk what ended, and what comes back.
    """

    def __init__(
        self,
        routes: Sequence[str],
        handles: Callable[[], list[WorkerHandle]],
        rivals: Callable[[str], int],
        settle: Settle,
    ) -> None:
        self._handles = handles
        self._rivals = rivals
        self._settle = settle
        self._waiting: dict[str, deque[Order]] = {route: deque() for route in routes}
        self._deaths: Counter[OrderKey] = Counter()

    def share_of(self, config: WorkerConfig, route: str) -> int:
        """Divide a worker's window among the routes that have work, counting `route` as one of them.

        Each has room of its own: what one holds never takes another's place.
        """
        return max(1, config.threads * ORDERS_PER_THREAD // (1 + self._rivals(route)))

    def take_on(self, route: str, orders: list[Order]) -> None:
        """Share orders among the workers, those with most room first; what has no room waits."""
        self._waiting[route].extend(orders)
        self._dispatch(route)

    def register(self) -> None:
        """Give a worker that has just come what waits."""
        for route in self._waiting:
            self._dispatch(route)

    def record_report(self, handle: WorkerHandle, report: Report) -> None:
        """Take from a worker what it reports as ended or gives back, tell it, and give it more."""
        route, orders = report.route, handle.orders[report.route]
        outcomes = [one for one in report.outcomes if (route, one.sweep, one.number) in orders]
        returned = [order for order in report.returned if order_key(route, order) in orders]
        names = [(route, outcome.sweep, outcome.number) for outcome in outcomes]
        names += [order_key(route, order) for order in returned]
        for name in names:
            del orders[name]
            self._deaths.pop(name, None)
        self._dispatch(route)
        self._settle(route, outcomes, returned)

    def recall(self, route: str) -> None:
        """Tell what no worker has, and have the workers give back what they have not begun."""
        for handle in self._handles():
            handle.send(Recall(route))
        unassigned = list(self._waiting[route])
        self._waiting[route].clear()
        self._settle(route, [], unassigned)

    def requeue(self, handle: WorkerHandle, code: str) -> None:
        """Give a dead worker's orders to the others, save those that too many workers had begun when they died."""
        begun = handle.state.in_hand()
        for route, orders in handle.orders.items():
            fatal = {name for name in orders if name in begun and self._died_with(name)}
            self.take_on(
                route, [_orphaned(order, handle) for name, order in orders.items() if name not in fatal]
            )
            self._settle(route, [_set_aside(orders[name], code) for name in fatal], [])

    def _died_with(self, name: OrderKey) -> bool:
        self._deaths[name] += 1
        return self._deaths[name] >= MOST_DEATHS

    def _dispatch(self, route: str) -> None:
        waiting, handles = self._waiting[route], self._handles()
        share = max(1, -(-len(waiting) // max(1, len(handles))))
        while waiting:
            room, handle = max(
                ((self._room(handle, route), handle) for handle in handles),
                key=lambda found: found[0],
                default=(0, None),
            )
            if handle is None or room <= 0:
                return
            orders = _picked(waiting, min(share, room, len(waiting)))
            handle.orders[route].update((order_key(route, order), order) for order in orders)
            handle.send(AssignOrders(route, orders))

    def _room(self, handle: WorkerHandle, route: str) -> int:
        return self.share_of(handle.config, route) - len(handle.orders[route])


def _orphaned(order: Order, by: WorkerHandle) -> Order:
    return order._replace(orphaned_since=order.orphaned_since or by.started_at)


def _picked(waiting: deque[Order], count: int) -> list[Order]:
    """Take orders from all over the queue, so that neighbours of a kind, as large objects are, meet several workers."""
    step = len(waiting) // count
    orders = list(waiting)
    waiting.clear()
    waiting.extend(order for slot, order in enumerate(orders) if slot % step or slot // step >= count)
    return orders[: count * step : step]


def _set_aside(order: Order, code: str) -> Outcome:
    said = f"{MOST_DEATHS} workers died after they had begun with this object; the last one: {code}"
    return unmoved(order, WORKER_DIED, said, time.time(), MOST_DEATHS)
