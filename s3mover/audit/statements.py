"""Every SQL statement of the trail but the schema's, for both dialects; placeholders are `?`.

Here is text only. The two dialects differ in one clause: what an insert does with a row that is there already.
"""

# ruff: noqa: S608 - what is put together here are names and placeholders of this module, never a value

from s3mover.audit.database import Bulk

_KEY = ("batch_id", "number")
_INTENDED = (*_KEY, "file_key", "size_bytes", "source_etag", "created_at", "updated_at")
_SETTLED = (
    *_KEY,
    "file_key",
    "size_bytes",
    "source_etag",
    "status",
    "method",
    "moved_at",
    "updated_at",
    "duration_us",
    "attempts",
    "destination_etag",
    "error_code",
    "message",
    "delete_due",
)
_OVERWRITTEN = _SETTLED[3:]


def _insert(columns: tuple[str, ...]) -> str:
    return f"INSERT INTO document_logs ({', '.join(columns)}) VALUES"


def _marks(columns: tuple[str, ...]) -> str:
    return f"({', '.join('?' * len(columns))})"


# A row that is there, pending or settled, stays as it is: assigning the key to itself changes nothing, and unlike
# INSERT IGNORE it hides no other error.
_NO_CHANGE = {
    "mysql": "ON DUPLICATE KEY UPDATE number = document_logs.number",
    "sqlite": "ON CONFLICT (batch_id, number) DO NOTHING",
}
# VALUES() in place of MySQL's newer row alias, which MariaDB does not know.
_OVERWRITE = {
    "mysql": "ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in _OVERWRITTEN),
    "sqlite": "ON CONFLICT (batch_id, number) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _OVERWRITTEN),
}

_PENDING = _marks(_INTENDED).replace(")", ", 'pending')")
INTEND = {name: Bulk(_insert((*_INTENDED, "status")), _PENDING, tail) for name, tail in _NO_CHANGE.items()}
SETTLE = {name: Bulk(_insert(_SETTLED), _marks(_SETTLED), tail) for name, tail in _OVERWRITE.items()}

_PAIR = "source_bucket, source_prefix, destination_bucket, destination_prefix"

OPEN_SWEEP = f"""
    INSERT INTO migration_batches (started_at, status, {_PAIR}) VALUES (?, 'running', ?, ?, ?, ?)
"""
RUNNING_SWEEPS = f"SELECT id, started_at, {_PAIR} FROM migration_batches WHERE status = 'running' ORDER BY id"
CLOSE_SWEEP = """
    UPDATE migration_batches
    SET ended_at = ?, status = ?, duration_us = ?, summary_file = ?, listed = ?, skipped = ?, planned = ?,
        succeeded = ?, failed = ?, bytes = ?, server_side_copies = ?, streamed = ?
    WHERE id = ?
"""
_COUNTED = ("planned", "succeeded", "failed", "bytes", "server_side_copies", "streamed")
_COUNTS = """
    SELECT COUNT(*) AS planned,
        COALESCE(SUM(CASE WHEN status = 'success' THEN 1 ELSE 0 END), 0) AS succeeded,
        COALESCE(SUM(CASE WHEN status = 'error' THEN 1 ELSE 0 END), 0) AS failed,
        COALESCE(SUM(CASE WHEN status = 'success' THEN size_bytes ELSE 0 END), 0) AS bytes,
        COALESCE(SUM(CASE WHEN status = 'success' AND method = 'server_side_copy' THEN 1 ELSE 0 END), 0)
            AS server_side_copies,
        COALESCE(SUM(CASE WHEN status = 'success' AND method = 'streaming' THEN 1 ELSE 0 END), 0) AS streamed
    FROM document_logs WHERE batch_id = ?
"""
# One pass over the sweep's rows, which may be millions.
RECOUNT_SWEEP = {
    "mysql": f"UPDATE migration_batches AS sweep, ({_COUNTS}) AS counted SET "
    + ", ".join(f"sweep.{name} = counted.{name}" for name in _COUNTED)
    + " WHERE sweep.id = ?",
    "sqlite": f"UPDATE migration_batches SET ({', '.join(_COUNTED)}) = ({_COUNTS}) WHERE id = ?",
}
# How many were listed died with the process: at least those that were planned.
INTERRUPT_SWEEP = """
    UPDATE migration_batches SET ended_at = ?, status = 'interrupted', duration_us = ?, listed = planned
    WHERE id = ?
"""
LATEST_SWEEPS = f"""
    SELECT id, {_PAIR}, started_at, ended_at, status, listed, skipped, planned, succeeded, failed, bytes,
        server_side_copies, streamed, duration_us, summary_file
    FROM migration_batches ORDER BY id DESC LIMIT ?
"""

