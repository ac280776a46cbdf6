"""Writes the trail to a database, with the same logic for both dialects.

Connections are made, kept and lost in `mysql.py` and `sqlite.py`.
"""

from collections import defaultdict
from collections.abc import Sequence

from s3mover.audit import rows, statements
from s3mover.audit.database import Database
from s3mover.audit.digests import key_hashes, pair_hash
from s3mover.audit.sql_reader import SqlTrailReader
from s3mover.errors import LeaseHeldError
from s3mover.model import (
    Deletion,
    Order,
    Outcome,
    Pair,
    Status,
    SweepRecord,
    WaitChanges,
)


class SqlTrail(SqlTrailReader):
    """Implements `Trail` on one connection."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._intend = statements.INTEND[database.backend]
        self._settle = statements.SETTLE[database.backend]
        self._wait = statements.WAIT[database.backend]
        self._recount = statements.RECOUNT_SWEEP[database.backend]
        self._running: tuple[Pair, int] | None = None

    def acquire_lease(self, pair: Pair) -> bool:
        """Acquire the lease on `pair`; return False if another connection holds it."""
        return self._database.acquire_lease(pair)

    def release_lease(self) -> None:
        """Release the lease if it is held."""
        self._database.release_lease()

    def open_sweep(self, pair: Pair, started_at: float) -> int:
        """Record a sweep as running; the same pair and start again is the same sweep."""
        sweep = self._opened(pair, started_at)
        self._running = pair, sweep
        return sweep

    def intend(self, orders: Sequence[Order], at: float) -> None:
        """Record each order as a pending row; rows that exist stay as they are."""
        moment = rows.stamp(at)
        with self._database.transaction():
            self._database.write_many(self._intend, [rows.intended(order, moment) for order in orders])

    def settle(self, outcomes: Sequence[Outcome], changes: WaitChanges | None = None) -> None:
        """Record the outcomes and the changes of waits; withdraw the rows of skipped orders."""
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
        with self._database.transaction():
            self._database.write_many(self._settle, [rows.settled(outcome) for outcome in outcomes])
            for sweep in sorted({outcome.sweep for outcome in outcomes}):
                self._database.write(self._recount, (sweep, sweep))
            if changes is not None:
                self._change_waits(changes)

    def end_deletions(self, deletions: Sequence[Deletion], at: float) -> None:
        """Record the results of due deletions, all or none; those that have not ended stay due."""
        groups = defaultdict(list)
        for deletion in deletions:
            if deletion.has_ended:
                groups[deletion.due.sweep, not deletion.code].append(deletion.due.number)
        with self._database.transaction():
            for (sweep, gone), numbers in groups.items():
                moment = rows.stamp(at) if gone else None
                self._database.write(statements.end_deletions(len(numbers)), (moment, sweep, *numbers))

    def close_sweep(self, record: SweepRecord) -> None:
        """Record the end of a sweep."""
        # First: even if the commit fails, the end may have been recorded.
        self._running = None
        with self._database.transaction():
            self._database.write(statements.CLOSE_SWEEP, rows.closed(record))

    def interrupt_sweeps(self, pair: Pair, at: float) -> int:
        """Mark the running sweeps of `pair` as interrupted, recounted from their rows; return their number."""
        running = self._running_sweeps(pair)
        with self._database.transaction():
            for sweep, started_at in running:
                duration_us = max(0, round((at - started_at) * 1e6))
                self._database.write(self._recount, (sweep, sweep))
                self._database.write(statements.INTERRUPT_SWEEP, (rows.stamp(at), duration_us, sweep))
        return len(running)

    def prune(self, before: float, limit: int) -> int:
        """Remove up to `limit` old settled rows, then old sweeps without rows; return the number removed."""
        removed = self._remove("document_logs", statements.OLD_ROWS, before, limit)
        return removed + self._remove("migration_batches", statements.OLD_SWEEPS, before, limit - removed)

    def reconnect(self) -> None:
        """Reconnect if the connection is lost, take the lease again, and check that the sweep is still ours."""
        self._database.reopen()
        self._require_own_sweep()

    def _change_waits(self, changes: WaitChanges) -> None:
        pair, keys = pair_hash(changes.pair), key_hashes([wait.key for wait in changes.waits])
        columns = [rows.waiting(pair, key, wait) for key, wait in zip(keys, changes.waits, strict=True)]
        self._database.write_many(self._wait, columns)
        self._end_waits(pair, key_hashes(changes.ended))

    def _end_waits(self, pair: int, keys: Sequence[int]) -> None:
        if keys:
            self._database.write(statements.end_waits(len(keys)), (pair, *keys))

    def _remove(self, table: str, query: str, before: float, limit: int) -> int:
        """Remove rows by id. The ids are read first: no server runs such a subquery of a DELETE by its index alone."""
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
        """Raise `LeaseHeldError` if another instance led meanwhile, since it resolved the rows of our sweep."""
        if self._running is not None:
            pair, sweep = self._running
            if sweep not in {running for running, _ in self._running_sweeps(pair)}:
                self._database.release_lease()
                raise LeaseHeldError(
                    "Another s3mover took the lease and ended this sweep while the audit database was away."
                )

    def _running_sweeps(self, pair: Pair) -> list[tuple[int, float]]:
        # Pairs are compared here and not in SQL, whose collations call different prefixes equal.
        found = self._database.read(statements.RUNNING_SWEEPS)
        return [(id_, rows.seconds(started_at)) for id_, started_at, *names in found if Pair(*names) == pair]
