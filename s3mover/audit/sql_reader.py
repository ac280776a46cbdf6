"""Reads the trail from a database, with the same queries for both dialects."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from s3mover.audit import lease_statements, rows, statements
from s3mover.audit.database import Database, Row
from s3mover.audit.digests import key_hashes, pair_hash
from s3mover.audit.trail import LastCopy, PendingRow, RangeClaim, RangeRow, Total
from s3mover.model import (
    UNCERTAIN,
    BatchKind,
    DueDeletion,
    FailureRecord,
    Pair,
    SweepRecord,
    SweepStatus,
    Tally,
    Wait,
)

FAILURES_PER_PAGE = 1000
SWEEPS_PER_PAGE = 100
# A query with these fits into the smallest packet that is accepted (`dsn_options.SMALLEST_PACKET_BYTES`), and MariaDB
# makes a subquery of a list of 1,000.
KEYS_PER_QUERY = 500
KEY_BYTES_PER_QUERY = 48 * 1024
_LARGEST_ID = 2**63 - 1


class SqlTrailReader:
    """Implements `TrailReader` on one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has_waits(self, pair: Pair) -> bool:
        """Return whether any object of `pair` failed in the latest sweep that tried it."""
        return bool(self._database.read(statements.HAS_WAITS, (pair_hash(pair),)))

    def waits(self, pair: Pair, keys: Sequence[str]) -> dict[str, Wait]:
        """Return the waits of those of `keys` that have one."""
        if not keys:
            return {}
        parameters = (pair_hash(pair), *key_hashes(keys))
        found = map(rows.wait, self._database.read(statements.waits(len(keys)), parameters))
        asked = set(keys)
        return {wait.key: wait for wait in found if wait.key in asked}

    def last_copies(self, pair: Pair, keys: Sequence[str]) -> dict[str, LastCopy]:
        """Return the newest success of those of `keys` that `pair` copied, unless a deletion came after it."""
        found: dict[str, LastCopy] = {}
        for group in _groups(keys):
            query = statements.last_successes(len(group), self._database.backend)
            for key, *columns in self._database.read_by_text(query, [*group, *rows.digits(pair)]):
                copy = rows.last_copy(tuple(columns))
                if copy is not None:
                    found[key] = copy
        return found

    def copied_by_events(self, pair: Pair, keys: Sequence[str], since: float) -> set[str]:
        """Return those of `keys` that a batch of events copied since then (seconds since the epoch)."""
        found: set[str] = set()
        for group in _groups(keys):
            query = statements.copied_since(len(group), self._database.backend)
            parameters = [*group, rows.stamp(since), *rows.digits(pair)]
            found.update(key for (key,) in self._database.read_by_text(query, parameters))
        return found

    def pending(self, pair: Pair, limit: int) -> list[PendingRow]:
        """Return up to `limit` pending rows of `pair`, oldest first."""
        open_here = self._open_batches()
        sweeps = [
            one for one in self._sweeps_of(pair, statements.SWEEPS_WITH_PENDING) if one not in open_here
        ]
        if not sweeps:
            return []
        found = self._database.read(statements.pending(len(sweeps)), (*sweeps, limit))
        return [rows.pending_row(row) for row in found]

    def pending_of_range(self, claim: RangeClaim, limit: int) -> list[PendingRow]:
        """Return up to `limit` pending rows of a range, oldest first."""
        found = self._database.read(
            statements.PENDING_OF_RANGE, (claim.sweep, *rows.numbers_of(claim.number), limit)
        )
        return [rows.pending_row(row) for row in found]

    def count_range(self, claim: RangeClaim) -> Tally:
        """Return the counts of the rows of a range; nothing is listed or skipped in rows."""
        [counted] = self._database.read(statements.COUNT_RANGE, (claim.sweep, *rows.numbers_of(claim.number)))
        planned, succeeded, failed, *moved = map(int, counted)
        return Tally(0, 0, planned, succeeded, failed, *moved)

    def last_number(self, claim: RangeClaim) -> int:
        """Return the number of the newest row of a range; without rows the one before its first."""
        first, last = rows.numbers_of(claim.number)
        [(newest,)] = self._database.read(statements.LAST_NUMBER, (claim.sweep, first, last))
        return first - 1 if newest is None else int(newest)

    def ranges(self, sweep: int) -> list[RangeRow]:
        """Return the key ranges of a sweep, in the order of their numbers."""
        found = self._database.read(lease_statements.ranges(self._database.backend), (sweep,))
        return [rows.range_row(row) for row in found]

    def uncertain(self, pair: Pair, sweep: int, after: int, limit: int) -> tuple[list[PendingRow], int]:
        """Return up to `limit` failed rows with ids above `after`, and the next `after`."""
        sweeps = self._sweeps_since_completed(pair, sweep)
        if not sweeps:
            return [], after
        query = statements.uncertain(len(sweeps), len(UNCERTAIN))
        found = self._database.read(query, (*sweeps, *UNCERTAIN, after, *sweeps, sweep, limit))
        return [rows.pending_row(row[:-1]) for row in found], found[-1][-1] if found else after

    def due_deletions(self, pair: Pair, after: int, limit: int) -> tuple[list[DueDeletion], int]:
        """Return up to `limit` due deletions with ids above `after`, and the next `after`."""
        sweeps = self._sweeps_of(pair, statements.SWEEPS_WITH_DUE_DELETIONS)
        if not sweeps:
            return [], after
        found = self._database.read(statements.due_deletions(len(sweeps)), (*sweeps, after, limit))
        return [DueDeletion(*columns) for *columns, _ in found], found[-1][-1] if found else after

    def latest_sweeps(
        self,
        limit: int,
        since: float = 0.0,
        sweep: int | None = None,
        pair: Pair | None = None,
        kind: BatchKind | None = None,
    ) -> list[SweepRecord]:
        """Return the newest sweeps, newest first, filtered by start, id, pair and kind."""
        first, last = (0, _LARGEST_ID) if sweep is None else (sweep, sweep)
        conditions, values = ([], []) if pair is None else ([statements.OF_PAIR], rows.digits(pair))
        if kind is not None:
            conditions.append("kind = ?")
            values.append(kind.value)
        query = statements.latest_sweeps(conditions)
        found = self._database.read(query, (first, last, rows.stamp(since), *values, limit))
        return [rows.sweep_record(row) for row in found]

    def failures(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> Iterator[FailureRecord]:
        """Yield failed transfers, newest first, with one page in memory at a time."""
        conditions, parameters = _filters(since, sweep)
        if pair is not None:
            conditions.append(statements.IN_SWEEPS_OF_PAIR)
            parameters += rows.digits(pair)
        page = self._failures_page(conditions, parameters, limit)
        while page:
            yield from self._failures_of(page)
            limit -= len(page)
            *_, created_at, id_ = page[-1]
            last = rows.stamp(rows.seconds(created_at))
            older = [*conditions, "created_at <= ?", "(created_at < ? OR id < ?)"]
            page = self._failures_page(older, [*parameters, last, last, id_], limit)

    def totals(self, since: float = 0.0, sweep: int | None = None) -> list[Total]:
        """Return the rows counted by status and method, in the order of these words."""
        conditions, parameters = _filters(since, sweep)
        found = self._database.read(statements.totals(conditions), parameters)
        return sorted(map(rows.total, found), key=lambda total: (total.status, total.method))

    def totals_by_pair(self, since: float = 0.0, sweep: int | None = None) -> list[tuple[Pair | None, Total]]:
        """Return the rows counted by pair, status and method; the pair is None for rows without a sweep."""
        conditions, parameters = _filters(since, sweep)
        found = self._database.read(statements.totals_by_pair(conditions), parameters)
        totals = [(rows.pair_of(row[4:]), rows.total(row[:4])) for row in found]
        return sorted(totals, key=lambda one: (one[0] or (), one[1].status, one[1].method))

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    def _sweeps_of(self, pair: Pair, query: str) -> list[int]:
        return [id_ for id_, *names in self._database.read(query) if Pair(*names) == pair]

    def _open_batches(self) -> Collection[int]:
        """Return the batches that this instance works on; a reader works on none."""
        return ()

    def _sweeps_since_completed(self, pair: Pair, before: int) -> list[int]:
        """Return the sweeps before that id back to the latest completed one, included; none if nothing failed.

        Batches of events are among them, and those before it that ended after it had begun: they failed beside it.
        """
        sweeps: list[int] = []
        failed, since = 0, None
        while page := self._database.read(statements.SWEEPS_BEFORE, (before, SWEEPS_PER_PAGE)):
            for sweep, kind, status, failures, started_at, *names in page:
                if Pair(*names) == pair:
                    sweeps.append(sweep)
                    failed, since = failed + failures, started_at
                    if status == SweepStatus.COMPLETED and kind == BatchKind.SWEEP:
                        beside, failed_beside = self._batches_ended_since(pair, sweep, started_at)
                        failed += failed_beside
                        return [*sweeps, *beside] if failed or self._deletions_failed_since(since) else []
            before = page[-1][0]
        return sweeps if failed or self._deletions_failed_since(since) else []

    def _batches_ended_since(self, pair: Pair, before: int, since: str | datetime) -> tuple[list[int], int]:
        """Return the batches of events with lower ids that ended since then, and how many of their copies failed."""
        found = self._database.read(statements.BATCHES_ENDED_SINCE, (before, rows.stamp(rows.seconds(since))))
        of_pair = [(batch, failures) for batch, failures, *names in found if Pair(*names) == pair]
        return [batch for batch, _ in of_pair], sum(failures for _, failures in of_pair)

    def _deletions_failed_since(self, started_at: str | datetime | None) -> bool:
        """Return whether a deletion failed since then; sweeps count failed copies only."""
        if started_at is None:
            return False
        return bool(self._database.read(statements.FAILED_DELETION, (rows.stamp(rows.seconds(started_at)),)))

    def _failures_page(self, conditions: list[str], parameters: list[object], limit: int) -> list[Row]:
        size = min(limit, FAILURES_PER_PAGE)
        query = statements.failures(conditions, self._database.backend)
        return self._database.read(query, [*parameters, size]) if size > 0 else []

    def _failures_of(self, page: Sequence[Row]) -> Iterator[FailureRecord]:
        """Yield the records of a page, each with its pair and the next attempt of its object."""
        records = [rows.failure_record(row) for row in page]
        keys = defaultdict(list)
        for record in records:
            keys[record.sweep].append(record.key)
        ids = list(keys)
        pairs = {id_: Pair(*names) for id_, *names in self._database.read(statements.sweeps(len(ids)), ids)}
        waits = {id_: self.waits(pair, keys[id_]) for id_, pair in pairs.items()}
        for record in records:
            wait = waits.get(record.sweep, {}).get(record.key)
            yield rows.completed(record, pairs.get(record.sweep), wait)


def _filters(since: float, sweep: int | None) -> tuple[list[str], list[object]]:
    """Return the conditions and parameters that select rows by time of creation and sweep."""
    conditions: list[str] = []
    parameters: list[object] = []
    if since > 0:
        conditions.append("created_at >= ?")
        parameters.append(rows.stamp(since))
    if sweep is not None:
        conditions.append("batch_id = ?")
        parameters.append(sweep)
    return conditions, parameters


def _groups(keys: Sequence[str]) -> Iterator[list[str]]:
    """Yield the keys in groups, each small enough for one query."""
    group: list[str] = []
    size = 0
    for key in keys:
        size += len(key.encode("utf-8", "surrogatepass"))
        if group and (size > KEY_BYTES_PER_QUERY or len(group) == KEYS_PER_QUERY):
            yield group
            group, size = [], len(key.encode("utf-8", "surrogatepass"))
        group.append(key)
    if group:
        yield group
