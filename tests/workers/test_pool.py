"""The pool with real worker processes on the simulator: which worker gets which orders, and what a death costs."""

import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.errors import MoverError
from s3mover.events import Event, WorkerDied
from s3mover.model import Credentials, Order, Side, Status
from s3mover.workers.pool.dispatcher import MAX_DEATHS, ORDERS_PER_THREAD, _pick
from s3mover.workers.pool.forkserver import ForkedProcess, ForkServer
from s3mover.workers.pool.pool import WorkerPool, share_threads
from s3mover.workers.pool.subscriptions import PoolMessage
from s3mover.workers.pool.watchdog import RestartPolicy, WatchdogTimeouts
from s3mover.workers.process.admission import LARGEST_SMALL
from simulator import Simulator
from testkit.pooling import ACCOUNT, PoolUser, orders, route_config, running_pool
from testkit.waiting import TOO_LONG, wait_until

TIMEOUTS = WatchdogTimeouts()


@given(processes=st.integers(1, 64), more=st.integers(0, 1000))
def test_threads_are_shared_evenly(processes: int, more: int) -> None:
    """Every thread belongs to one process, and no process has two more than another."""
    threads = processes + more
    shares = share_threads(threads, processes)
    assert sum(shares) == threads
    assert max(shares) - min(shares) <= 1
    assert min(shares) >= 1


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        running.create_bucket("from", ACCOUNT)
        running.create_bucket("to", ACCOUNT)
        running.fill("from", 300, size=10)
        yield running


@pytest.fixture(autouse=True)
def _no_faults(simulator: Simulator) -> Iterator[None]:
    """Remove the faults, also after a failed test."""
    yield
    simulator.clear_faults()


@contextmanager
def pool_of(
    simulator: Simulator,
    processes: int = 2,
    threads: int = 10,
    timeouts: WatchdogTimeouts = TIMEOUTS,
) -> Iterator[PoolUser]:
    events: list[Event] = []
    # With a fixed method all threads begin at once: none waits until another has found the method.
    routes = {"only": route_config(simulator, method="server_side_copy")}
    fork_server = ForkServer()
    restart = RestartPolicy(timeouts=timeouts, poll_seconds=0.1)
    shares = share_threads(threads, processes)
    pool = WorkerPool(shares, [*routes], events.append, fork_server, restart)
    try:
        with running_pool(pool, routes, events) as [user]:
            yield user
    finally:
        fork_server.close()


def test_every_order_ends_once(simulator: Simulator) -> None:
    """Each order that was handed out ends exactly once, with success."""
    with pool_of(simulator) as user:
        handed_out = orders(simulator, 300)
        user.client.hand_out(handed_out)
        outcomes = user.wait_for(300)
        assert sorted(outcome.number for outcome in outcomes) == list(range(1, 301))
        assert {outcome.status for outcome in outcomes} == {Status.SUCCESS}
        assert user.client.in_flight() == 0
        assert user.client.room() == user.client.window() == 10 * ORDERS_PER_THREAD


def test_the_orders_of_a_dead_worker_are_requeued(simulator: Simulator) -> None:
    """If a worker is killed with orders in flight, the others carry them out."""
    simulator.add_fault("hold", operation="CopyObject")
    with pool_of(simulator, threads=10) as user:
        user.client.hand_out(orders(simulator, 40))
        wait_until(lambda: simulator.hits() == 10, "all threads copy")
        os.kill(user.pid(0), signal.SIGKILL)
        user.pid(2)
        simulator.clear_faults()
        user.wait_for(40)
        assert user.client.in_flight() == 0
        assert [event.name for event in user.events].count("worker.died") == 1
        assert len(user.pids()) == 3


def kill_at_work(simulator: Simulator, user: PoolUser, death: int) -> None:
    """Kill the worker that was started as the `death`-th, once it has begun an order, which hangs."""
    pid = user.pid(death)
    wait_until(lambda: simulator.hits() > death, "it has begun")
    os.kill(pid, signal.SIGKILL)


