"""The crew with real worker processes on the simulator: who gets what, and what a death costs."""

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
from s3mover.workers.pool.dispatcher import MOST_DEATHS, ORDERS_PER_THREAD, _picked
from s3mover.workers.pool.forkserver import ForkedProcess, ForkServer
from s3mover.workers.pool.pool import WATCHDOG_TIMEOUTS, WorkerPool, share_threads
from s3mover.workers.pool.route_client import PoolMessage
from s3mover.workers.pool.watchdog import WatchdogTimeouts
from s3mover.workers.process.admission import LARGEST_SMALL
from simulator import Simulator
from testkit.pooling import ACCOUNT, Owner, orders, owners_of, route_config
from testkit.waiting import TOO_LONG, wait_until


@given(processes=st.integers(1, 64), more=st.integers(0, 1000))
def test_threads_are_shared_evenly(processes: int, more: int) -> None:
    """Every thread is given to someone, and nobody has two more than another."""
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
    """Hold nothing any more, whatever became of the test."""
    yield
    simulator.clear_faults()


@contextmanager
def pool_of(
    simulator: Simulator,
    processes: int = 2,
    threads: int = 10,
    timeouts: WatchdogTimeouts = WATCHDOG_TIMEOUTS,
) -> Iterator[Owner]:
    events: list[Event] = []
    # Where the method is given, all threads begin at once: none waits for what another finds out.
    routes = {"only": route_config(simulator, method="server_side_copy")}
    fork_server = ForkServer()
    shares = share_threads(threads, processes)
    pool = WorkerPool(shares, [*routes], events.append, fork_server, timeouts=timeouts, poll_seconds=0.1)
    try:
        with owners_of(pool, routes, events) as [owner]:
            yield owner
    finally:
        fork_server.close()


def test_every_order_ends_once(simulator: Simulator) -> None:
    """What was handed out comes back, each order exactly once, moved."""
    with pool_of(simulator) as owner:
        given_out = orders(simulator, 300)
        owner.client.hand_out(given_out)
        outcomes = owner.settle(300)
        assert sorted(outcome.number for outcome in outcomes) == list(range(1, 301))
        assert {outcome.status for outcome in outcomes} == {Status.SUCCESS}
        assert owner.client.in_flight() == 0
        assert owner.client.room() == owner.client.window() == 10 * ORDERS_PER_THREAD


def test_a_dead_workers_orders_are_handed_on(simulator: Simulator) -> None:
    """A worker that is killed with orders in hand costs nothing but time."""
    simulator.add_fault("hold", operation="CopyObject")
    with pool_of(simulator, threads=10) as owner:
        owner.client.hand_out(orders(simulator, 40))
        wait_until(lambda: simulator.hits() == 10, "all threads copy")
        os.kill(owner.pid(0), signal.SIGKILL)
        owner.pid(2)
        simulator.clear_faults()
        owner.settle(40)
        assert owner.client.in_flight() == 0
        assert [event.name for event in owner.events].count("worker.died") == 1
        assert len(owner.pids()) == 3


def kill_at_work(simulator: Simulator, owner: Owner, death: int) -> None:
    """Kill the worker that was started as the `death`-th, once it has begun with an order, which hangs."""
    pid = owner.pid(death)
    wait_until(lambda: simulator.hits() > death, "it has begun")
    os.kill(pid, signal.SIGKILL)


def test_an_order_that_kills_its_workers_is_set_aside(simulator: Simulator) -> None:
    """After some deaths in its hands an order is an error that says so; those that only waited beside it are moved."""
    [deadly, *others] = orders(simulator, 4)
    simulator.add_fault("hang", operation="CopyObject", key=deadly.key)
    with pool_of(simulator, processes=1, threads=1) as owner:
        owner.client.hand_out([deadly, *others])
        for death in range(MOST_DEATHS):
            kill_at_work(simulator, owner, death)
        outcomes = {outcome.number: outcome for outcome in owner.settle(4)}
    outcome = outcomes.pop(deadly.number)
    assert (outcome.status, outcome.code) == (Status.ERROR, "WorkerDied")
    assert "3 workers died after they had begun with this object" in outcome.message
    assert {outcome.status for outcome in outcomes.values()} == {Status.SUCCESS}
    pauses = [event.pause for event in owner.events if isinstance(event, WorkerDied)]
    assert [round(pause) for pause in pauses] == [0, 1, 2]


def test_a_worker_that_stands_still_is_replaced(simulator: Simulator) -> None:
    """A stopped process gives no sign of life: it is ended, and what it had is handed on."""
    timeouts = WatchdogTimeouts(silence=5.0)
    with pool_of(simulator, processes=1, timeouts=timeouts) as owner:
        owner.client.hand_out(orders(simulator, 1))
        owner.settle(1)
        os.kill(owner.pid(0), signal.SIGSTOP)
        owner.client.hand_out(orders(simulator, 20, sweep=2))
        assert {outcome.status for outcome in owner.settle(20)} == {Status.SUCCESS}
        assert [event.code for event in owner.events if isinstance(event, WorkerDied)] == ["silent"]


