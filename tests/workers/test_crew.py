"""The crew with real worker processes on the simulator: who gets what, and what a death costs."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.events import Event, WorkerStarted
from s3mover.model import BucketAddress, Credentials, Order, Outcome, Side, Status
from s3mover.transfer.policy import Policy
from s3mover.workers.crew import MOST_DEATHS, ORDERS_PER_THREAD, Crew, FromWorker, share_threads
from s3mover.workers.messages import Brief
from s3mover.workers.nursery import Nursery
from tests.simulator import Simulator

ACCOUNT = "111111111111"


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


class Owner:
    """A crew with its inbox, as the loop holds it."""

    def __init__(self, crew: Crew, inbox: "SimpleQueue[FromWorker]", events: list[Event]) -> None:
        self.crew = crew
        self.inbox = inbox
        self.events = events

    def settle(self, count: int) -> list[Outcome]:
        """Listen until `count` orders have ended."""
        outcomes: list[Outcome] = []
        while len(outcomes) < count:
            outcomes += self.crew.hear(self.inbox.get(timeout=60)).outcomes
        return outcomes

    def pids(self) -> list[int]:
        return [event.pid for event in self.events if isinstance(event, WorkerStarted)]


@contextmanager
def crew_of(simulator: Simulator, processes: int = 2, threads: int = 10) -> Iterator[Owner]:
    key = simulator.add_key(ACCOUNT)
    place = urlsplit(simulator.endpoint)
    credentials = Credentials(key.access_key, key.secret_key)

    def address(bucket: str) -> BucketAddress:
        return BucketAddress(
            bucket, place.scheme, place.hostname or "", place.port or 0, f"/{bucket}", simulator.region
        )

    briefs = [
        Brief(
            threads=share,
            source=address("from"),
            destination=address("to"),
            credentials={Side.SOURCE: credentials, Side.DESTINATION: credentials},
            policy=Policy(method="auto", part_size=64 * 2**20, max_attempts=3),
        )
        for share in share_threads(threads, processes)
    ]
    inbox: SimpleQueue[FromWorker] = SimpleQueue()
    events: list[Event] = []
    nursery = Nursery()
    crew = Crew(briefs, inbox.put, events.append, nursery)
    crew.start()
    try:
        yield Owner(crew, inbox, events)
    finally:
        crew.dismiss(10.0)
        nursery.close()
        simulator.set_latency(0)


def orders(simulator: Simulator, count: int, sweep: int = 1) -> list[Order]:
    described = simulator.objects("from")[:count]
    return [
        Order(sweep, number, one["key"], one["key"], one["size"], one["etag"], "", "STANDARD")
        for number, one in enumerate(described, 1)
    ]


def test_every_order_ends_once(simulator: Simulator) -> None:
    """What was handed out comes back, each order exactly once, moved."""
    with crew_of(simulator) as owner:
        given_out = orders(simulator, 300)
        owner.crew.hand_out(given_out)
        outcomes = owner.settle(300)
        assert sorted(outcome.number for outcome in outcomes) == list(range(1, 301))
        assert {outcome.status for outcome in outcomes} == {Status.SUCCESS}
        assert owner.crew.in_flight() == 0
        assert owner.crew.room() == owner.crew.window() == 10 * ORDERS_PER_THREAD


def test_a_dead_workers_orders_are_handed_on(simulator: Simulator) -> None:
    """A worker that is killed with orders in hand costs nothing but time."""
    simulator.set_latency(CopyObject=0.2)
    with crew_of(simulator) as owner:
        owner.crew.hand_out(orders(simulator, 40))
        owner.settle(1)
        os.kill(owner.pids()[0], signal.SIGKILL)
        owner.settle(owner.crew.in_flight())
        assert owner.crew.in_flight() == 0
        assert [event.name for event in owner.events].count("worker.died") == 1
        assert len(owner.pids()) == 3


def test_an_order_that_kills_its_workers_is_set_aside(simulator: Simulator) -> None:
    """After some deaths in its hands an order is an error that says so, and the crew lives on."""
    simulator.set_latency(CopyObject=60)
    with crew_of(simulator, processes=1) as owner:
        owner.crew.hand_out(orders(simulator, 1))
        for death in range(MOST_DEATHS):
            os.kill(owner.pids()[death], signal.SIGKILL)
            settled = owner.crew.hear(owner.inbox.get(timeout=60))
        [outcome] = settled.outcomes
        assert (outcome.status, outcome.code) == (Status.ERROR, "WorkerDied")
        simulator.set_latency(0)
        owner.crew.hand_out(orders(simulator, 1, sweep=2))
        assert owner.settle(1)[0].status is Status.SUCCESS


def test_unbegun_orders_come_back_when_recalled(simulator: Simulator) -> None:
    """A recall returns what waits in the workers; what is in hand ends."""
    simulator.set_latency(CopyObject=0.3)
    with crew_of(simulator) as owner:
        owner.crew.hand_out(orders(simulator, 40))
        returned = owner.crew.recall()
        outcomes: list[Outcome] = []
        while owner.crew.in_flight():
            settled = owner.crew.hear(owner.inbox.get(timeout=60))
            outcomes += settled.outcomes
            returned += settled.returned
        assert len(outcomes) + len(returned) == 40
        assert returned


def test_workers_sign_with_renewed_credentials(simulator: Simulator) -> None:
    """Credentials that the supervisor sends down are used from then on, by replaced workers too."""
    with crew_of(simulator, processes=1) as owner:
        old = simulator.add_key(ACCOUNT, session=True)
        fresh = simulator.add_key(ACCOUNT, session=True)
        for key in (old, fresh):
            credentials = Credentials(key.access_key, key.secret_key, key.session_token)
            owner.crew.renew(Side.SOURCE, credentials)
            owner.crew.renew(Side.DESTINATION, credentials)
        simulator.expire_key(old)
        owner.crew.hand_out(orders(simulator, 5))
        assert {outcome.status for outcome in owner.settle(5)} == {Status.SUCCESS}
        os.kill(owner.pids()[0], signal.SIGKILL)
        owner.crew.hear(owner.inbox.get(timeout=60))
        owner.crew.hand_out(orders(simulator, 5, sweep=2))
        assert {outcome.status for outcome in owner.settle(5)} == {Status.SUCCESS}
