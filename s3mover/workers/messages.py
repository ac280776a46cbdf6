"""The messages between the supervisor, its workers and the fork server. What they do is not described here."""

from dataclasses import dataclass, field
from typing import NamedTuple

from s3mover.errors import MoverError
from s3mover.model import BucketAddress, Credentials, Order, Outcome, Side
from s3mover.s3.records import Page
from s3mover.transfer.policy import TransferPolicy

# The limits of a route: one on the requests to each side, named as the side, and those that the user sets.
REQUESTS, BYTES = "requests", "bytes"
# Identifies an order among all routes: its route, its sweep and its number.
OrderKey = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """One route: the two buckets, the credentials that sign requests, and how to transfer.

    The owners are the accounts that must own the buckets, empty for any. `bounds` are the user's bounds per second,
    by limit, 0 for none; they hold for all workers and the supervisor together. `timeout` is the longest silence of a
    request, in seconds.
    """

    source: BucketAddress
    destination: BucketAddress
    credentials: dict[Side, Credentials]
    policy: TransferPolicy
    request_payer: bool = False
    source_owner: str = ""
    destination_owner: str = ""
    bounds: dict[str, float] = field(default_factory=dict)
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker process needs to start: its threads, its fraction of all threads, and the routes' names."""

    threads: int
    share: float
    routes: tuple[str, ...]


class ConfigureRoute(NamedTuple):
    """To a worker: use this configuration for what begins from now on; orders in flight keep theirs."""

    route: str
    config: RouteConfig


class AssignOrders(NamedTuple):
    """To a worker: carry out these orders."""

    route: str
    orders: list[Order]


class RenewCredentials(NamedTuple):
    """To a worker: sign with these credentials from now on."""

    route: str
    side: Side
    credentials: Credentials


class Recall(NamedTuple):
    """To a worker: return the orders of this route that are not begun, and begin no further attempt."""

    route: str


class ReleaseRoute(NamedTuple):
    """To a worker: the client of this route was closed; orders in flight begin no further request."""

    route: str


class ExtendLease(NamedTuple):
    """To a worker: the lease is held; requests of this route may begin until `until` (seconds, monotonic clock)."""

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


class SetRate(NamedTuple):
    """To a worker: pass at most `rate` units per second through a limit from now on; inf: no limit."""

    route: str
    limit: str
    rate: float


class Usage(NamedTuple):
    """How many units passed a limit since the last report, and how many threads wait for it."""

    limit: str
    passed: float
    waiting: int


class Report(NamedTuple):
    """From a worker, or of the supervisor itself, about one route.

    `outcomes` are of orders that ended, `returned` are orders that were not begun, `requests` are counted by side,
    operation and code, and `usage` has the limits that are not open.
    """

    route: str
    outcomes: list[Outcome]
    returned: list[Order]
    requests: dict[tuple[Side, str, str], int]
    usage: list[Usage]


class PageRead(NamedTuple):
    """From a worker: the page with this number, or the error that was met instead."""

    route: str
    number: int
    page: Page | MoverError


# What changes how a worker treats a route.
RouteUpdate = ConfigureRoute | RenewCredentials | ReleaseRoute | SetRate | ExtendLease
ToWorker = RouteUpdate | AssignOrders | Recall | ReadPage | Quit
FromWorker = Report | PageRead


class Fork(NamedTuple):
    """To the fork server: fork a worker. Its end of the pipe and its shared memory file travel with the message."""


class Reap(NamedTuple):
    """To the fork server: return this worker's exit code; kill the worker after `grace` seconds."""

    pid: int
    grace: float
