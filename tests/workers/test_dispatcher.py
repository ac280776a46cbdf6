"""Which client gets which completed orders, without processes."""

from s3mover.model import Order
from s3mover.workers.messages import WorkerConfig
from s3mover.workers.pool.dispatcher import ORDERS_PER_THREAD, Dispatcher
from s3mover.workers.pool.subscriptions import Completed, PoolMessage, Subscription, Subscriptions


def orders(count: int) -> list[Order]:
    return [Order(1, number, "", "", 0, "", "", "") for number in range(1, count + 1)]


def client(messages: list[PoolMessage], route: str = "only") -> Subscription:
    return Subscription(route, messages.append, lambda _: None)


def without_workers(subscriptions: Subscriptions, *routes: str) -> Dispatcher:
    return Dispatcher(routes, [WorkerConfig(3, 1.0, routes)], list, subscriptions)


def test_a_recall_returns_the_orders_that_no_worker_has() -> None:
    """Once."""
    messages: list[PoolMessage] = []
    subscriptions = Subscriptions(lambda _: None)
    dispatcher = without_workers(subscriptions, "only")
    subscriptions.add(client(messages))
    dispatcher.assign("only", orders(2))
    dispatcher.recall("only")
    dispatcher.recall("only")
    assert [message.completed for message in messages] == [Completed([], orders(2))]


def test_a_released_client_gets_no_message() -> None:
    """Its orders are dropped, and a later client of the same route does not get them."""
    first, second = list[PoolMessage](), list[PoolMessage]()
    subscriptions = Subscriptions(lambda _: None)
    dispatcher = without_workers(subscriptions, "only")
    released = client(first)
    subscriptions.add(released)
    dispatcher.assign("only", orders(2))
    dispatcher.release(released)
    subscriptions.add(client(second))
    dispatcher.recall("only")
    assert (first, second) == ([], [])


def test_a_client_that_was_replaced_releases_nothing() -> None:
    """The orders are those of the client that replaced it."""
    messages: list[PoolMessage] = []
    subscriptions = Subscriptions(lambda _: None)
    dispatcher = without_workers(subscriptions, "only")
    replaced = client([])
    subscriptions.add(replaced)
    subscriptions.add(client(messages))
    dispatcher.assign("only", orders(2))
    dispatcher.release(replaced)
    assert messages == []
    dispatcher.recall("only")
    assert [message.completed for message in messages] == [Completed([], orders(2))]


def test_a_window_is_divided_among_the_routes_with_orders_in_flight() -> None:
    """A route counts itself, also without orders."""
    subscriptions = Subscriptions(lambda _: None)
    dispatcher = without_workers(subscriptions, "one", "other")
    other = client([], "other")
    subscriptions.add(other)
    assert dispatcher.window("one") == 3 * ORDERS_PER_THREAD
    other.in_flight = 1
    assert (dispatcher.window("one"), dispatcher.window("other")) == (
        3 * ORDERS_PER_THREAD // 2,
        3 * ORDERS_PER_THREAD,
    )