def test_an_order_that_kills_its_workers_is_set_aside(simulator: Simulator) -> None:
    """After some deaths an order in flight becomes an error that says so; orders that waited beside it are moved."""
    [deadly, *others] = orders(simulator, 4)
    simulator.add_fault("hang", operation="CopyObject", key=deadly.key)
    with pool_of(simulator, processes=1, threads=1) as user:
        user.client.hand_out([deadly, *others])
        for death in range(MAX_DEATHS):
            kill_at_work(simulator, user, death)
        outcomes = {outcome.number: outcome for outcome in user.wait_for(4)}
    outcome = outcomes.pop(deadly.number)
    assert (outcome.status, outcome.code) == (Status.ERROR, "WorkerDied")
    assert "3 workers died after they had begun with this object" in outcome.message
    assert {outcome.status for outcome in outcomes.values()} == {Status.SUCCESS}
    pauses = [event.pause for event in user.events if isinstance(event, WorkerDied)]
    assert [round(pause) for pause in pauses] == [0, 1, 2]


def test_a_stopped_worker_is_replaced(simulator: Simulator) -> None:
    """A stopped process has no heartbeats: it is killed, and its orders are requeued."""
    timeouts = WatchdogTimeouts(silence=5.0)
    with pool_of(simulator, processes=1, timeouts=timeouts) as user:
        user.client.hand_out(orders(simulator, 1))
        user.wait_for(1)
        os.kill(user.pid(0), signal.SIGSTOP)
        user.client.hand_out(orders(simulator, 20, sweep=2))
        assert {outcome.status for outcome in user.wait_for(20)} == {Status.SUCCESS}
        assert [event.code for event in user.events if isinstance(event, WorkerDied)] == ["silent"]


def test_a_worker_with_a_stuck_thread_is_replaced(simulator: Simulator) -> None:
    """A thread without heartbeats is useless, even if its process lives."""
    simulator.add_fault("hang", operation="CopyObject", times=1)
    with pool_of(simulator, processes=1, timeouts=WatchdogTimeouts(stuck=5.0)) as user:
        user.client.hand_out(orders(simulator, 20))
        assert {outcome.status for outcome in user.wait_for(20)} == {Status.SUCCESS}
        assert [event.code for event in user.events if isinstance(event, WorkerDied)] == ["stuck"]


def test_unbegun_orders_come_back_when_recalled(simulator: Simulator) -> None:
    """A recall returns the orders that wait in the workers; orders in flight end."""
    simulator.add_fault("hold", operation="CopyObject")
    with pool_of(simulator, threads=10) as user:
        user.client.hand_out(orders(simulator, 40))
        wait_until(lambda: simulator.hits() == 10, "all threads copy")
        user.client.recall()
        assert len(returned_to(user, 30)) == 30
        simulator.clear_faults()
        assert len(user.wait_for(10)) == 10
        assert user.client.in_flight() == 0


def returned_to(user: PoolUser, count: int) -> list[Order]:
    """Wait until `count` orders came back unbegun; none ends meanwhile."""
    returned: list[Order] = []
    while len(returned) < count:
        completed = user.receive()
        assert completed.outcomes == []
        returned += completed.returned
    return returned


def test_large_orders_come_back_when_recalled(simulator: Simulator) -> None:
    """They wait in another lane than small ones, and a recall returns both."""
    simulator.add_fault("hold", operation="CopyObject")
    simulator.put_objects(
        "from", [{"key": f"zz/{number}", "size": LARGEST_SMALL + 1, "seed": 1} for number in range(12)]
    )
    with pool_of(simulator, processes=1, threads=4) as user:
        small, large = orders(simulator, 4), orders(simulator, 312)[300:]
        user.client.hand_out([*small, *large])
        wait_until(lambda: simulator.hits() == 4, "all threads copy")
        user.client.recall()
        assert any(order.size > LARGEST_SMALL for order in returned_to(user, 12))
        simulator.clear_faults()
        user.wait_for(4)
        assert user.client.in_flight() == 0


