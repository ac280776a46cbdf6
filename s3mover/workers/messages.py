"""What the supervisor says to a worker and to the nursery, over their pipes, and what they say to it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from s3mover.errors import MoverError
from s3mover.model import BucketAddress, Credentials, Order, Outcome, Side
from s3mover.s3.records import Page
from s3mover.transfer.policy import TransferPolicy

# The valves of a route: one for the requests to each side, called as the side is, and those of the user's bounds.
REQUESTS, BYTES = "requests", "bytes"
# What names an order among all routes: its route, its sweep and its number.
OrderKey = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """One route: the two buckets, what signs requests, and how to transfer.

    The owners are the accounts that must own the buckets, empty for any. The bounds, by valve,
    hold for all workers and the supervisor together, 0 for none.
    """

    source: BucketAddress
    destination: BucketAddress
    credentials: dict[Side, Credentials]
    policy: TransferPolicy
    request_payer: bool = False
    source_owner: str = ""
    destination_owner: str = ""
    bounds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker process is told at its start: its threads, its share of all threads, and the routes' names."""

    threads: int
    share: float
    routes: tuple[str, ...]


class ConfigureRoute(NamedTuple):
    """To a worker: this is the route, from now on; what is in hand goes on as it began."""

    route: str
    config: RouteConfig


class AssignOrders(NamedTuple):
    """To a worker: carry these out."""

    route: str
    orders: list[Order]


class RenewCredentials(NamedTuple):
    """To a worker: sign with these from now on."""

    route: str
    side: Side
    credentials: Credentials


class Recall(NamedTuple):
    """To a worker: give back what you have not begun of this route, and begin no attempt again."""

    route: str


class ReleaseRoute(NamedTuple):
    """To a worker: whoever gave orders of this route has gone; what is in hand begins no request any more."""

    route: str


class ExtendLease(NamedTuple):
    """To a worker: the lease is held; begin requests of this route until then (seconds, steady clock)."""

    route: str
    until: float


class ReadPage(NamedTuple):
    """To a worker: read this page of one side's listing, as `Bucket.list_page` does; the answer has its number."""

    route: str
    number: int
    side: Side
    prefix: str
    start_after: str
    token: str


class Quit(NamedTuple):
    """To a worker: end now."""


class Rates(NamedTuple):
    """To a worker: let so much through a valve per second from now on; inf: everything."""

    route: str
    valve: str
    rate: float


class Usage(NamedTuple):
    """How much passed a valve since the last report, and how many threads wait at it."""

    valve: str
    passed: float
    waiting: int


class Report(NamedTuple):
    """From a worker, or of the supervisor itself, about one route: what ended, what is given back, what was asked.

    `requests` counts by side, operation and code; `usage` tells of the valves that do not let everything through.
    """

    route: str
    outcomes: list[Outcome]
    returned: list[Order]
    requests: dict[tuple[Side, str, str], int]
    usage: list[Usage]


class PageRead(NamedTuple):
    """From a worker: the page with this number, or what it met instead."""

    route: str
    number: int
    page: Page | MoverError


# What changes how a worker treats a route.
RouteUpdate = ConfigureRoute | RenewCredentials | ReleaseRoute | Rates | ExtendLease
ToWorker = RouteUpdate | AssignOrders | Recall | ReadPage | Quit
FromWorker = Report | PageRead


class Fork(NamedTuple):
    """To the nursery: fork a worker; its end of the pipe and its slate's memory travel beside."""


class Reap(NamedTuple):
    """To the nursery: tell the exit code of this worker, which gets so many seconds to end before it is killed."""

    pid: int
    grace: float
