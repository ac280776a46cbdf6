"""A round: what an earlier run left behind is resolved, the pair is swept, the sweep is recorded and summed up."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial

from s3mover.errors import MoverError, S3Error, UnreachableError
from s3mover.events import SweepFinished
from s3mover.model import Pair, SweepStatus
from s3mover.planning.page_diff import PageDiff
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry
from s3mover.sweep.heartbeat import while_heartbeating
from s3mover.sweep.loop import Sweep, SweepResult, SweepTools
from s3mover.sweep.pruning import prune
from s3mover.sweep.recovery import Recovery
from s3mover.sweep.stats import deletion_events
from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS, SETTLING_SECONDS

# Rows that the chores between sweeps take at a time.
ROWS_PER_STEP = 1000

# Writes the summary of a sweep and returns the file's name.
SumUp = Callable[[SweepResult], str]


@dataclass(frozen=True, slots=True)
class SweepTarget:
    """What is swept: the pair, its plan made anew for each sweep, and both ends to look at; `retry` asks them."""

    pair: Pair
    plan: Callable[[], Generator[PageDiff]]
    source: Bucket
    destination: Bucket
    retry: Retry


class SweepCycle:
    """Runs sweeps of one territory, one after the other; rows older than `retention` seconds go, 0 keeps them."""

    def __init__(
        self, tools: SweepTools, target: SweepTarget, sum_up: SumUp, retention: Callable[[], float]
    ) -> None:
        self._tools = tools
        self._target = target
        self._sum_up = sum_up
        self._retention = retention
        self._recovered = False
        self._recovery = Recovery(
            tools.trail,
            target.pair,
            target.source,
            target.destination,
            tools.notify,
            tools.clock,
            target.retry,
            tools.heartbeat,
            delete_sources=tools.remover is not None,
        )
        self.last: SweepResult | None = None

    @property
    def pair(self) -> Pair:
        """The pair of buckets that is swept."""
        return self._target.pair

    def run(self) -> SweepResult:
        """Sweep once and record it.

        Where what an earlier run left behind cannot be resolved, nothing is begun and the sweep fails.

        Raises:
            AuditUnavailableError, LeaseHeldError: see `Sweep.run`.
        """
        plan = self._plan()
        self._delete_overdue()
        self.last = result = self._close(self._look_back(Sweep(self._tools, self._target.pair, plan).run()))
        prune(self._tools, self._target.pair, self._retention())
        return result

    def _plan(self) -> Generator[PageDiff]:
        try:
            self._recover_once()
        except (S3Error, UnreachableError) as error:
            return _no_plan(error)
        return self._target.plan()

    def _recover_once(self) -> None:
        if not self._recovered and self._predecessor_has_ended():
            self._recovery.recover()
            self._recovered = True

    def _predecessor_has_ended(self) -> bool:
        """Where rows are pending, wait until nothing that was begun for them can still write; False for a stop."""
        tools = self._tools
        if not tools.trail.pending(self._target.pair, 1):
            return True
        return tools.stop.wait(LEASE_GUARD_SECONDS + SETTLING_SECONDS)

    def _look_back(self, result: SweepResult) -> SweepResult:
        """Before the sweep is recorded as completed, resolve what others left to it; see `Recovery`."""
        record = result.record
        try:
            self._recovery.clear_up(result.set_aside, record.started_at)
            if record.status is SweepStatus.COMPLETED:
                self._recovery.look_again(record.id)
        except S3Error as error:
            return replace(result, record=replace(record, status=SweepStatus.FAILED), error=error)
        return result

    def _delete_overdue(self) -> None:
        """Delete what an earlier run recorded and then could not delete, or had no time for."""
        tools, place = self._tools, 0
        while tools.remover is not None and not tools.blocked_by():
            due, place = tools.trail.due_deletions(self._target.pair, place, ROWS_PER_STEP)
            if not due:
                return
            deletions = while_heartbeating(tools.heartbeat, partial(tools.remover.delete_now, due))
            tools.trail.end_deletions(deletions, tools.clock())
            for event in deletion_events(deletions):
                tools.notify(event)
            tools.heartbeat()

    def _close(self, result: SweepResult) -> SweepResult:
        said = [str(result.error)] if result.error else []
        if result.record.status is SweepStatus.INTERRUPTED:
            said.append(result.blocked_by)
        try:
            summary = self._sum_up(result)
        except MoverError as error:
            # The trail is the record; a summary that could not be written must not keep the row open.
            summary = ""
            said.append(str(error))
        record = replace(result.record, summary_file=summary)
        self._tools.trail.close_sweep(record)
        self._tools.notify(
            SweepFinished(
                record.id,
                record.status,
                record.tally,
                record.duration_us / 1e6,
                record.ended_at or self._tools.clock(),
                summary,
                "; ".join(said),
            )
        )
        return replace(result, record=record)


def _no_plan(error: MoverError) -> Generator[PageDiff]:
    yield from ()
    raise error
