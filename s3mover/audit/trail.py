"""The trail's interface and its records; `mysql.py` and `sqlite.py` keep its promises, one contract suite tests both.

A trail belongs to one thread: the one that opened it. Every method that writes returns only after the commit.
Any of them may raise `AuditUnavailableError`, after which it is unknown whether the write was committed: writes
are idempotent, so that the caller repeats the very same call once `reconnect` succeeded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from s3mover.model import (
    Action,
    Deletion,
    DueDeletion,
    FailureRecord,
    Order,
    Outcome,
    Pair,
    Status,
    SweepRecord,
    Wait,
    WaitChanges,
)


class PendingRow(NamedTuple):
    """A transfer that was intended and never settled, left by a run that was killed."""

    sweep: int
    number: int
    key: str
    size: int
    source_etag: str
    created_at: float
    action: Action = Action.COPY


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows of the trail share a status and a method, and their bytes; `method` is empty where unknown."""

    status: Status
    method: str
    objects: int
    bytes: int


class Trail(Protocol):
    """The audit records of every sweep, and the lease that is held by the very connection that writes them."""

    def acquire_lease(self, pair: Pair) -> bool:
        """Take the lease on `pair` for as long as this connection lives; False where another holds it."""

    def release_lease(self) -> None:
        """Give the lease back, where it is held."""

    def open_sweep(self, pair: Pair, started_at: float) -> int:
        """Record a sweep as running and return its id."""

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """Record each order as a pending row, all or none."""

    def settle(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record what became of the orders, and what changes in the waits, all or none.

        The rows of skipped orders are withdrawn.
        """

    def has_waits(self, pair: Pair) -> bool:
        """Tell whether any object of `pair` failed in the latest sweep that tried it."""

    def waits(self, pair: Pair, keys: Sequence[str]) -> dict[str, Wait]:
        """Return the waits of those of `keys` that have one."""

    def end_waits(self, pair: Pair, keys: Sequence[str]) -> None:
        """Let the next sweep try these objects of `pair` again as if they had never failed."""

    def end_old_waits(self, pair: Pair, before: float, limit: int) -> int:
        """Do the same for up to `limit` whose next attempt was due before that time, and return how many."""

    def resolve(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record what became of rows that earlier sweeps left open, and count these sweeps anew, all or none."""

    def due_deletions(self, pair: Pair, after: int, limit: int) -> tuple[list[DueDeletion], int]:
        """Return up to `limit` due deletions of `pair` behind the place `after` (0: all), and where to go on."""

    def end_deletions(self, deletions: Sequence[Deletion], at: float) -> None:
        """Record what became of due deletions, all or none; those that have not ended stay due."""

    def close_sweep(self, record: SweepRecord) -> None:
        """Record the sweep's end: status, counts, duration, summary file."""

    def interrupt_sweeps(self, pair: Pair, at: float) -> int:
        """Mark the sweeps of `pair` that still stand as running as interrupted, their counts taken from their rows.

        Returns how many there were. Meant for the start, under the lease, after `pending` was resolved.
        """

    def pending(self, pair: Pair, limit: int) -> list[PendingRow]:
        """Return up to `limit` pending rows of `pair`, oldest first."""

    def latest_sweeps(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> list[SweepRecord]:
        """Return the newest sweeps, newest first: all, those that began `since` then, or the one; of `pair`, or all."""

    def uncertain(self, pair: Pair, sweep: int, after: int, limit: int) -> tuple[list[PendingRow], int]:
        """Return up to `limit` rows that failed before `sweep`, though the object may have arrived, and where to go on.

        Those are asked about whose key neither a later sweep nor `sweep` tried again (`model.UNCERTAIN` has the codes);
        sweeps before the latest completed one were asked about by that. `after` is a place, 0 for the beginning.
        """

    def failures(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> Iterator[FailureRecord]:
        """Yield failed transfers, of all pairs or of `pair`, newest first, in constant memory."""

    def totals(self, since: float = 0.0, sweep: int | None = None) -> list[Total]:
        """Return the rows counted by status and method."""

    def totals_by_pair(self, since: float = 0.0, sweep: int | None = None) -> list[tuple[Pair | None, Total]]:
        """Return the same for each pair; None where rows belong to no sweep of the trail."""

    def prune(self, before: float, limit: int) -> int:
        """Remove up to `limit` settled rows created before that time, and return how many were removed.

        Sweeps that ended before that time go too, once their last row has gone.
        """

    def reconnect(self) -> None:
        """Make the connection usable again, the lease included.

        Raises:
            AuditUnavailableError: the database is still away.
            LeaseHeldError: another instance took the lease meanwhile.
        """

    def close(self) -> None:
        """End the connection; the lease goes with it."""
