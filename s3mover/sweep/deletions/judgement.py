"""All candidates of a pair after a sweep has completed: counted once more, confirmed or not, or ended."""

from collections.abc import Callable
from typing import NamedTuple

from s3mover.audit.deletion_trail import FIRST
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.model import Pair, SweepRecord
from s3mover.planning.deletion_guards import DeletionPolicy, ListDigest, missed

ROWS_PER_STEP = 1000


class Judgement(NamedTuple):
    """How many candidates wait and are confirmed, how many of these are approved, and the digest of the confirmed."""

    waiting: int
    confirmed: int
    approved: int
    digest: str


def judge(
    trail: RetryingTrail,
    pair: Pair,
    sweep: SweepRecord,
    policy: DeletionPolicy,
    heartbeat: Callable[[], None],
) -> Judgement:
    """Count a completed sweep for each candidate that it saw, and remove the others: they are back, or gone.

    It can be repeated, and does not hold more than a step in memory.
    """
    after, digest = FIRST, ListDigest()
    waiting = confirmed = approved = 0
    while True:
        heartbeat()
        page, after = trail.candidates_after(pair, after, ROWS_PER_STEP)
        if not page:
            return Judgement(waiting, confirmed, approved, str(digest))
        judged = [missed(one, policy, sweep.started_at) for one in page if one.seen_sweep == sweep.id]
        trail.write_candidates(pair, judged)
        trail.end_candidates(pair, [one.key for one in page if one.seen_sweep != sweep.id])
        for candidate in judged:
            if candidate.is_confirmed:
                digest.add(candidate)
                confirmed += 1
                approved += candidate.is_approved
            else:
                waiting += 1
