"""Workers on a store that refuses what is too much: the limit is found, and nothing is lost."""

from contextlib import closing

import pytest

from s3mover.events import Event, ThrottleChanged
from s3mover.model import Side, Status
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.pool import WorkerPool, share_threads
from simulator import Simulator
from testkit.pooling import ACCOUNT, orders, owners_of, route_config

LIMIT = 500
THREADS = 150
OBJECTS = 6000


@pytest.mark.process
def test_a_store_that_gives_little_is_used_and_not_hammered() -> None:
    """Once the limit is found few requests are refused, it is near the store's, and every object arrives.

    To find it costs what is under way until the workers hear of the first refusals, more so on a busy machine.
    """
    with Simulator() as simulator:
        simulator.create_bucket("from", ACCOUNT)
        simulator.create_bucket("to", ACCOUNT)
        simulator.fill("from", OBJECTS, size=10, prefix="documents/")
        # If the simulator stands still on a busy machine, each thread may have asked by then: that is not too much.
        simulator.set_rate_limit("to", writes=LIMIT, reads=0, depth=1, saved=1.3 * THREADS / LIMIT)
        work = orders(simulator, OBJECTS)
        route = route_config(simulator, attempts=8)
        fork_server, events = ForkServer(), list[Event]()
        pool = WorkerPool(share_threads(THREADS, 2), ["only"], events.append, fork_server)
        with closing(fork_server), owners_of(pool, {"only": route}, events) as [owner]:
            owner.client.hand_out(work)
            outcomes = owner.settle(OBJECTS)
        assert {outcome.status for outcome in outcomes} == {Status.SUCCESS}
        assert simulator.differences("from", "to") == []
        codes = [entry["code"] for entry in simulator.log("CopyObject", "to")]
    changes = [event for event in events if isinstance(event, ThrottleChanged)]
    late = codes[-OBJECTS // 2 :]
    assert late.count("SlowDown") < 0.05 * len(late)
    assert codes.count("SlowDown") < 0.2 * len(codes)
    assert sum(change.refused for change in changes) <= codes.count("SlowDown")
    assert {change.side for change in changes} <= {Side.DESTINATION}
    if changes:  # else this machine alone made less than the store gives
        assert max(change.rate for change in changes[1:] or changes) >= 0.9 * LIMIT
