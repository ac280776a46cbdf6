"""What a sweep came to, as the caller records it and sums it up."""

from dataclasses import dataclass, field

from s3mover.errors import MoverError
from s3mover.model import Outcome, SweepRecord, SweepStatus
from s3mover.planning.read_ahead import FeedEnded


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep that has ended.

    `error` is what cut it short, if anything did, `blocked_by` why it was not to go on, `set_aside` what workers died
    with, `outage_seconds` how much of its duration it waited for an unavailable database.
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