def test_workers_sign_with_renewed_credentials(simulator: Simulator) -> None:
    """From then on, also in workers that are started later."""
    with pool_of(simulator, processes=1) as user:
        old = simulator.add_key(ACCOUNT, session=True)
        fresh = simulator.add_key(ACCOUNT, session=True)
        for key in (old, fresh):
            credentials = Credentials(key.access_key, key.secret_key, key.session_token)
            user.client.renew_credentials(Side.SOURCE, credentials)
            user.client.renew_credentials(Side.DESTINATION, credentials)
        simulator.expire_key(old)
        user.client.hand_out(orders(simulator, 5))
        assert {outcome.status for outcome in user.wait_for(5)} == {Status.SUCCESS}
        os.kill(user.pid(0), signal.SIGKILL)
        user.pid(1)
        user.client.hand_out(orders(simulator, 5, sweep=2))
        assert {outcome.status for outcome in user.wait_for(5)} == {Status.SUCCESS}


@contextmanager
def two_routes(simulator: Simulator, *threads: int) -> Iterator[list[PoolUser]]:
    """Workers with so many threads each that move from `from` to `to`, and from `from` to `beside`."""
    simulator.create_bucket("beside", ACCOUNT)
    simulator.clear_log()
    routes = {
        name: route_config(simulator, destination=bucket, method="server_side_copy")
        for name, bucket in (("many", "to"), ("few", "beside"))
    }
    events: list[Event] = []
    fork_server = ForkServer()
    try:
        with running_pool(
            WorkerPool(threads, [*routes], events.append, fork_server), routes, events
        ) as users:
            yield users
    finally:
        fork_server.close()
        simulator.remove_bucket("beside")


def test_a_route_with_many_orders_does_not_starve_another(simulator: Simulator) -> None:
    """Threads take the routes' orders in round-robin order, and each client gets its own orders only."""
    simulator.add_fault("hold", operation="CopyObject")
    with two_routes(simulator, 4) as [many, few]:
        many.client.hand_out(orders(simulator, 200))
        few.client.hand_out(orders(simulator, 20))
        simulator.clear_faults()
        assert {outcome.number for outcome in few.wait_for(20)} == set(range(1, 21))
        assert {outcome.number for outcome in many.wait_for(200)} == set(range(1, 201))
        buckets = [entry["bucket"] for entry in simulator.log("CopyObject")]
        assert buckets[::-1].index("beside") > 100
        assert simulator.count("beside") == 20