SWEEPS_BEFORE = f"""
    SELECT id, status, failed, {_PAIR} FROM migration_batches WHERE id < ? ORDER BY id DESC LIMIT ?
"""

SWEEPS_WITH_PENDING = f"""
    SELECT id, {_PAIR} FROM migration_batches
    WHERE id IN (SELECT batch_id FROM document_logs WHERE status = 'pending')
"""

SWEEPS_WITH_DUE_DELETIONS = f"""
    SELECT id, {_PAIR} FROM migration_batches
    WHERE id IN (SELECT batch_id FROM document_logs WHERE delete_due = 1)
"""

PRUNE = """
    DELETE FROM document_logs WHERE id IN (
        SELECT id FROM (
            SELECT id FROM document_logs
            WHERE status IN ('success', 'error') AND delete_due = 0 AND created_at < ? LIMIT ?
        ) AS old
    )
"""


def pending(sweeps: int) -> str:
    """Return the query for the pending rows of so many sweeps, oldest first."""
    return f"""
        SELECT batch_id, number, file_key, COALESCE(size_bytes, 0), COALESCE(source_etag, ''), created_at
        FROM document_logs WHERE status = 'pending' AND batch_id IN ({_list(sweeps)})
        ORDER BY created_at, id LIMIT ?
    """


def uncertain(sweeps: int, codes: int) -> str:
    """Return the query for failed rows of so many sweeps whose key these sweeps did not try again.

    `id` comes last in each row.
    """
    return f"""
        SELECT batch_id, number, file_key, COALESCE(size_bytes, 0), COALESCE(source_etag, ''), created_at, id
        FROM document_logs AS failed
        WHERE status = 'error' AND batch_id IN ({_list(sweeps)}) AND error_code IN ({_list(codes)}) AND id > ?
            AND NOT EXISTS (
                SELECT 1 FROM document_logs AS later
                WHERE later.file_key = failed.file_key AND later.id > failed.id
                    AND later.batch_id IN ({_list(sweeps + 1)})
            )
        ORDER BY id LIMIT ?
    """


def withdraw(rows: int) -> str:
    """Return the statement that removes so many rows of one sweep."""
    return f"DELETE FROM document_logs WHERE batch_id = ? AND number IN ({_list(rows)})"


def due_deletions(sweeps: int) -> str:
    """Return the query for a page of due deletions of so many sweeps; `id` comes last in each row."""
    return f"""
        SELECT batch_id, number, file_key, COALESCE(source_etag, ''), id
        FROM document_logs WHERE delete_due = 1 AND batch_id IN ({_list(sweeps)}) AND id > ?
        ORDER BY id LIMIT ?
    """


def end_deletions(rows: int) -> str:
    """Return the statement that ends so many due deletions of one sweep, with the time where the object is gone."""
    numbers = _list(rows)
    return f"""
        UPDATE document_logs SET delete_due = 0, source_deleted_at = ?
        WHERE batch_id = ? AND number IN ({numbers})
    """


def failures(conditions: list[str]) -> str:
    """Return the query for a page of failed rows, newest first; `id` comes last in each row."""
    return f"""
        SELECT COALESCE(batch_id, 0), file_key, COALESCE(error_code, ''), COALESCE(message, ''),
            COALESCE(attempts, 0), COALESCE(moved_at, created_at), created_at, id
        FROM document_logs WHERE {" AND ".join(["status = 'error'", *conditions])}
        ORDER BY created_at DESC, id DESC LIMIT ?
    """


def totals(conditions: list[str]) -> str:
    """Return the query that counts rows by status and method."""
    return f"""
        SELECT status, COALESCE(method, ''), COUNT(*), COALESCE(SUM(size_bytes), 0)
        FROM document_logs WHERE {" AND ".join(conditions or ["1 = 1"])} GROUP BY status, method
    """


def _list(length: int) -> str:
    return ", ".join("?" * length)
