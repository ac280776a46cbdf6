"""What the supervisor and a worker say to each other over their pipe, and what a worker is told at its start."""

from dataclasses import dataclass
from typing import NamedTuple

from s3mover.model import BucketAddress, Credentials, Order, Outcome, Side
from s3mover.transfer.policy import Policy


@dataclass(frozen=True, slots=True)
class Brief:
    """All that a worker process needs to know: the two buckets, what signs requests, and how to transfer.

    The owners are the accounts that must own the buckets, empty for any. The bounds are this worker's share, 0 for
    none.
    """

    threads: int
    source: BucketAddress
    destination: BucketAddress
    credentials: dict[Side, Credentials]
    policy: Policy
    request_payer: bool = False
    source_owner: str = ""
    destination_owner: str = ""
    requests_per_second: float = 0.0
    bytes_per_second: float = 0.0


class Hand(NamedTuple):
    """To a worker: carry these out."""

    orders: list[Order]


class Renew(NamedTuple):
    """To a worker: sign with these from now on."""

    side: Side
    credentials: Credentials


class Recall(NamedTuple):
    """To a worker: give back what you have not begun, and begin no attempt again."""


class Extend(NamedTuple):
    """To a worker: the lease is held; begin requests until then (seconds of the steady clock of this machine)."""

    until: float


class Quit(NamedTuple):
    """To a worker: end now."""


class Report(NamedTuple):
    """From a worker: what ended, what it gives back, and how many requests it made by side, operation and code."""

    outcomes: list[Outcome]
    returned: list[Order]
    requests: dict[tuple[Side, str, str], int]


ToWorker = Hand | Renew | Recall | Extend | Quit
