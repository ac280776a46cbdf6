"""A worker pool on the simulator, used as a route's loop uses it: for tests and benchmarks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from urllib.parse import urlsplit

from s3mover.events import Event, Notify, WorkerStarted
from s3mover.model import BucketAddress, Credentials, Order, Outcome, Side
from s3mover.transfer.policy import TransferPolicy
from s3mover.workers.messages import RouteConfig
from s3mover.workers.pool.pool import WorkerPool
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import Completed, PoolMessage
from simulator import Simulator
from testkit.waiting import TOO_LONG, wait_until

ACCOUNT = "111111111111"


class PoolUser:
    """A client with its inbox, as a route's loop has them, and the events of the pool."""

    def __init__(self, client: RouteClient, inbox: "SimpleQueue[PoolMessage]", events: list[Event]) -> None:
        self.client = client
        self.inbox = inbox
        self.events = events

    def receive(self) -> Completed:
        """Wait for the next message of the pool."""
        return self.client.accept(self.inbox.get(timeout=TOO_LONG))

    def wait_for(self, count: int) -> list[Outcome]:
        """Wait until `count` orders have ended."""
        outcomes: list[Outcome] = []
        while len(outcomes) < count:
            outcomes += self.receive().outcomes
        return outcomes

    def pids(self) -> list[int]:
        return [event.pid for event in self.events if isinstance(event, WorkerStarted)]

    def pid(self, number: int) -> int:
        """Wait for the worker that is started as the `number`-th, from 0."""
        wait_until(lambda: len(self.pids()) > number)
        return self.pids()[number]


def route_config(
    simulator: Simulator,
    source: str = "from",
    destination: str = "to",
    method: str = "auto",
    attempts: int = 3,
    part_size: int = 64 * 2**20,
) -> RouteConfig:
    key = simulator.add_key(ACCOUNT)
    place = urlsplit(simulator.endpoint)
    credentials = Credentials(key.access_key, key.secret_key)

    def address(bucket: str) -> BucketAddress:
        return BucketAddress(
            bucket, place.scheme, place.hostname or "", place.port or 0, f"/{bucket}", simulator.region
        )

    return RouteConfig(
        source=address(source),
        destination=address(destination),
        credentials={Side.SOURCE: credentials, Side.DESTINATION: credentials},
        policy=TransferPolicy(method=method, part_size=part_size, max_attempts=attempts),
    )


@contextmanager
def running_pool(
    pool: WorkerPool, routes: Mapping[str, RouteConfig], events: list[Event], notify: Notify | None = None
) -> Iterator[list[PoolUser]]:
    """Run a pool with a client for each route; the events of the routes go to `events`, or to `notify`."""
    users = []
    for route, config in routes.items():
        inbox: SimpleQueue[PoolMessage] = SimpleQueue()
        users.append(
            PoolUser(pool.open_client(route, config, inbox.put, notify or events.append), inbox, events)
        )
    pool.start()
    try:
        yield users
    finally:
        pool.shutdown(10.0)


def orders(simulator: Simulator, count: int, sweep: int = 1) -> list[Order]:
    described = simulator.objects("from")[:count]
    return [
        Order(sweep, number, one["key"], one["key"], one["size"], one["etag"], "", "STANDARD")
        for number, one in enumerate(described, 1)
    ]
