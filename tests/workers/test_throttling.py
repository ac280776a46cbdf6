"""Workers on a store that throttles: the limit is found, and no object is lost."""

from contextlib import closing

import pytest

from s3mover.events import Event, ThrottleChanged
from s3mover.model import Side, Status
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.pool import WorkerPool, share_threads
from simulator import Simulator
from testkit.pooling import ACCOUNT, orders, route_config, running_pool

# So low that a busy machine, too, could do several times as much: the store is what limits, and not the machine.
LIMIT = 100
THREADS = 100
OBJECTS = 2000


@pytest.mark.process
def test_workers_use_the_limit_of_a_store_with_few_refusals() -> None:
    """Once the limit is found, few requests are refused, the rate is near the store's, and every object arrives.

    Until then all requests in flight may be refused, more of them on a busy machine.
    """
    with Simulator() as simulator:
        simulator.create_bucket("from", ACCOUNT)
        simulator.create_bucket("to", ACCOUNT)
        simulator.fill("from", OBJECTS, size=10, prefix="documents/")
        # On a busy machine the simulator may pause; the requests that all threads send meanwhile are not refused.
        simulator.set_rate_limit("to", writes=LIMIT, reads=0, depth=1, saved=1.3 * THREADS / LIMIT)
        work = orders(simulator, OBJECTS)
        route = route_config(simulator, attempts=8)
        fork_server, events = ForkServer(), list[Event]()
        pool = WorkerPool(share_threads(THREADS, 2), ["only"], events.append, fork_server)
        with closing(fork_server), running_pool(pool, {"only": route}, events) as [user]:
            user.client.hand_out(work)
            outcomes = user.wait_for(OBJECTS)
        assert {outcome.status for outcome in outcomes} == {Status.SUCCESS}
        assert simulator.differences("from", "to") == []
        codes = [entry["code"] for entry in simulator.log("CopyObject", "to")]
    changes = [event for event in events if isinstance(event, ThrottleChanged)]
    late = codes[-OBJECTS // 2 :]
    assert late.count("SlowDown") < 0.05 * len(late)
    assert codes.count("SlowDown") < 0.2 * len(codes)
    assert sum(change.refused for change in changes) <= codes.count("SlowDown")
    assert {change.side for change in changes} <= {Side.DESTINATION}
    assert max(change.rate for change in changes[1:]) >= 0.9 * LIMIT
    assert changes[-1].rate < 2 * LIMIT