def test_a_worker_with_a_stuck_thread_is_replaced(simulator: Simulator) -> None:
    """A thread that gives no sign for too long is no use, even if its process lives."""
    simulator.add_fault("hang", operation="CopyObject", times=1)
    with pool_of(simulator, processes=1, timeouts=WatchdogTimeouts(stuck=5.0)) as owner:
        owner.client.hand_out(orders(simulator, 20))
        assert {outcome.status for outcome in owner.settle(20)} == {Status.SUCCESS}
        assert [event.code for event in owner.events if isinstance(event, WorkerDied)] == ["stuck"]


def test_unbegun_orders_come_back_when_recalled(simulator: Simulator) -> None:
    """A recall returns what waits in the workers; what is in hand ends."""
    simulator.add_fault("hold", operation="CopyObject")
    with pool_of(simulator, threads=10) as owner:
        owner.client.hand_out(orders(simulator, 40))
        wait_until(lambda: simulator.hits() == 10, "all threads copy")
        owner.client.recall()
        assert len(returned_to(owner, 30)) == 30
        simulator.clear_faults()
        assert len(owner.settle(10)) == 10
        assert owner.client.in_flight() == 0


def returned_to(owner: Owner, count: int) -> list[Order]:
    """Listen until `count` orders came back unbegun; none ends meanwhile."""
    returned: list[Order] = []
    while len(returned) < count:
        settled = owner.hear()
        assert settled.outcomes == []
        returned += settled.returned
    return returned


def test_large_orders_come_back_as_well(simulator: Simulator) -> None:
    """They wait apart from the small ones, and a recall finds both."""
    simulator.add_fault("hold", operation="CopyObject")
    simulator.put_objects(
        "from", [{"key": f"zz/{number}", "size": LARGEST_SMALL + 1, "seed": 1} for number in range(12)]
    )
    with pool_of(simulator, processes=1, threads=4) as owner:
        small, large = orders(simulator, 4), orders(simulator, 312)[300:]
        owner.client.hand_out([*small, *large])
        wait_until(lambda: simulator.hits() == 4, "all threads copy")
        owner.client.recall()
        assert any(order.size > LARGEST_SMALL for order in returned_to(owner, 12))
        simulator.clear_faults()
        owner.settle(4)
        assert owner.client.in_flight() == 0


def test_workers_sign_with_renewed_credentials(simulator: Simulator) -> None:
    """Credentials that the supervisor sends down are used from then on, by replaced workers too."""
    with pool_of(simulator, processes=1) as owner:
        old = simulator.add_key(ACCOUNT, session=True)
        fresh = simulator.add_key(ACCOUNT, session=True)
        for key in (old, fresh):
            credentials = Credentials(key.access_key, key.secret_key, key.session_token)
            owner.client.renew(Side.SOURCE, credentials)
            owner.client.renew(Side.DESTINATION, credentials)
        simulator.expire_key(old)
        owner.client.hand_out(orders(simulator, 5))
        assert {outcome.status for outcome in owner.settle(5)} == {Status.SUCCESS}
        os.kill(owner.pid(0), signal.SIGKILL)
        owner.pid(1)
        owner.client.hand_out(orders(simulator, 5, sweep=2))
        assert {outcome.status for outcome in owner.settle(5)} == {Status.SUCCESS}


@contextmanager
def two_routes(simulator: Simulator, *threads: int) -> Iterator[list[Owner]]:
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
        with owners_of(WorkerPool(threads, [*routes], events.append, fork_server), routes, events) as owners:
            yield owners
    finally:
        fork_server.close()
        simulator.remove_bucket("beside")


def test_a_route_with_many_orders_does_not_starve_another(simulator: Simulator) -> None:
    """Threads take the routes' orders in turn, and each desk hears of its own orders alone."""
    simulator.add_fault("hold", operation="CopyObject")
    with two_routes(simulator, 4) as [many, bulk_min]:
        many.client.hand_out(orders(simulator, 200))
        bulk_min.client.hand_out(orders(simulator, 20))
        simulator.clear_faults()
        assert {outcome.number for outcome in bulk_min.settle(20)} == set(range(1, 21))
        assert {outcome.number for outcome in many.settle(200)} == set(range(1, 201))
        buckets = [entry["bucket"] for entry in simulator.log("CopyObject")]
        assert buckets[::-1].index("beside") > 100
        assert simulator.count("beside") == 20


