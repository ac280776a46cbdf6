"""What the supervisor and a worker say to each other over their pipe, and what a worker is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from s3mover.model import BucketAddress, Credentials, Order, Outcome, Side
from s3mover.transfer.policy import Policy

# What names an order among all routes: its route, its sweep and its number.
Identity = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class RouteBrief:
    """One route: the two buckets, what signs requests, and how to transfer.

    The owners are the accounts that must own the buckets, empty for any. The bounds hold for all workers together, 0
    for none.
    """

    source: BucketAddress
    destination: BucketAddress
    credentials: dict[Side, Credentials]
    policy: Policy
    request_payer: bool = False
    source_owner: str = ""
    destination_owner: str = ""
    requests_per_second: float = 0.0
    bytes_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Brief:
    """All that a worker process needs to know: its threads, its share of all threads, and the routes by name."""

    threads: int
    share: float
    routes: Mapping[str, RouteBrief]


class Hand(NamedTuple):
    """To a worker: carry these out."""

    route: str
    orders: list[Order]


class Renew(NamedTuple):
    """To a worker: sign with these from now on."""

    route: str
    side: Side
    credentials: Credentials


class Recall(NamedTuple):
    """To a worker: give back what you have not begun of this route, and begin no attempt again."""

    route: str


class Quit(NamedTuple):
    """To a worker: end now."""


class Report(NamedTuple):
    """From a worker about one route: what ended, what it gives back, requests by side, operation and code."""

    route: str
    outcomes: list[Outcome]
    returned: list[Order]
    requests: dict[tuple[Side, str, str], int]


ToWorker = Hand | Renew | Recall | Quit
