"""Workers on a store that refuses what is too much: the limit is found, and nothing is lost."""

from contextlib import closing

from s3mover.events import Event, ThrottleChanged
from s3mover.model import Side, Status
from s3mover.workers.crew import Crew, share_threads
from s3mover.workers.nursery import Nursery
from tests.simulator import Simulator
from tests.support.crewing import ACCOUNT, brief_of, orders, owners_of

LIMIT = 500
OBJECTS = 6000


def test_a_store_that_gives_little_is_used_and_not_hammered() -> None:
    """Of all requests few are refused, the limit found is near the store's, and every object arrives."""
    with Simulator() as simulator:
        simulator.create_bucket("from", ACCOUNT)
        simulator.create_bucket("to", ACCOUNT)
        simulator.fill("from", OBJECTS, size=10, prefix="documents/")
        simulator.set_rate_limit("to", writes=LIMIT, reads=0, depth=1)
        work = orders(simulator, OBJECTS)
        route = brief_of(simulator, attempts=8)
        nursery, events = Nursery(), list[Event]()
        crew = Crew(share_threads(150, 2), ["only"], events.append, nursery)
        with closing(nursery), owners_of(crew, {"only": route}, events) as [owner]:
            owner.desk.hand_out(work)
            outcomes = owner.settle(OBJECTS)
        assert {outcome.status for outcome in outcomes} == {Status.SUCCESS}
        assert simulator.differences("from", "to") == []
        refused = simulator.counts("to").get("CopyObject:SlowDown", 0)
    changes = [event for event in events if isinstance(event, ThrottleChanged)]
    assert refused < 0.05 * (refused + OBJECTS)
    assert sum(change.refused for change in changes) <= refused
    assert {change.side for change in changes} <= {Side.DESTINATION}
    if changes:  # else this machine alone made less than the store gives
        assert max(change.rate for change in changes[1:] or changes) >= 0.9 * LIMIT
