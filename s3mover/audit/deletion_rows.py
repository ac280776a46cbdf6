"""The rows of deletions at the destination, for `report --deletions`: statement, rows and method.

They have no index of their own, which each row of a copy would pay for: they are read from the newest row back.
"""

# ruff: noqa: S608 - what is put together here are names and placeholders of this module, never a value

from collections.abc import Iterator, Sequence
from dataclasses import replace

from s3mover.audit import statements
from s3mover.audit.database import Database, Row
from s3mover.audit.rows import digits, seconds, stamp
from s3mover.model import DeletionRecord, Pair, Status

ROWS_PER_PAGE = 1000
_LARGEST_ID = 2**63 - 1


class SqlDeletionRows:
    """Implements `deletion_trail.DeletionRows` on one connection."""

    _database: Database

    def deletions(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> Iterator[DeletionRecord]:
        """Yield deletions at the destination, newest first, with one page in memory at a time."""
        conditions = ["created_at >= ?", *(["batch_id = ?"] if sweep is not None else [])]
        parameters: list[object] = [stamp(since), *([sweep] if sweep is not None else [])]
        if pair is not None:
            conditions.append(statements.IN_SWEEPS_OF_PAIR)
            parameters += digits(pair)
        before = _LARGEST_ID
        while limit > 0:
            size = min(limit, ROWS_PER_PAGE)
            page = self._database.read(_page(conditions), (*parameters, before, size))
            yield from self._with_pairs([_record(row) for row in page])
            if len(page) < size:
                return
            limit -= size
            before = page[-1][-1]

    def _with_pairs(self, records: Sequence[DeletionRecord]) -> Iterator[DeletionRecord]:
        ids = list({record.sweep for record in records})
        found = self._database.read(statements.sweeps(len(ids)), ids) if ids else []
        pairs = {id_: Pair(*names) for id_, *names in found}
        for record in records:
            yield replace(record, pair=pairs.get(record.sweep))


def _page(conditions: Sequence[str]) -> str:
    return f"""
        SELECT COALESCE(batch_id, 0), file_key, status, COALESCE(destination_etag, ''), COALESCE(size_bytes, 0),
            COALESCE(error_code, ''), COALESCE(message, ''), COALESCE(moved_at, created_at), id
        FROM document_logs WHERE {" AND ".join(["action = 'delete'", *conditions])} AND id < ?
        ORDER BY id DESC LIMIT ?
    """


def _record(row: Row) -> DeletionRecord:
    sweep, key, status, etag, size, code, message, at, _ = row
    return DeletionRecord(int(sweep), key, Status(status), etag, int(size), code, message, seconds(at))