def test_routes_with_work_have_equal_shares_of_the_window(simulator: Simulator) -> None:
    """A route alone has the whole window; it has half of it as long as another one works, too."""
    whole = 4 * ORDERS_PER_THREAD
    with two_routes(simulator, 4) as [many, bulk_min]:
        assert (many.client.window(), bulk_min.client.window()) == (whole, whole)
        bulk_min.client.hand_out(orders(simulator, 1))
        # An order is out until its desk has heard of its end.
        wait_until(lambda: (many.client.window(), bulk_min.client.window()) == (whole // 2, whole))
        bulk_min.settle(1)
        assert many.client.room() == whole


def test_a_recall_concerns_its_own_route(simulator: Simulator) -> None:
    """One route stops, and the other's orders are all carried out."""
    simulator.add_fault("hold", operation="CopyObject")
    with two_routes(simulator, 2) as [many, bulk_min]:
        bulk_min.client.hand_out(orders(simulator, 8))
        many.client.hand_out(orders(simulator, 20))
        many.client.recall()
        returned = len(returned_to(many, 18))
        simulator.clear_faults()
        assert len(bulk_min.settle(8)) == 8
        while many.client.in_flight():
            returned += len(many.hear().returned)
        assert returned in {18, 19, 20}


def test_a_crew_that_cannot_work_tells_every_desk(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that die before they are up end the work of all routes with an error."""
    start = ForkServer.start

    def startup_failures(fork_server: ForkServer, memory: int) -> ForkedProcess:
        child = start(fork_server, memory)
        os.kill(child.pid, signal.SIGKILL)
        return child

    monkeypatch.setattr(ForkServer, "start", startup_failures)
    with two_routes(simulator, 1, 1, 1) as owners:
        for owner in owners:
            with pytest.raises(MoverError, match="before they were up"):
                owner.hear()


def test_a_route_can_be_told_anew(simulator: Simulator) -> None:
    """What begins from then on goes where the new brief says, also in workers that come later."""
    simulator.create_bucket("elsewhere", ACCOUNT)
    with pool_of(simulator, processes=1) as owner:
        owner.client.hand_out(orders(simulator, 5))
        owner.settle(5)
        owner.client.configure(route_config(simulator, destination="elsewhere"))
        owner.client.hand_out(orders(simulator, 5, sweep=2))
        owner.settle(5)
        os.kill(owner.pid(0), signal.SIGKILL)
        owner.pid(1)
        owner.client.hand_out(orders(simulator, 10, sweep=3))
        owner.settle(10)
    assert simulator.count("elsewhere") == 10
    simulator.remove_bucket("elsewhere")


def test_a_desk_that_is_closed_hears_nothing_of_its_orders(simulator: Simulator) -> None:
    """A new desk of the same route hears of its own orders alone."""
    simulator.add_fault("hold", operation="CopyObject")
    events: list[Event] = []
    fork_server = ForkServer()
    pool = WorkerPool([4], ["only"], events.append, fork_server)
    brief = route_config(simulator, method="server_side_copy")
    with closing(fork_server), owners_of(pool, {"only": brief}, events) as [first]:
        first.client.hand_out(orders(simulator, 8))
        wait_until(lambda: simulator.hits() == 4, "all threads copy")
        first.client.close()
        inbox: SimpleQueue[PoolMessage] = SimpleQueue()
        second = Owner(pool.open_client("only", brief, inbox.put, events.append), inbox, events)
        second.client.hand_out(orders(simulator, 8, sweep=2))
        simulator.clear_faults()
        assert {outcome.sweep for outcome in second.settle(8)} == {2}
        assert second.client.in_flight() == 0
        assert first.inbox.empty()


def test_what_a_closed_desk_left_in_hand_is_never_done(simulator: Simulator) -> None:
    """A desk that is opened anew is trusted anew: what was in hand before begins no request under that."""
    simulator.clear_log()
    held, fresh = orders(simulator, 4), orders(simulator, 7, sweep=2)[4:]
    for order in held:
        simulator.add_fault("hold", operation="GetObject", key=order.key)
    routes, events = {"only": route_config(simulator, method="streaming")}, list[Event]()
    with closing(ForkServer()) as fork_server:
        pool = WorkerPool([5], ["only"], events.append, fork_server)
        with owners_of(pool, routes, events) as [owner]:
            owner.client.hand_out(held)
            wait_until(lambda: simulator.hits() == 4, "all are read")
            owner.client.renew_lease(0.0)
            owner.client.close()
            inbox: SimpleQueue[PoolMessage] = SimpleQueue()
            anew = Owner(pool.open_client("only", routes["only"], inbox.put, events.append), inbox, events)
            anew.client.renew_lease(time.monotonic() + TOO_LONG)
            # A thread is left for these: when they have ended, the worker knows all that was said before.
            anew.client.hand_out(fresh)
            assert {one.sweep for one in anew.settle(3)} == {2}
            simulator.clear_faults()
    assert simulator.counts("to")["PutObject"] == 3


@given(count=st.integers(1, 50), more=st.integers(0, 50))
def test_neighbours_come_to_different_workers(count: int, more: int) -> None:
    """Orders are picked from all over the queue; none is lost, and what stays keeps its order."""
    waiting = deque(Order(1, number, "", "", 0, "", "", "") for number in range(count + more))
    picked = _picked(waiting, count)
    assert len(picked) == count
    assert [order.number for order in waiting] == sorted(order.number for order in waiting)
    assert sorted(order.number for order in (*picked, *waiting)) == list(range(count + more))
    if more >= count > 1:
        assert picked[1].number - picked[0].number > 1
