"""A round: what an earlier run left behind is resolved, the pair is swept, the sweep is recorded and summed up."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from s3mover.errors import MoverError, S3Error, UnreachableError
from s3mover.events import SweepFinished
from s3mover.model import Pair, SweepStatus
from s3mover.planning.scan import Finding
from s3mover.s3.bucket import Bucket
from s3mover.sweep.ledger import deletion_events
from s3mover.sweep.loop import Sweep, SweepResult, SweepTools
from s3mover.sweep.recovery import recover

# Rows that the chores between sweeps take at a time, and how long they may keep the next sweep: what is left is
# left to the chores after it.
ROWS_PER_STEP = 1000
FORGETTING_SECONDS = 30.0
# Objects whose next attempt was due so long ago have gone, or arrived by other means.
WAITS_KEPT_SECONDS = 7 * 86400.0

# Writes the summary of a sweep and returns the file's name.
SumUp = Callable[[SweepResult], str]


@dataclass(frozen=True, slots=True)
class Territory:
    """What is swept: the pair, its plan made anew for each sweep, and the destination to look at."""

    pair: Pair
    plan: Callable[[], Generator[Finding]]
    destination: Bucket


class Round:
    """Runs sweeps of one territory, one after the other; rows older than `retention` seconds go, 0 keeps them."""

    def __init__(
        self, tools: SweepTools, territory: Territory, sum_up: SumUp, retention: Callable[[], float]
    ) -> None:
        self._tools = tools
        self._territory = territory
        self._sum_up = sum_up
        self._retention = retention
        self._recovered = False
        self.last: SweepResult | None = None

    @property
    def pair(self) -> Pair:
        """The pair of buckets that is swept."""
        return self._territory.pair

    def run(self) -> SweepResult:
        """Sweep once and record it.

        Where what an earlier run left behind cannot be resolved, nothing is begun and the sweep fails.

        Raises:
            AuditUnavailableError, LeaseHeldError: see `Sweep.run`.
        """
        plan = self._plan()
        self._delete_overdue()
        self.last = result = self._close(Sweep(self._tools, self._territory.pair, plan).run())
        self._forget()
        return result

    def _plan(self) -> Generator[Finding]:
        try:
            self._recover_once()
        except (S3Error, UnreachableError) as error:
            return _no_plan(error)
        return self._territory.plan()

    def _recover_once(self) -> None:
        if not self._recovered:
            tools = self._tools
            recover(
                tools.trail,
                self._territory.pair,
                self._territory.destination,
                tools.notify,
                tools.clock,
                delete_sources=tools.remover is not None,
            )
            self._recovered = True

    def _delete_overdue(self) -> None:
        """Delete what an earlier run recorded and then could not delete, or had no time for."""
        tools, place = self._tools, 0
        while tools.remover is not None and not tools.held():
            due, place = tools.trail.due_deletions(self._territory.pair, place, ROWS_PER_STEP)
            if not due:
                return
            deletions = tools.remover.delete_now(due)
            tools.trail.end_deletions(deletions, tools.clock())
            for event in deletion_events(deletions):
                tools.notify(event)
            tools.beat()

    def _forget(self) -> None:
        """Remove rows past their retention, and waits of objects that no sweep meets any more."""
        tools, now, retention = self._tools, self._tools.clock(), self._retention()
        if retention:
            self._in_steps(lambda: tools.trail.prune(now - retention, ROWS_PER_STEP))
        before = now - WAITS_KEPT_SECONDS
        self._in_steps(lambda: tools.trail.end_old_waits(self._territory.pair, before, ROWS_PER_STEP))

    def _in_steps(self, remove: Callable[[], int]) -> None:
        """Call what removes some rows and says how many, until it finds few, or the time is over."""
        tools, until = self._tools, self._tools.clock() + FORGETTING_SECONDS
        while not tools.stop.requested and tools.clock() < until:
            tools.beat()
            if remove() < ROWS_PER_STEP:
                return

    def _close(self, result: SweepResult) -> SweepResult:
        said = [str(result.error)] if result.error else []
        if result.record.status is SweepStatus.INTERRUPTED:
            said.append(result.held)
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


def _no_plan(error: MoverError) -> Generator[Finding]:
    yield from ()
    raise error
