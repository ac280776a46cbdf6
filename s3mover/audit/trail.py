"""The interface of the trail and its records. One contract suite tests it on every database.

A trail belongs to the thread that opened it. Every method that writes returns only after the commit. Any method may
raise `AuditUnavailableError`; then it is unknown whether the write was committed. Writes are idempotent, so the caller
repeats the same call after `reconnect`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from s3mover.audit.deletion_trail import DeletionCandidates, DeletionRows
from s3mover.audit.seal_trail import SealedTrail
from s3mover.model import (
    Action,
    BatchKind,
    Deletion,
    DueDeletion,
    FailureRecord,
    LeaderReport,
    Order,
    Outcome,
    Pair,
    PairRequest,
    Pause,
    RangeStatus,
    RequestAnswer,
    RequestKind,
    Status,
    SweepRecord,
    Tally,
    Wait,
    WaitChanges,
)

if TYPE_CHECKING:
    from s3mover.audit.seals import Seal


class PendingRow(NamedTuple):
    """An order that was intended and not settled, left by a run that was killed."""

    sweep: int
    number: int
    key: str
    size: int
    source_etag: str
    created_at: float
    action: Action = Action.COPY


@dataclass(frozen=True, slots=True)
class Total:
    """The number of rows with one status and method, and their bytes; `method` is empty where unknown."""

    status: Status
    method: str
    objects: int
    bytes: int


class RangeClaim(NamedTuple):
    """One run of a key range of a sweep; `token` and `holder` fence it. Every write of the run names all four."""

    sweep: int
    number: int
    token: int
    holder: str


class RangeRow(NamedTuple):
    """A key range of a sweep: the keys after `after`, up to and including `until` (None: to the end).

    `silence` is in seconds since its last heartbeat; `holder` is empty while no run has claimed it.
    """

    number: int
    silence: float
    after: str
    until: str | None
    token: int
    holder: str
    status: RangeStatus
    tally: Tally


class LeaseToken(NamedTuple):
    """A lease as its holder has it."""

    holder: str
    token: int


class LastCopy(NamedTuple):
    """What the newest success of an object recorded: size, and the ETags of both sides; "" where none was recorded."""

    size: int
    source_etag: str
    destination_etag: str


class TrailReader(Protocol):
    """Queries on the audit records."""

    def has_waits(self, pair: Pair) -> bool:
        """Return whether any object of `pair` failed in the latest sweep that tried it."""

    def waits(self, pair: Pair, keys: Sequence[str]) -> dict[str, Wait]:
        """Return the waits of those of `keys` that have one."""

    def last_copies(self, pair: Pair, keys: Sequence[str]) -> dict[str, LastCopy]:
        """Return the newest success of those of `keys` that `pair` copied, unless a deletion came after it.

        For the keys of a page where ETags of the two sides can't be compared. `audit.retention` may have removed it.
        """

    def copied_by_events(self, pair: Pair, keys: Sequence[str], since: float) -> set[str]:
        """Return those of `keys` that a batch of events copied since then (seconds since the epoch)."""

    def pending(self, pair: Pair, limit: int) -> list[PendingRow]:
        """Return up to `limit` pending rows of `pair`, oldest first, without those of batches open here."""

    def pending_of_range(self, claim: RangeClaim, limit: int) -> list[PendingRow]:
        """Return up to `limit` pending rows of a range, oldest first."""

    def count_range(self, claim: RangeClaim) -> Tally:
        """Return the counts of the rows of a range; nothing is listed or skipped in rows."""

    def last_number(self, claim: RangeClaim) -> int:
        """Return the number of the newest row of a range; without rows the one before its first."""

    def ranges(self, sweep: int) -> list[RangeRow]:
        """Return the key ranges of a sweep, in the order of their numbers."""

    def uncertain(self, pair: Pair, sweep: int, after: int, limit: int) -> tuple[list[PendingRow], int]:
        """Return up to `limit` rows that failed before `sweep` with an uncertain result, and the next `after`.

        The object may have arrived (`model.UNCERTAIN` has the codes). Left out are keys that `sweep` or a later sweep
        tried again, and sweeps before the latest completed one, which has asked about them. `after` is an id, 0 for the
        first page.
        """

    def due_deletions(self, pair: Pair, after: int, limit: int) -> tuple[list[DueDeletion], int]:
        """Return up to `limit` due deletions of `pair` with ids above `after` (0: all), and the next `after`."""

    def latest_sweeps(
        self,
        limit: int,
        since: float = 0.0,
        sweep: int | None = None,
        pair: Pair | None = None,
        kind: BatchKind | None = None,
    ) -> list[SweepRecord]:
        """Return the newest sweeps, newest first; of those started since, of one id, pair or kind, or all."""

    def failures(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> Iterator[FailureRecord]:
        """Yield failed transfers, newest first, in constant memory; the filters are those of `latest_sweeps`."""

    def totals(self, since: float = 0.0, sweep: int | None = None) -> list[Total]:
        """Return the rows counted by status and method."""

    def totals_by_pair(self, since: float = 0.0, sweep: int | None = None) -> list[tuple[Pair | None, Total]]:
        """Return the rows counted by pair, status and method; the pair is None for rows without a sweep."""

    def close(self) -> None:
        """Close the connection."""


class TrailWriter(Protocol):
    """Writes to the audit records, and the lease that they are conditional on.

    Every write of a sweep may raise `LeaseHeldError`: another instance took the lease, and nothing was written.
    """

    @property
    def vacant_seconds(self) -> float:
        """Seconds between the former holder's last sign of life and the taking of the lease."""

    @property
    def lease_is_renewed(self) -> bool:
        """Whether another instance was seen to renew the lease, so that waiting for its expiry is useless."""

    def acquire_lease(self, pair: Pair) -> bool:
        """Take the lease on `pair` if nobody holds it or it has expired; return False while another holds it.

        Whoever took it before can write nothing more.
        """

    def release_lease(self) -> None:
        """Release the lease if it is held."""

    @property
    def lease_token(self) -> LeaseToken:
        """The lease that is held, for the runs of ranges on other machines."""

    def heartbeat(self) -> None:
        """Renew the lease and the heartbeat of the range; without a lease keep the connection alive."""

    def open_sweep(self, pair: Pair, started_at: float, *, shared: bool = False) -> int:
        """Record a sweep as running and return its id; the same pair and start again is the same sweep.

        It has one range, which this instance works on; a `shared` one gets its ranges by `add_range`.
        """

    def open_batch(self, pair: Pair, started_at: float) -> int:
        """Record a batch of events as running, as `open_sweep` does; several may be open, also beside a sweep."""

    def add_range(self, sweep: int, number: int, after: str, until: str | None) -> None:
        """Add a range that waits for a run to a shared sweep; one that exists stays as it is."""

    def reissue_range(self, sweep: int, number: int, after: str, until: str | None) -> int:
        """Fence the run of a range, let another one claim it with these bounds, and return its token."""

    def recall_range(self, sweep: int, number: int) -> None:
        """Ask the run of a range to hand it back."""

    def claim_range(self, pair: Pair, claim: RangeClaim, lease: LeaseToken) -> bool:
        """Begin to work on a range of another instance's sweep; return False if a run has begun before, or is fenced.

        From then on every write is conditional on the claim, and `heartbeat` also on the lease.
        """

    @property
    def is_recalled(self) -> bool:
        """Whether the range is to be handed back, as of the last heartbeat."""

    def remove_superseded(self, code: str) -> None:
        """Remove failed rows of the claimed range with that code whose object a later run of it moved.

        One row is left for the transfer, which took two runs.
        """

    def close_range(self, status: RangeStatus, tally: Tally) -> None:
        """Record the end of the claimed range."""

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """Record each order as a pending row, all or none; rows that exist stay as they are."""

    def settle(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record the outcomes of orders and the changes of waits, all or none.

        The rows of skipped orders are withdrawn.
        """

    def resolve(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record the outcomes of rows that earlier sweeps left open, and recount these sweeps, all or none."""

    def end_waits(self, pair: Pair, keys: Sequence[str]) -> None:
        """Remove the waits of these objects, so that the next sweep tries them again."""

    def end_old_waits(self, pair: Pair, before: float, limit: int) -> int:
        """Remove up to `limit` waits whose next attempt was due before that time, and return their number."""

    def end_deletions(self, deletions: Sequence[Deletion], at: float) -> None:
        """Record the results of due deletions, all or none; those that have not ended stay due."""

    def close_sweep(
        self, record: SweepRecord, heartbeat: Callable[[], None] = ..., pruned_before: float = 0.0
    ) -> "Seal":
        """Record the end of a sweep (status, counts, duration, summary file), and seal its rows, both or none.

        `heartbeat` is called while rows are hashed. The seal says that rows of sweeps that ended before
        `pruned_before` may be removed from now on; 0: none.
        """

    def interrupt_sweeps(self, pair: Pair, at: float, heartbeat: Callable[[], None] = ...) -> int:
        """Mark the running sweeps of `pair` as interrupted, with counts taken from their rows; return their number.

        Their rows are sealed late.

        Called at the start, under the lease, after `pending` was resolved. Batches open here stay open.
        """

    def prune(self, before: float, limit: int) -> int:
        """Remove up to `limit` settled rows of sweeps that ended before that time, and return the number removed.

        Rows without a sweep go by the time of their creation. Sweeps that ended before that time are removed too, once
        they have no row left.
        """

    def reconnect(self) -> None:
        """Reconnect if the connection is lost.

        Raises:
            AuditUnavailableError: the database is still away.
        """


class Pauses(Protocol):
    """The part of a trail that keeps pauses."""

    @property
    def standing_pause(self) -> Pause | None:
        """The pause of the pair of the lease, as of the last `acquire_lease` or `heartbeat`."""

    def pause_of(self, pair: Pair) -> Pause | None:
        """Return the pause of `pair`, None if it is not paused."""

    def pause(self, pair: Pair, pause: Pause) -> None:
        """Record the pause of `pair`, in place of an earlier one."""

    def resume(self, pair: Pair) -> None:
        """Remove the pause of `pair`, if it has one."""


class OperatorRequests(Protocol):
    """The part of a trail that keeps requests of operators to the leader of a pair."""

    @property
    def latest_requests(self) -> tuple[PairRequest, ...]:
        """The requests of the pair of the lease, as of the last `acquire_lease` or `heartbeat`."""

    def request(self, pair: Pair, kind: RequestKind, by: str) -> int:
        """Record a request and return its number."""

    def requests_of(self, pair: Pair) -> tuple[PairRequest, ...]:
        """Return the latest request of each kind, with or without an answer."""

    def answer(self, pair: Pair, kind: RequestKind, number: int, answer: RequestAnswer) -> None:
        """Record the answer to a request, unless it or a later one has one."""

    def answer_to(self, pair: Pair, kind: RequestKind, number: int) -> RequestAnswer | None:
        """Return the answer to a request or a later one, None while there is none."""


class Costs(Protocol):
    """The part of a trail that keeps what batches cost, in micro-dollars; days are in UTC by the database's clock."""

    def record_cost(self, pair: Pair, batch: int, run: int, micros: int) -> None:
        """Record what a run has spent for a batch since it began with it; a sum never falls.

        Batch 0 stands for what is done between batches.
        """

    def spent_today(self, pair: Pair) -> int:
        """Return what all runs have spent for a pair since 00:00 UTC."""

    def cost_of_batch(self, batch: int) -> int | None:
        """Return what all runs have spent for a batch; None if nothing was recorded."""

    def end_old_costs(self, pair: Pair) -> None:
        """Remove the rows of days that no sum needs any more."""


class Leaders(Protocol):
    """The part of a trail that keeps what the leader of a pair reports of itself."""

    def report(self, name: str, url: str, text: str) -> None:
        """Record the report of the holder of the lease, in place of an earlier one.

        Raises:
            LeaseHeldError: this instance does not hold the lease.
        """

    def leader_of(self, pair: Pair) -> LeaderReport | None:
        """Return what the holder of the lease on `pair` last reported, None if nobody holds it or has reported."""


class Trail(
    TrailReader,
    TrailWriter,
    DeletionCandidates,
    DeletionRows,
    Costs,
    Pauses,
    OperatorRequests,
    SealedTrail,
    Leaders,
    Protocol,
):
    """All of it, on one connection."""