def test_routes_with_work_have_equal_shares_of_the_window(simulator: Simulator) -> None:
    """A single route has the whole window; it has half of it while another one has work."""
    whole = 4 * ORDERS_PER_THREAD
    with two_routes(simulator, 4) as [many, few]:
        assert (many.client.window(), few.client.window()) == (whole, whole)
        few.client.hand_out(orders(simulator, 1))
        # An order is in flight until its client has accepted its end.
        wait_until(lambda: (many.client.window(), few.client.window()) == (whole // 2, whole))
        few.wait_for(1)
        assert many.client.room() == whole


def test_a_recall_affects_only_its_route(simulator: Simulator) -> None:
    """One route stops, and all orders of the other are carried out."""
    simulator.add_fault("hold", operation="CopyObject")
    with two_routes(simulator, 2) as [many, few]:
        few.client.hand_out(orders(simulator, 8))
        many.client.hand_out(orders(simulator, 20))
        many.client.recall()
        returned = len(returned_to(many, 18))
        simulator.clear_faults()
        assert len(few.wait_for(8)) == 8
        while many.client.in_flight():
            returned += len(many.receive().returned)
        assert returned in {18, 19, 20}


def test_a_pool_that_cannot_work_fails_every_client(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that die before they are up end the work of all routes with an error."""
    fork = ForkServer.fork

    def fork_and_kill(fork_server: ForkServer, memory: int) -> ForkedProcess:
        child = fork(fork_server, memory)
        os.kill(child.pid, signal.SIGKILL)
        return child

    monkeypatch.setattr(ForkServer, "fork", fork_and_kill)
    with two_routes(simulator, 1, 1, 1) as users:
        for user in users:
            with pytest.raises(MoverError, match="before they were up"):
                user.receive()


def test_a_route_can_be_configured_again(simulator: Simulator) -> None:
    """Orders that begin from then on use the new configuration, also in workers that are started later."""
    simulator.create_bucket("elsewhere", ACCOUNT)
    with pool_of(simulator, processes=1) as user:
        user.client.hand_out(orders(simulator, 5))
        user.wait_for(5)
        user.client.configure(route_config(simulator, destination="elsewhere"))
        user.client.hand_out(orders(simulator, 5, sweep=2))
        user.wait_for(5)
        os.kill(user.pid(0), signal.SIGKILL)
        user.pid(1)
        user.client.hand_out(orders(simulator, 10, sweep=3))
        user.wait_for(10)
    assert simulator.count("elsewhere") == 10
    simulator.remove_bucket("elsewhere")


def test_a_closed_client_gets_no_message_of_its_orders(simulator: Simulator) -> None:
    """A new client of the same route gets its own orders only."""
    simulator.add_fault("hold", operation="CopyObject")
    events: list[Event] = []
    fork_server = ForkServer()
    pool = WorkerPool([4], ["only"], events.append, fork_server)
    config = route_config(simulator, method="server_side_copy")
    with closing(fork_server), running_pool(pool, {"only": config}, events) as [first]:
        first.client.hand_out(orders(simulator, 8))
        wait_until(lambda: simulator.hits() == 4, "all threads copy")
        first.client.close()
        inbox: SimpleQueue[PoolMessage] = SimpleQueue()
        second = PoolUser(pool.open_client("only", config, inbox.put, events.append), inbox, events)
        second.client.hand_out(orders(simulator, 8, sweep=2))
        simulator.clear_faults()
        assert {outcome.sweep for outcome in second.wait_for(8)} == {2}
        assert second.client.in_flight() == 0
        assert first.inbox.empty()


def test_orders_in_flight_of_a_closed_client_begin_no_request(simulator: Simulator) -> None:
    """The lease of a new client does not permit requests of orders from before."""
    simulator.clear_log()
    held, fresh = orders(simulator, 4), orders(simulator, 7, sweep=2)[4:]
    for order in held:
        simulator.add_fault("hold", operation="GetObject", key=order.key)
    routes, events = {"only": route_config(simulator, method="streaming")}, list[Event]()
    with closing(ForkServer()) as fork_server:
        pool = WorkerPool([5], ["only"], events.append, fork_server)
        with running_pool(pool, routes, events) as [user]:
            user.client.hand_out(held)
            wait_until(lambda: simulator.hits() == 4, "all are read")
            user.client.renew_lease(0.0)
            user.client.close()
            inbox: SimpleQueue[PoolMessage] = SimpleQueue()
            second = PoolUser(
                pool.open_client("only", routes["only"], inbox.put, events.append), inbox, events
            )
            second.client.renew_lease(time.monotonic() + TOO_LONG)
            # One thread is free for these: when they have ended, the worker has processed all messages before them.
            second.client.hand_out(fresh)
            assert {one.sweep for one in second.wait_for(3)} == {2}
            simulator.clear_faults()
    assert simulator.counts("to")["PutObject"] == 3


@given(count=st.integers(1, 50), more=st.integers(0, 50))
def test_neighbours_go_to_different_workers(count: int, more: int) -> None:
    """Orders are picked from all over the queue; none is lost, and the others keep their order."""
    waiting = deque(Order(1, number, "", "", 0, "", "", "") for number in range(count + more))
    picked = _pick(waiting, count)
    assert len(picked) == count
    assert [order.number for order in waiting] == sorted(order.number for order in waiting)
    assert sorted(order.number for order in (*picked, *waiting)) == list(range(count + more))
    if more >= count > 1:
        assert picked[1].number - picked[0].number > 1
