"""The trail over a database: what is recorded and read, once for both dialects.

How a connection is made, kept and lost is the business of `mysql.py` and `sqlite.py`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from s3mover.audit import rows, statements
from s3mover.audit.database import Database, Row
from s3mover.audit.digests import key_hashes, pair_hash
from s3mover.audit.trail import PendingRow, Total
from s3mover.errors import LeaseHeldError
from s3mover.model import (
    UNCERTAIN,
    Deletion,
    DueDeletion,
    FailureRecord,
    Order,
    Outcome,
    Pair,
    Status,
    SweepRecord,
    SweepStatus,
    Wait,
    WaitChanges,
)

FAILURES_PER_PAGE = 1000
SWEEPS_PER_PAGE = 100
_LARGEST_ID = 2**63 - 1


class SqlTrail:
    """Keeps the promises of `Trail` (see there) on one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._intend = statements.INTEND[database.backend]
        self._settle = statements.SETTLE[database.backend]
        self._wait = statements.WAIT[database.backend]
        self._recount = statements.RECOUNT_SWEEP[database.backend]
        self._under_way: tuple[Pair, int] | None = None

    def acquire_lease(self, pair: Pair) -> bool:
        """Take the lease on `pair`; False where another connection holds it."""
        return self._database.acquire_lease(pair)

    def release_lease(self) -> None:
        """Give the lease back, where it is held."""
        self._database.release_lease()

    def open_sweep(self, pair: Pair, started_at: float) -> int:
        """Record a sweep as running; the same pair and start again is the same sweep."""
        sweep = self._opened(pair, started_at)
        self._under_way = pair, sweep
        return sweep

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """Record each order as a pending row; rows that are there already stay as they are."""
        moment = rows.stamp(at)
        with self._database.transaction():
            self._database.write_many(self._intend, [rows.intended(order, moment) for order in orders])

    def settle(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record what became of the orders and of the waits; the rows of skipped orders are withdrawn."""
        moved = [rows.settled(outcome) for outcome in outcomes if outcome.status is not Status.SKIPPED]
        skipped = defaultdict(list)
        for outcome in outcomes:
            if outcome.status is Status.SKIPPED:
                skipped[outcome.sweep].append(outcome.number)
        with self._database.transaction():
            self._database.write_many(self._settle, moved)
            for sweep, numbers in skipped.items():
                self._database.write(statements.withdraw(len(numbers)), (sweep, *numbers))
            if changes is not None:
                self._change_waits(changes)

    def has_waits(self, pair: Pair) -> bool:
        """Tell whether any object of `pair` failed in the latest sweep that tried it."""
        return bool(self._database.read(statements.HAS_WAITS, (pair_hash(pair),)))

    def waits(self, pair: Pair, keys: Sequence[str]) -> dict[str, Wait]:
        """Return the waits of those of `keys` that have one."""
        if not keys:
            return {}
        parameters = (pair_hash(pair), *key_hashes(keys))
        found = map(rows.wait, self._database.read(statements.waits(len(keys)), parameters))
        asked = set(keys)
        return {wait.key: wait for wait in found if wait.key in asked}

    def end_waits(self, pair: Pair, keys: Sequence[str]) -> None:
        """Let the next sweep try these objects of `pair` again as if they had never failed."""
        with self._database.transaction():
            self._change_waits(WaitChanges(pair, ended=keys))

    def end_old_waits(self, pair: Pair, before: float, limit: int) -> int:
        """Do the same for up to `limit` whose next attempt was due before that time, and return how many."""
        number = pair_hash(pair)
        found = self._database.read(statements.OLD_WAITS, (number, rows.stamp(before), limit))
        if found:
            with self._database.transaction():
                self._end_waits(number, [key for (key,) in found])
        return len(found)

    def resolve(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record what became of rows that earlier sweeps left open, and count these sweeps anew."""
        with self._database.transaction():
            self._database.write_many(self._settle, [rows.settled(outcome) for outcome in outcomes])
            for sweep in sorted({outcome.sweep for outcome in outcomes}):
                self._database.write(self._recount, (sweep, sweep))
            if changes is not None:
                self._change_waits(changes)

    def due_deletions(self, pair: Pair, after: int, limit: int) -> tuple[list[DueDeletion], int]:
        """Return up to `limit` due deletions behind the place `after`, and the place to go on from."""
        sweeps = self._sweeps_of(pair, statements.SWEEPS_WITH_DUE_DELETIONS)
        if not sweeps:
            return [], after
        found = self._database.read(statements.due_deletions(len(sweeps)), (*sweeps, after, limit))
        return [DueDeletion(*columns) for *columns, _ in found], found[-1][-1] if found else after

    def end_deletions(self, deletions: Sequence[Deletion], at: float) -> None:
        """Record what became of due deletions, all or none; those that are to be tried again stay due."""
        groups = defaultdict(list)
        for deletion in deletions:
            if deletion.has_ended:
                groups[deletion.due.sweep, not deletion.code].append(deletion.due.number)
        with self._database.transaction():
            for (sweep, gone), numbers in groups.items():
                moment = rows.stamp(at) if gone else None
                self._database.write(statements.end_deletions(len(numbers)), (moment, sweep, *numbers))

    def close_sweep(self, record: SweepRecord) -> None:
        """Record the sweep's end."""
        # From now on it may be that it is recorded already.
        self._under_way = None
        with self._database.transaction():
            self._database.write(statements.CLOSE_SWEEP, rows.closed(record))

    def interrupt_sweeps(self, pair: Pair, at: float) -> int:
        """Mark the running sweeps of `pair` as interrupted, counted from their rows, and return how many."""
        running = self._running_sweeps(pair)
        with self._database.transaction():
            for sweep, started_at in running:
                duration_us = max(0, round((at - started_at) * 1e6))
                self._database.write(self._recount, (sweep, sweep))
                self._database.write(statements.INTERRUPT_SWEEP, (rows.stamp(at), duration_us, sweep))
        return len(running)

    def pending(self, pair: Pair, limit: int) -> list[PendingRow]:
        """Return up to `limit` pending rows of `pair`, oldest first."""
        sweeps = self._sweeps_of(pair, statements.SWEEPS_WITH_PENDING)
        if not sweeps:
            return []
        found = self._database.read(statements.pending(len(sweeps)), (*sweeps, limit))
        return [rows.pending_row(row) for row in found]

    def uncertain(self, pair: Pair, sweep: int, after: int, limit: int) -> tuple[list[PendingRow], int]:
        """Return up to `limit` failed rows behind the place `after`, and the place to go on from."""
        sweeps = self._sweeps_to_look_at(pair, sweep)
        if not sweeps:
            return [], after
        query = statements.uncertain(len(sweeps), len(UNCERTAIN))
        found = self._database.read(query, (*sweeps, *UNCERTAIN, after, *sweeps, sweep, limit))
        return [rows.pending_row(row[:-1]) for row in found], found[-1][-1] if found else after

    def latest_sweeps(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> list[SweepRecord]:
        """Return the newest sweeps, newest first: all, those that began `since` then, or the one; of `pair`, or all."""
        first, last = (0, _LARGEST_ID) if sweep is None else (sweep, sweep)
        conditions, digits = ([], []) if pair is None else ([statements.OF_PAIR], rows.digits(pair))
        query = statements.latest_sweeps(conditions)
        found = self._database.read(query, (first, last, rows.stamp(since), *digits, limit))
        return [rows.sweep_record(row) for row in found]

    def failures(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> Iterator[FailureRecord]:
        """Yield failed transfers, newest first, a page in memory at a time."""
        chosen, parameters = _chosen(since, sweep)
        if pair is not None:
            chosen.append(statements.IN_SWEEPS_OF_PAIR)
            parameters += rows.digits(pair)
        page = self._failures_page(chosen, parameters, limit)
        while page:
            yield from self._failures_of(page)
            limit -= len(page)
            *_, created_at, id_ = page[-1]
            last = rows.stamp(rows.seconds(created_at))
            older = [*chosen, "created_at <= ?", "(created_at < ? OR id < ?)"]
            page = self._failures_page(older, [*parameters, last, last, id_], limit)

    def totals(self, since: float = 0.0, sweep: int | None = None) -> list[Total]:
        """Return the rows counted by status and method, in the order of these words."""
        conditions, parameters = _chosen(since, sweep)
        found = self._database.read(statements.totals(conditions), parameters)
        return sorted(map(rows.total, found), key=lambda total: (total.status, total.method))

    def totals_by_pair(self, since: float = 0.0, sweep: int | None = None) -> list[tuple[Pair | None, Total]]:
        """Return the same for each pair; None where rows belong to no sweep of the trail."""
        conditions, parameters = _chosen(since, sweep)
        found = self._database.read(statements.totals_by_pair(conditions), parameters)
        told = [(rows.pair_of(row[4:]), rows.total(row[:4])) for row in found]
        return sorted(told, key=lambda one: (one[0] or (), one[1].status, one[1].method))

    def prune(self, before: float, limit: int) -> int:
        """Remove up to `limit` settled rows that were created before, then sweeps without rows; return how many."""
        removed = self._remove("document_logs", statements.OLD_ROWS, before, limit)
        return removed + self._remove("migration_batches", statements.OLD_SWEEPS, before, limit - removed)

    def reconnect(self) -> None:
        """Make the connection usable again, the lease included."""
        self._database.reopen()
        self._require_own_sweep()

    def close(self) -> None:
        """End the connection; the lease goes with it."""
        self._database.close()

    def _change_waits(self, changes: WaitChanges) -> None:
        pair, keys = pair_hash(changes.pair), key_hashes([wait.key for wait in changes.waits])
        columns = [rows.waiting(pair, key, wait) for key, wait in zip(keys, changes.waits, strict=True)]
        self._database.write_many(self._wait, columns)
        self._end_waits(pair, key_hashes(changes.ended))

    def _end_waits(self, pair: int, keys: Sequence[int]) -> None:
        if keys:
            self._database.write(statements.end_waits(len(keys)), (pair, *keys))

    def _remove(self, table: str, query: str, before: float, limit: int) -> int:
        """Look up the ids first: no server reads such a subquery of a DELETE by its index alone."""
        ids = [id_ for (id_,) in self._database.read(query, (rows.stamp(before), limit))]
        if ids:
            with self._database.transaction():
                self._database.write(statements.remove(table, len(ids)), ids)
        return len(ids)

    def _opened(self, pair: Pair, started_at: float) -> int:
        for sweep, since in self._running_sweeps(pair):
            if rows.stamp(since) == rows.stamp(started_at):
                return sweep
        with self._database.transaction():
            return self._database.insert(statements.OPEN_SWEEP, (rows.stamp(started_at), *pair))

    def _require_own_sweep(self) -> None:
        """See that nobody has led meanwhile, and given the lease back: that one resolved the rows of our sweep."""
        if self._under_way is not None:
            pair, sweep = self._under_way
            if sweep not in {running for running, _ in self._running_sweeps(pair)}:
                self._database.release_lease()
                raise LeaseHeldError(
                    "Another s3mover led, and took over the sweep, while the audit database was away."
                )

    def _sweeps_of(self, pair: Pair, query: str) -> list[int]:
        return [id_ for id_, *names in self._database.read(query) if Pair(*names) == pair]

    def _running_sweeps(self, pair: Pair) -> list[tuple[int, float]]:
        # Pairs are compared here and not in SQL, whose collations call different prefixes equal.
        found = self._database.read(statements.RUNNING_SWEEPS)
        return [(id_, rows.seconds(started_at)) for id_, started_at, *names in found if Pair(*names) == pair]

    def _failures_of(self, page: Sequence[Row]) -> Iterator[FailureRecord]:
        """Yield a page's records, each with what is known of its object's next attempt."""
        records = [rows.failure_record(row) for row in page]
        keys = defaultdict(list)
        for record in records:
            keys[record.sweep].append(record.key)
        ids = list(keys)
        pairs = {id_: Pair(*names) for id_, *names in self._database.read(statements.sweeps(len(ids)), ids)}
        waits = {id_: self.waits(pair, keys[id_]) for id_, pair in pairs.items()}
        for record in records:
            of_object = waits.get(record.sweep, {}).get(record.key)
            yield rows.completed(record, pairs.get(record.sweep), of_object)

    def _sweeps_to_look_at(self, pair: Pair, before: int) -> list[int]:
        """Return the sweeps back to the latest that was completed, itself included; none where nothing failed."""
        sweeps: list[int] = []
        failed = 0
        while page := self._database.read(statements.SWEEPS_BEFORE, (before, SWEEPS_PER_PAGE)):
            for sweep, status, failures, *names in page:
                if Pair(*names) == pair:
                    sweeps.append(sweep)
                    failed += failures
                    if status == SweepStatus.COMPLETED:
                        return sweeps if failed else []
            before = page[-1][0]
        return sweeps if failed else []

    def _failures_page(self, conditions: list[str], parameters: list[object], limit: int) -> list[Row]:
        size = min(limit, FAILURES_PER_PAGE)
        query = statements.failures(conditions, self._database.backend)
        return self._database.read(query, [*parameters, size]) if size > 0 else []


def _chosen(since: float, sweep: int | None) -> tuple[list[str], list[object]]:
    """Return the conditions and parameters for rows created `since` then, of one sweep or of all."""
    conditions: list[str] = []
    parameters: list[object] = []
    if since > 0:
        conditions.append("created_at >= ?")
        parameters.append(rows.stamp(since))
    if sweep is not None:
        conditions.append("batch_id = ?")
        parameters.append(sweep)
    return conditions, parameters
