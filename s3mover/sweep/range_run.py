"""The work on one range of another instance's sweep: claim, resolve what an earlier run left, sweep, close."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from s3mover.audit.trail import LeaseToken, RangeClaim
from s3mover.errors import LeaseHeldError
from s3mover.model import INTERRUPTED, Pair, RangeStatus, Tally
from s3mover.planning.ranges import KeyBounds
from s3mover.sweep.loop import Sweep
from s3mover.sweep.range_progress import Finished, RangeProgress
from s3mover.sweep.recovery import Recovery
from s3mover.sweep.result import SweepResult
from s3mover.sweep.tools import OpenSweep, SweepTools
from s3mover.sweep.work_source import WorkSource

RECALLED = "the range is recalled"
STOPPING = "this machine stops, or has left the cluster"


class RangeSource(WorkSource, Protocol):
    """The work of a range."""

    def compared_up_to(self) -> str | None:
        """Return a key up to which nothing is left to be listed, None if nothing is left at all."""


@dataclass(frozen=True, slots=True)
class RangeTarget:
    """What a range belongs to: the pair, the work for the keys within bounds, and what resolves pending rows."""

    pair: Pair
    work: Callable[[KeyBounds], RangeSource]
    recovery: Recovery


class RangeResult(NamedTuple):
    """What a run of a range came to, and what of it the next run need not do again."""

    swept: SweepResult
    finished: Finished


def run_range(
    tools: SweepTools,
    target: RangeTarget,
    claim: RangeClaim,
    bounds: KeyBounds,
    lease: LeaseToken,
    stop: Callable[[], bool],
    listed_before: int = 0,
) -> RangeResult:
    """Work on a range until it is completed, recalled, or `stop` returns True.

    The tally of the result counts every run of the range; those before have finished `listed_before` objects that are
    not within `bounds` any more.

    Raises:
        LeaseHeldError: another run has taken its place, or had begun before.
        AuditUnavailableError: see `Sweep.run`.
        S3Error: what an earlier run left pending could not be resolved.
    """
    trail = tools.trail
    if not trail.claim_range(target.pair, claim, lease):
        raise LeaseHeldError(f"Range {claim.number} of sweep {claim.sweep} was begun by another run.")
    tools.costs.begin(claim.sweep)
    last_number = trail.last_number(claim)
    target.recovery.resolve_range(claim)
    own = replace(tools, blocked_by=lambda: _blocked_by(tools, stop))
    opened = OpenSweep(claim.sweep, tools.clock(), last_number)
    source, progress = target.work(bounds), RangeProgress()
    result = Sweep(own, target.pair, source, opened, progress.add).run()
    finished = progress.finished(source.compared_up_to(), result.first_undone)
    target.recovery.abort_uploads_of(result.set_aside, result.record.started_at)
    trail.remove_superseded(INTERRUPTED)
    tally = with_earlier_runs(result.record.tally, trail.count_range(claim), listed_before)
    tools.costs.end()
    trail.close_range(RangeStatus(result.record.status.value), tally)
    return RangeResult(replace(result, record=replace(result.record, tally=tally)), finished)


def with_earlier_runs(tally: Tally, rows: Tally, listed_before: int) -> Tally:
    """Return the counts of a range: what was listed now and before, and what stands in the rows of all its runs.

    An object that an earlier run moved and that is listed again is in place now: it counts as moved, not as skipped.
    """
    ended = rows.succeeded + rows.failed
    skipped = max(0, listed_before + tally.listed - tally.waiting - ended)
    return replace(rows, listed=skipped + ended + tally.waiting, skipped=skipped)


def _blocked_by(tools: SweepTools, stop: Callable[[], bool]) -> str:
    if stop():
        return STOPPING
    return RECALLED if tools.trail.is_recalled else tools.blocked_by()
