"""Writes the trail to a database, with the same logic for both dialects.

Every transaction of a sweep begins with a statement that is conditional on the fencing token: that of the sweep's
range where rows of the sweep are written, that of the lease elsewhere (`lease.py`). Once another instance took over, it
matches no row, and nothing is written. Connections are made, kept and lost in `mysql.py` and `sqlite.py`.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from s3mover.audit import leaders, lease_statements, rows, statements
from s3mover.audit.cost_rows import SqlCosts
from s3mover.audit.database import Database, Row
from s3mover.audit.deletion_candidates import SqlDeletionCandidates
from s3mover.audit.deletion_rows import SqlDeletionRows
from s3mover.audit.digests import key_hashes, pair_digest, pair_hash
from s3mover.audit.leaders import SqlLeaders
from s3mover.audit.lease import FollowedLease, Lease
from s3mover.audit.operator_requests import SqlOperatorRequests
from s3mover.audit.pauses import SqlPauses
from s3mover.audit.sql_reader import SqlTrailReader
from s3mover.audit.sql_seals import SqlSeals
from s3mover.audit.trail import LeaseToken, RangeClaim
from s3mover.errors import LeaseHeldError, MoverError, RowExistsError
from s3mover.model import (
    BatchKind,
    Deletion,
    Order,
    Outcome,
    Pair,
    PairRequest,
    Pause,
    RangeStatus,
    Status,
    SweepRecord,
    Tally,
    WaitChanges,
)

if TYPE_CHECKING:
    from s3mover.audit.sealing import Sealing
    from s3mover.audit.seals import Seal

_REPLACED = "Another s3mover took the lease, or another run this range, and ended this one."


def _nothing() -> None:
    """Do nothing."""


class SqlTrail(
    SqlTrailReader,
    SqlDeletionCandidates,
    SqlDeletionRows,
    SqlCosts,
    SqlPauses,
    SqlOperatorRequests,
    SqlLeaders,
    SqlSeals,
):
    """Implements `Trail` on one connection."""

    def __init__(self, database: Database, sealing: "Sealing | None" = None) -> None:
        super().__init__(database)
        self._sealing = sealing
        self._wait = statements.WAIT[database.backend]
        self._recount = statements.RECOUNT_SWEEP[database.backend]
        self._lease: Lease | None = None
        self._standing_pause: Pause | None = None
        self._latest_requests: tuple[PairRequest, ...] = ()
        self._followed: FollowedLease | None = None
        self._range: RangeClaim | None = None
        # Batches of events that are open, each as its only range.
        self._batches: dict[int, RangeClaim] = {}
        # The end of a range may be recorded again, after a commit whose result is unknown.
        self._closed_range: RangeClaim | None = None

    @property
    def vacant_seconds(self) -> float:
        """Seconds between the former holder's last sign of life and the taking of the lease."""
        return self._held_lease().vacant_seconds

    @property
    def lease_is_renewed(self) -> bool:
        """Whether another instance was seen to renew the lease, so that waiting for its expiry is useless."""
        return self._lease is not None and self._lease.renewed_by_another

    def acquire_lease(self, pair: Pair) -> bool:
        """Take the lease on `pair` if nobody holds it or it has expired; fence the sweeps left running."""
        if self._lease is None or self._lease.pair != pair:
            self.release_lease()
            self._lease = Lease(self._database, pair, lambda: [id_ for id_, _ in self._running_sweeps(pair)])
        self._read_operators(pair)
        return self._lease.acquire()

    @property
    def standing_pause(self) -> Pause | None:
        """The pause of the pair of the lease, as of the last `acquire_lease` or `heartbeat`."""
        return self._standing_pause

    @property
    def latest_requests(self) -> tuple[PairRequest, ...]:
        """The requests of the pair of the lease, as of the last `acquire_lease` or `heartbeat`."""
        return self._latest_requests

    def report(self, name: str, url: str, text: str) -> None:
        """Record the report of the holder of the lease, in place of an earlier one."""
        lease = self._held_lease()
        values = (name[: leaders.NAME_CHARACTERS], url[: leaders.URL_CHARACTERS], text)
        with self._leading():
            self._database.write(
                leaders.replace(self._database.backend), (pair_digest(lease.pair), lease.holder, *values)
            )

    def release_lease(self) -> None:
        """Release the lease if it is held."""
        self._range = None
        self._batches.clear()
        if self._lease is not None:
            self._lease.release()

    @property
    def lease_token(self) -> LeaseToken:
        """The lease that is held, for the runs of ranges on other machines."""
        return self._held_lease().token

    @property
    def is_recalled(self) -> bool:
        """Whether the range is to be handed back, as of the last heartbeat."""
        return self._followed is not None and self._followed.is_recalled

    def heartbeat(self) -> None:
        """Renew the lease and the heartbeat of the range; without a lease keep the connection alive."""
        if self._followed is not None:
            self._followed.check()
            with self._database.transaction():
                self._beat()
            return
        if self._lease is None or self._lease.is_awaited:
            self._database.reopen()
            return
        with self._leading():
            if self._claims():
                self._beat()
        self._read_operators(self._lease.pair)

    def open_batch(self, pair: Pair, started_at: float) -> int:
        """Record a batch of events as running; the same pair and start again is the same batch."""
        batch = self._opened(pair, started_at, BatchKind.EVENTS)
        self._batches[batch] = RangeClaim(batch, 1, 1, self._held_lease().holder)
        return batch

    def open_sweep(self, pair: Pair, started_at: float, *, shared: bool = False) -> int:
        """Record a sweep as running; the same pair and start again is the same sweep."""
        sweep = self._opened(pair, started_at, BatchKind.SWEEP, shared=shared)
        self._range = None if shared else RangeClaim(sweep, 1, 1, self._held_lease().holder)
        self._closed_range = None
        return sweep

    def add_range(self, sweep: int, number: int, after: str, until: str | None) -> None:
        """Add a range that waits for a run; one that exists stays as it is."""
        with self._leading():
            statement = lease_statements.add_range(self._database.backend)
            self._database.write(statement, (sweep, number, after, until))

    def reissue_range(self, sweep: int, number: int, after: str, until: str | None) -> int:
        """Fence the run of a range, let another one claim it with these bounds, and return its token."""
        with self._leading():
            self._database.write(lease_statements.REISSUE_RANGE, (after, until, sweep, number))
        return next(row.token for row in self.ranges(sweep) if row.number == number)

    def recall_range(self, sweep: int, number: int) -> None:
        """Ask the run of a range to hand it back."""
        with self._leading():
            self._database.write(lease_statements.RECALL_RANGE, (sweep, number))

    def claim_range(self, pair: Pair, claim: RangeClaim, lease: LeaseToken) -> bool:
        """Begin to work on a range of another instance's sweep; return False if a run has begun before."""
        self._range = self._closed_range = None
        with self._database.transaction():
            statement = lease_statements.claim_range(self._database.backend)
            claimed = self._database.write(statement, (claim.holder, *claim[:3]))
            # Again, after a commit whose result is unknown.
            if claimed or self._database.write(lease_statements.heartbeat(self._database.backend), claim):
                self._range, self._followed = claim, FollowedLease(self._database, pair, claim, lease)
        return self._range is not None

    def remove_superseded(self, code: str) -> None:
        """Remove failed rows of the claimed range with that code whose object a later run of it moved."""
        with self._in_range():
            if self._range is not None:
                numbers = rows.numbers_of(self._range.number)
                statement = statements.REMOVE_SUPERSEDED[self._database.backend]
                self._database.write(statement, (self._range.sweep, *numbers, code))

    def close_range(self, status: RangeStatus, tally: Tally) -> None:
        """Record the end of the claimed range."""
        with self._database.transaction():
            self._close_range(status, tally)
        self._followed = None
        self._range, self._closed_range = None, self._range or self._closed_range

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """Record each order as a pending row; rows that exist stay as they are."""
        moment, backend = rows.stamp(at), self._database.backend
        intended = [rows.intended(order, moment) for order in orders]
        try:
            self._insert(statements.INTEND[backend], intended)
        except RowExistsError:
            # Again, after a commit whose result is unknown.
            self._insert(statements.INTEND_AGAIN[backend], intended)

    def settle(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record the outcomes and the changes of waits; withdraw the rows of skipped orders."""
        moved = [rows.settled(outcome) for outcome in outcomes if outcome.status is not Status.SKIPPED]
        skipped = defaultdict(list)
        for outcome in outcomes:
            if outcome.status is Status.SKIPPED:
                skipped[outcome.sweep].append(outcome.number)
        with self._in_range():
            self._settle(moved)
            for sweep, numbers in skipped.items():
                self._database.write(statements.withdraw(len(numbers)), (sweep, *numbers))
            if changes is not None:
                self._change_waits(changes)

    def end_waits(self, pair: Pair, keys: Sequence[str]) -> None:
        """Remove the waits of these objects, so that the next sweep tries them again."""
        with self._database.transaction():
            self._change_waits(WaitChanges(pair, ended=keys))

    def end_old_waits(self, pair: Pair, before: float, limit: int) -> int:
        """Remove up to `limit` waits whose next attempt was due before that time, and return their number."""
        number = pair_hash(pair)
        found = self._database.read(statements.OLD_WAITS, (number, rows.stamp(before), limit))
        if found:
            with self._database.transaction():
                self._end_waits(number, [key for (key,) in found])
        return len(found)

    def resolve(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record the outcomes of rows that earlier sweeps left open, and recount these sweeps."""
        numbers = defaultdict(list)
        for outcome in outcomes:
            numbers[outcome.sweep].append(outcome.number)
        with self._leading(), self._amending(numbers):
            self._settle([rows.settled(outcome) for outcome in outcomes])
            for sweep in sorted(numbers):
                self._database.write(self._recount, (sweep, sweep))
            if changes is not None:
                self._change_waits(changes)

    def end_deletions(self, deletions: Sequence[Deletion], at: float) -> None:
        """Record the results of due deletions, all or none; those that have not ended stay due."""
        groups, all_numbers = defaultdict(list), defaultdict(list)
        for deletion in deletions:
            if deletion.has_ended:
                groups[deletion.due.sweep, not deletion.code].append(deletion.due.number)
                all_numbers[deletion.due.sweep].append(deletion.due.number)
        with self._leading(), self._amending(all_numbers):
            for (sweep, gone), numbers in groups.items():
                moment = rows.stamp(at) if gone else None
                parameters = (moment, rows.stamp(at), sweep, *numbers)
                self._database.write(statements.end_deletions(len(numbers)), parameters)

    def close_sweep(
        self, record: SweepRecord, heartbeat: Callable[[], None] = _nothing, pruned_before: float = 0.0
    ) -> "Seal":
        """Record the end of a sweep, or of a batch of events, and seal its rows."""
        if record.kind is BatchKind.EVENTS:
            return self._close_batch(record, heartbeat)
        own_range = self._range or self._closed_range
        if own_range is None:
            # Machines that still work on a range must not change what is being hashed.
            with self._leading():
                self._database.write(lease_statements.INTERRUPT_RANGES, (record.id,))
        hashed = self._seals.hash_sweep(record.id, heartbeat)
        with self._leading():
            if own_range is not None:
                self._close_range(RangeStatus(record.status), record.tally)
            self._database.write(lease_statements.INTERRUPT_RANGES, (record.id,))
            self._database.write(statements.CLOSE_SWEEP, rows.closed(record))
            seal = self._seals.seal_sweep(record.pair, hashed, late=False, pruned_before=pruned_before)
        self._range, self._closed_range = None, own_range
        return seal

    def interrupt_sweeps(self, pair: Pair, at: float, heartbeat: Callable[[], None] = _nothing) -> int:
        """Mark the running sweeps of `pair` as interrupted, recounted from their rows; return their number.

        Their rows are sealed late.
        """
        running = [one for one in self._running_sweeps(pair) if one[0] not in self._batches]
        for sweep, started_at in running:
            hashed = self._seals.hash_sweep(sweep, heartbeat)
            duration_us = max(0, round((at - started_at) * 1e6))
            with self._leading():
                self._database.write(self._recount, (sweep, sweep))
                self._database.write(
                    statements.INTERRUPT_SWEEP,
                    (rows.stamp(at), duration_us, rows.usd(self.cost_of_batch(sweep)), sweep),
                )
                self._database.write(lease_statements.INTERRUPT_RANGES, (sweep,))
                self._seals.seal_sweep(pair, hashed, late=True)
        return len(running)

    def prune(self, before: float, limit: int) -> int:
        """Remove up to `limit` old settled rows, then old sweeps without rows; return the number removed."""
        moment = rows.stamp(before)
        removed = self._remove("document_logs", statements.OLD_ROWS, (moment, moment, limit))
        return removed + self._remove("migration_batches", statements.OLD_SWEEPS, (moment, limit - removed))

    def close(self) -> None:
        """Release the lease and close the connection; if the database is away, the lease expires."""
        with contextlib.suppress(MoverError):
            self.release_lease()
        super().close()

    def reconnect(self) -> None:
        """Reconnect if the connection is lost. The next conditional write shows whether the lease is still held."""
        self._database.reopen()

    @contextlib.contextmanager
    def _leading(self) -> Iterator[None]:
        """Commit what is written inside only if this instance leads: it renews the lease, or works on a range."""
        with self._database.transaction():
            if self._followed is not None:
                self._beat()
            else:
                self._held_lease().renew()
            yield

    @contextlib.contextmanager
    def _in_range(self) -> Iterator[None]:
        """Commit what is written inside only if no other instance took over this range."""
        with self._database.transaction():
            self._beat()
            yield

    def _open_batches(self) -> Collection[int]:
        return self._batches

    def _claims(self) -> list[RangeClaim]:
        """Return what this instance works on: the range, and the open batches of events."""
        return [*([] if self._range is None else [self._range]), *self._batches.values()]

    def _beat(self) -> None:
        """Renew the heartbeat of all that this instance works on; it matches no row once that was fenced."""
        heartbeat, claims = lease_statements.heartbeat(self._database.backend), self._claims()
        if not claims or not all(self._database.write(heartbeat, claim) for claim in claims):
            self._range = None
            self._batches.clear()
            raise LeaseHeldError(_REPLACED)

    def _insert(self, statement: str, intended: Sequence[Row]) -> None:
        with self._in_range():
            self._database.write_many(statement, intended)

    def _settle(self, settled: Sequence[Row]) -> None:
        """Record outcomes; a row that somebody removed meanwhile is made again."""
        backend = self._database.backend
        if self._database.write_many(statements.SETTLE[backend], settled) < len(settled):
            self._database.write_many(statements.SETTLE_MISSING[backend], settled)

    def _read_operators(self, pair: Pair) -> None:
        self._standing_pause, self._latest_requests = self.pause_of(pair), self.requests_of(pair)

    def _amending(self, numbers: Mapping[int, Sequence[int]]) -> AbstractContextManager[None]:
        """Write an amendment for what is changed inside in sealed sweeps, which only their leader does."""
        if self._lease is None:
            return contextlib.nullcontext()
        return self._seals.amending(self._lease.pair, numbers)

    def _held_lease(self) -> Lease:
        if self._lease is None:
            raise LeaseHeldError("The lease on this pair of buckets is not held.")
        return self._lease

    def _close_batch(self, record: SweepRecord, heartbeat: Callable[[], None]) -> "Seal":
        """Record the end of a batch of events; again, after a commit whose result is unknown."""
        own = RangeClaim(record.id, 1, 1, self._held_lease().holder)
        hashed = self._seals.hash_sweep(record.id, heartbeat)
        with self._leading():
            self._close(own, RangeStatus(record.status), record.tally)
            self._database.write(statements.CLOSE_SWEEP, rows.closed(record))
            seal = self._seals.seal_sweep(record.pair, hashed, late=False)
        self._batches.pop(record.id, None)
        return seal

    def _close_range(self, status: RangeStatus, tally: Tally) -> None:
        self._close(self._range or self._closed_range, status, tally)

    def _close(self, own: RangeClaim | None, status: RangeStatus, tally: Tally) -> None:
        if own is None or not self._database.write(
            lease_statements.CLOSE_RANGE, (status.value, *rows.counts(tally), *own)
        ):
            raise LeaseHeldError(_REPLACED)

    def _change_waits(self, changes: WaitChanges) -> None:
        pair, keys = pair_hash(changes.pair), key_hashes([wait.key for wait in changes.waits])
        columns = [rows.waiting(pair, key, wait) for key, wait in zip(keys, changes.waits, strict=True)]
        self._database.write_many(self._wait, columns)
        self._end_waits(pair, key_hashes(changes.ended))

    def _end_waits(self, pair: int, keys: Sequence[int]) -> None:
        if keys:
            self._database.write(statements.end_waits(len(keys)), (pair, *keys))

    def _remove(self, table: str, query: str, parameters: Sequence[object]) -> int:
        """Remove rows by id. The ids are read first: no server runs such a subquery of a DELETE by its index alone."""
        ids = [id_ for (id_,) in self._database.read(query, parameters)]
        if ids:
            with self._database.transaction():
                self._database.write(statements.remove(table, len(ids)), ids)
                if table == "migration_batches":
                    self._database.write(lease_statements.remove_ranges(len(ids)), ids)
                    self._database.write(statements.remove_marks(len(ids)), ids)
        return len(ids)

    def _opened(self, pair: Pair, started_at: float, kind: BatchKind, *, shared: bool = False) -> int:
        for sweep, since, known in self._running(pair):
            if rows.stamp(since) == rows.stamp(started_at) and known is kind:
                return sweep
        with self._leading():
            sweep = self._database.insert(statements.OPEN_SWEEP, (rows.stamp(started_at), kind.value, *pair))
            if not shared:
                opened = lease_statements.open_range(self._database.backend)
                self._database.write(opened, (sweep, 1, self._held_lease().holder))
        return sweep

    def _running_sweeps(self, pair: Pair) -> list[tuple[int, float]]:
        return [(id_, started_at) for id_, started_at, _ in self._running(pair)]

    def _running(self, pair: Pair) -> list[tuple[int, float, BatchKind]]:
        # Pairs are compared here and not in SQL, whose collations call different prefixes equal.
        return [
            (id_, rows.seconds(started_at), BatchKind(kind))
            for id_, kind, started_at, *names in self._database.read(statements.RUNNING_SWEEPS)
            if Pair(*names) == pair
        ]
