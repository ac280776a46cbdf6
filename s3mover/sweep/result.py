"""What a sweep came to, as the caller records it and sums it up."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3mover.costs.bill import NO_COSTS, Bill
from s3mover.errors import MoverError
from s3mover.model import DeletionCounts, Outcome, SweepRecord, SweepStatus
from s3mover.planning.read_ahead import FeedEnded

if TYPE_CHECKING:
    from s3mover.planning.deletion_guards import DeletionPolicy


@dataclass(frozen=True, slots=True)
class DestinationOnly:
    """What a sweep saw at the destination: how many objects in all, how many candidates for a deletion, and others.

    `kept` counts those that are never deleted as they are, by reason.
    """

    policy: "DeletionPolicy"
    listed: int
    candidates: int
    kept: dict[str, int]


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep that has ended.

    `error` is what cut it short, if anything did, `blocked_by` why it was not to go on, `set_aside` what workers died
    with, `outage_seconds` how much of its duration it waited for an unavailable database. `last_number` is that of the
    last order; `first_undone` is the first key whose transfer was not begun, or has to be repeated, empty if that is
    not known. `destination_only` and `deletions` are None where deletions are neither carried over nor reported.
    `bill` is what this process has spent.
    """

    record: SweepRecord
    error: MoverError | None
    failures: list[Outcome]
    fallbacks: dict[str, int]
    set_aside: list[Outcome]
    unkept: dict[str, int]
    skipped: dict[str, int] = field(default_factory=dict)
    blocked_by: str = ""
    outage_seconds: float = 0.0
    last_number: int = 0
    destination_only: DestinationOnly | None = None
    deletions: DeletionCounts | None = None
    bill: Bill = NO_COSTS
    first_undone: str | None = None


def status_of(ended: FeedEnded, waiting: int) -> SweepStatus:
    """Return the status of a sweep from how its work source ended and how many transfers are left.

    source ended | transfers left | status
    -------------|----------------|------------
    by an error  | -              | failed
    whole        | none           | completed
    whole        | some           | interrupted
    otherwise    | -              | interrupted
    """
    if ended.error is not None:
        return SweepStatus.FAILED
    return SweepStatus.COMPLETED if ended.whole and waiting == 0 else SweepStatus.INTERRUPTED
