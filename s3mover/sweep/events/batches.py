"""The open batches of events: opened when something is to be moved, stepped, and closed in the trail once they end."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import SimpleQueue

from s3mover.errors import MoverError, S3Error
from s3mover.events import EventBatchEnded, EventBatchStarted
from s3mover.model import BatchKind, Order, Outcome, SweepRecord, SweepStatus
from s3mover.sweep.events.batch import MAX_OBJECTS, EventBatch
from s3mover.sweep.events.parts import EventTools
from s3mover.sweep.lag import EVENT, LagMeter
from s3mover.sweep.recovery import Recovery
from s3mover.sweep.result import SweepResult
from s3mover.sweep.tools import Inbox, OpenSweep
from s3mover.workers.pool.shared_client import SharedClient

# The part of the workers' window that events may use while a sweep fills it.
RESERVED = 0.25


class EventBatches:
    """Belongs to the route's thread. At most one batch takes transfers; others end with their last one.

    `changed_at` returns when the object of an order changed, `settled` gets the outcomes that were committed, `left`
    the keys whose transfers did not end with their batch.
    """

    def __init__(
        self,
        parts: EventTools,
        changed_at: Callable[[Order], float | None],
        settled: Callable[[Sequence[Outcome]], None],
        left: Callable[[Sequence[str]], None],
    ) -> None:
        self._parts = parts
        self._tools = parts.tools
        self._changed_at = changed_at
        self._settled = settled
        self._left = left
        self._batches: list[EventBatch] = []

    def __len__(self) -> int:
        return len(self._batches)

    def current(self) -> EventBatch:
        """Return the batch that takes transfers now; open one if none does."""
        if not self._batches or not self._batches[-1].is_open:
            self._batches.append(self._opened())
        return self._batches[-1]

    def step(self, recovery: Recovery, *, is_stopping: bool) -> None:
        """Go round once with each batch, without waiting, and close those that have ended."""
        for batch in list(self._batches):
            if is_stopping or self._is_due(batch):
                batch.finish()
            if batch.step():
                self._batches.remove(batch)
                self._close(batch, recovery)

    def _opened(self) -> EventBatch:
        tools, parts = self._tools, self._parts
        started_at = tools.clock()
        opened = OpenSweep(tools.trail.open_batch(parts.pair, started_at), started_at)
        inbox: Inbox = SimpleQueue()
        parts.inboxes.add(opened.id, inbox)
        tools.notify(EventBatchStarted(opened.id))
        own = replace(
            tools,
            client=SharedClient(parts.client, RESERVED),
            inbox=inbox,
            heartbeat=_nothing,
            deletions=None,
            beside=None,
            measure_lag=lambda: LagMeter(tools.notify, tools.clock, EVENT, self._changed_at),
        )
        return EventBatch(own, parts.pair, opened, self._settled)

    def _is_due(self, batch: EventBatch) -> bool:
        age = self._tools.clock() - batch.started_at
        return age >= self._parts.batch_seconds() or batch.objects >= MAX_OBJECTS

    def _close(self, batch: EventBatch, recovery: Recovery) -> None:
        self._left(batch.left())
        self._parts.inboxes.remove(batch.id)
        result = _without_uploads(batch.result(), recovery)
        record, messages = self._summed_up(result)
        self._tools.notify(
            EventBatchEnded(
                record.id,
                record.status,
                record.tally,
                record.duration_us / 1e6,
                record.summary_file,
                "; ".join(messages),
            )
        )

    def _summed_up(self, result: SweepResult) -> tuple[SweepRecord, list[str]]:
        """Record the end of a batch, with a summary if anything was moved or failed; return it and what went wrong."""
        record = replace(result.record, kind=BatchKind.EVENTS)
        messages = [str(result.error)] if result.error else []
        try:
            if record.tally.succeeded or record.tally.failed:
                record = replace(record, summary_file=self._parts.sum_up(replace(result, record=record)))
        except MoverError as error:
            messages.append(str(error))
        seal = self._tools.trail.close_sweep(record, self._tools.heartbeat)
        try:
            if record.summary_file:
                self._parts.add_seal(record.summary_file, seal)
        except MoverError as error:
            messages.append(str(error))
        return record, messages


def _without_uploads(result: SweepResult, recovery: Recovery) -> SweepResult:
    """Abort the uploads of transfers that were set aside, as a sweep does at its end."""
    try:
        recovery.abort_uploads_of(result.set_aside, result.record.started_at)
    except S3Error as error:
        return replace(result, record=replace(result.record, status=SweepStatus.FAILED), error=error)
    return result


def _nothing() -> None:
    """Do nothing: the loop of the route calls the heartbeat."""
