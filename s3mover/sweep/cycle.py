"""One cycle: what an earlier run left behind is resolved, the pair is swept, the sweep is recorded and summed up."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from s3mover.costs.money import usd
from s3mover.errors import MoverError, S3Error, UnreachableError
from s3mover.events import SweepFinished, SweepStarted
from s3mover.model import Pair, SweepStatus
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry
from s3mover.sweep.heartbeat import while_heartbeating
from s3mover.sweep.loop import Sweep
from s3mover.sweep.pruning import prune
from s3mover.sweep.recovery import Recovery
from s3mover.sweep.result import SweepResult
from s3mover.sweep.stats import deletion_events
from s3mover.sweep.tools import OpenSweep, SweepTools
from s3mover.sweep.work_source import FailedSource, WorkSource
from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS, SETTLING_SECONDS

if TYPE_CHECKING:
    from s3mover.audit.seals import Seal
    from s3mover.sweep.shared_sweep import SharedSweep

# Due deletions per step.
ROWS_PER_STEP = 1000
# How often a wait renews the lease.
WAIT_STEP_SECONDS = 0.1

# Writes the summary of a sweep and returns the file's name.
SumUp = Callable[[SweepResult], str]
# Adds the seal of a sweep to the summary of that name.
AddSeal = Callable[[str, "Seal"], None]


@dataclass(frozen=True, slots=True)
class SweepTarget:
    """What is swept: the pair, its work made anew for each sweep, and both ends; `retry` repeats requests to them.

    `share` makes the sweep that many machines work on; None where this process does the work.
    """

    pair: Pair
    work: Callable[[], WorkSource]
    source: Bucket
    destination: Bucket
    retry: Retry
    share: "Callable[[SweepTools, Pair, OpenSweep], SharedSweep] | None" = None


class SweepCycle:
    """Sweeps one target again and again; rows older than `retention` seconds are removed, 0 keeps them.

    `anchor` is called after each sweep, where seals are also written to an anchor.
    """

    def __init__(
        self,
        tools: SweepTools,
        target: SweepTarget,
        sum_up: SumUp,
        add_seal: AddSeal,
        retention: Callable[[], float],
        anchor: Callable[[], None] | None = None,
    ) -> None:
        self._tools = tools
        self._target = target
        self._sum_up = sum_up
        self._add_seal = add_seal
        self._anchor = anchor
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

        If what an earlier run left behind cannot be resolved, the sweep fails without beginning anything.

        Raises:
            AuditUnavailableError, LeaseHeldError: see `Sweep.run`.
        """
        swept = self._sweep()
        ended = self._carry_deletions_over(self._resolve_uncertain(swept))
        retention = self._retention()
        # The seal says what is removed before it is.
        pruned_before = self._tools.clock() - retention if retention else 0.0
        self.last = result = self._close(ended, pruned_before)
        if self._anchor is not None:
            self._anchor()
        prune(self._tools, self._target.pair, pruned_before)
        return result

    @property
    def recovery(self) -> Recovery:
        """What resolves pending rows of the pair."""
        return self._recovery

    def _sweep(self) -> SweepResult:
        share = self._target.share
        try:
            self._recover_once()
        except (S3Error, UnreachableError) as error:
            return Sweep(self._tools, self.pair, FailedSource(error), self._opened()).run()
        self._delete_overdue()
        if share is None:
            return Sweep(self._tools, self.pair, self._target.work(), self._opened()).run()
        # What a machine leaves behind when it is lost at the end of a sweep is resolved before the next one.
        self._recovered = False
        self._await_events()
        try:
            return share(self._tools, self.pair, self._opened(shared=True)).run()
        finally:
            if self._tools.beside is not None:
                self._tools.beside.resume()

    def _await_events(self) -> None:
        """Suspend the events of the source, and wait for what they have in hand: machines do not know these keys."""
        tools = self._tools
        if tools.beside is not None:
            tools.beside.suspend()
            while not tools.beside.is_idle and tools.stop.wait(WAIT_STEP_SECONDS):
                tools.heartbeat()

    def _opened(self, *, shared: bool = False) -> OpenSweep:
        started_at = self._tools.clock()
        sweep = self._tools.trail.open_sweep(self.pair, started_at, shared=shared)
        self._tools.costs.begin(sweep)
        self._tools.notify(SweepStarted(sweep, str(self.pair)))
        return OpenSweep(sweep, started_at)

    def _recover_once(self) -> None:
        if not self._recovered and self._predecessor_has_ended():
            self._recovery.recover()
            self._recovered = True
            if self._tools.beside is not None:
                self._tools.beside.begin(self._recovery)

    def _predecessor_has_ended(self) -> bool:
        """Wait until no request begun for pending rows can still write; return False if a stop came first.

        A lease that expired was vacant for longer than that: only one that was released may have to be waited for.
        """
        tools = self._tools
        if not tools.trail.pending(self._target.pair, 1):
            return True
        left = LEASE_GUARD_SECONDS + SETTLING_SECONDS - tools.trail.vacant_seconds
        while left > 0 and tools.stop.wait(min(left, WAIT_STEP_SECONDS)):
            tools.heartbeat()
            left -= WAIT_STEP_SECONDS
        return left <= 0

    def _resolve_uncertain(self, result: SweepResult) -> SweepResult:
        """Resolve what failed with an open end, before the sweep is recorded as completed; see `Recovery`."""
        record = result.record
        try:
            self._recovery.abort_uploads_of(result.set_aside, record.started_at)
            if record.status is SweepStatus.COMPLETED:
                self._recovery.recheck_uncertain(record.id)
        except S3Error as error:
            return replace(result, record=replace(record, status=SweepStatus.FAILED), error=error)
        return result

    def _carry_deletions_over(self, result: SweepResult) -> SweepResult:
        """Deal with what only the destination has, where the settings ask for it; see `DeletionPhase`."""
        tools, target = self._tools, self._target
        if tools.deletions is None or result.destination_only is None:
            return result
        from s3mover.sweep.deletions.execution import Deleter  # noqa: PLC0415 - off by default
        from s3mover.sweep.deletions.phase import DeletionPhase  # noqa: PLC0415

        conditions = tools.deletions.conditions
        deleter = None
        if conditions is not None:
            deleter = Deleter(target.source, target.destination, target.retry, conditions)
        counts = DeletionPhase(tools, target.pair, deleter, result, result.destination_only).run()
        ended_at = tools.clock()
        duration_us = max(0, round((ended_at - result.record.started_at) * 1e6))
        record = replace(result.record, ended_at=ended_at, duration_us=duration_us)
        return replace(result, record=record, deletions=counts)

    def _delete_overdue(self) -> None:
        """Delete what an earlier run recorded and then could not delete, or had no time for."""
        tools, after = self._tools, 0
        while tools.remover is not None and not tools.blocked_by():
            due, after = tools.trail.due_deletions(self._target.pair, after, ROWS_PER_STEP)
            if not due:
                return
            deletions = while_heartbeating(tools.heartbeat, partial(tools.remover.delete_now, due))
            tools.trail.end_deletions(deletions, tools.clock())
            for event in deletion_events(deletions):
                tools.notify(event)
            tools.heartbeat()

    def _close(self, result: SweepResult, pruned_before: float) -> SweepResult:
        cost = self._tools.costs.end()
        result = replace(result, record=replace(result.record, cost_micros=cost.micros), bill=cost.bill)
        messages = [str(result.error)] if result.error else []
        if result.record.status is SweepStatus.INTERRUPTED:
            messages.append(result.blocked_by)
        try:
            summary = self._sum_up(result)
        except MoverError as error:
            # The trail is the record; a summary that could not be written must not keep the row open.
            summary = ""
            messages.append(str(error))
        record = replace(result.record, summary_file=summary)
        seal = self._tools.trail.close_sweep(record, self._tools.heartbeat, pruned_before)
        try:
            if summary:
                self._add_seal(summary, seal)
        except MoverError as error:
            messages.append(str(error))
        self._tools.notify(
            SweepFinished(
                record.id,
                record.status,
                record.tally,
                record.duration_us / 1e6,
                record.ended_at or self._tools.clock(),
                summary,
                "; ".join(messages),
                result.outage_seconds or None,
                None if cost.micros is None else usd(cost.micros),
            )
        )
        return replace(result, record=record)
