"""All SQL statements of the trail except the schema, for both dialects; placeholders are `?`.

The dialects differ in how an insert treats a row that exists, and in how many rows are passed: SQLite runs a statement
once for each row, MySQL gets all rows as one JSON text.
"""

# ruff: noqa: S608 - what is put together here are names and placeholders of this module, never a value

_KEY = ("batch_id", "number")
_INTENDED = (
    *_KEY,
    "file_key",
    "action",
    "size_bytes",
    "source_etag",
    "destination_etag",
    "created_at",
    "updated_at",
)
_SETTLED = (
    *_KEY,
    "file_key",
    "action",
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
_WAIT = (
    "pair_hash",
    "key_hash",
    "file_key",
    "source_etag",
    "failures",
    "batch_id",
    "failed_at",
    "next_attempt",
)


# Column types for JSON_TABLE. A value that a column cannot hold is an error, never a NULL.
_UNSIGNED = (
    "batch_id",
    "number",
    "size_bytes",
    "duration_us",
    "attempts",
    "delete_due",
    "failures",
    "seen_batch",
    "times_missed",
    "first_missed_batch",
    "last_missed_batch",
    "confirmed",
)
_SIGNED = ("pair_hash", "key_hash")


def _type(column: str) -> str:
    if column in _UNSIGNED:
        return "BIGINT UNSIGNED"
    return "BIGINT" if column in _SIGNED else "TEXT CHARACTER SET utf8mb4"


def insert_many(table: str, columns: tuple[str, ...], tails: dict[str, str], **fixed: str) -> dict[str, str]:
    """Return the insert of many rows by dialect; `fixed` are columns with one value for all of them."""
    head = f"INSERT INTO {table} ({', '.join([*columns, *fixed])})"
    marks = ", ".join(["?"] * len(columns) + [*fixed.values()])
    select = f"SELECT {', '.join([*_names(columns), *fixed.values()])} FROM {_given(columns)}"
    return {
        "mysql": f"{head} {select} {tails['mysql']}",
        "sqlite": f"{head} VALUES ({marks}) {tails['sqlite']}",
    }


def _names(columns: tuple[str, ...]) -> list[str]:
    return [f"c{at}" for at in range(len(columns))]


def _given(columns: tuple[str, ...]) -> str:
    """Return the rows of a JSON text as a table of MySQL."""
    json_columns = ", ".join(
        f"{name} {_type(column)} PATH '$[{at}]' ERROR ON ERROR"
        for at, (name, column) in enumerate(zip(_names(columns), columns, strict=True))
    )
    return f"JSON_TABLE(?, '$[*]' COLUMNS ({json_columns})) AS given"


def overwriting(key: tuple[str, ...], columns: tuple[str, ...]) -> dict[str, str]:
    """Return what makes an insert overwrite `columns` of the row that has the same `key` already."""
    # VALUES() in place of MySQL's newer row alias, which MariaDB does not know.
    mysql = ", ".join(f"{name} = VALUES({name})" for name in columns)
    sqlite = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return {
        "mysql": f"ON DUPLICATE KEY UPDATE {mysql}",
        "sqlite": f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sqlite}",
    }


# A row that exists, pending or settled, stays as it is: assigning the key to itself changes nothing, and unlike
# INSERT IGNORE it does not hide other errors.
_NO_CHANGE = {
    "mysql": "ON DUPLICATE KEY UPDATE number = document_logs.number",
    "sqlite": "ON CONFLICT (batch_id, number) DO NOTHING",
}
INTEND_AGAIN = insert_many("document_logs", _INTENDED, _NO_CHANGE, status="'pending'")
SETTLE_MISSING = insert_many("document_logs", _SETTLED, overwriting(_KEY, _SETTLED[4:]))
_CHANGES = [*zip(_SETTLED, _names(_SETTLED), strict=True)][4:]
# On MySQL ON DUPLICATE KEY UPDATE locks gaps between rows, so that connections deadlock: rows are inserted without it
# first, and settled by an update, which finds them by their key (STRAIGHT_JOIN: one after the other).
INTEND = {
    "mysql": insert_many("document_logs", _INTENDED, {"mysql": "", "sqlite": ""}, status="'pending'")[
        "mysql"
    ],
    "sqlite": INTEND_AGAIN["sqlite"],
}
SETTLE = {
    "mysql": f"""
        UPDATE {_given(_SETTLED)} STRAIGHT_JOIN document_logs AS logged
        ON logged.batch_id = given.c0 AND logged.number = given.c1
        SET {", ".join(f"logged.{column} = given.{name}" for column, name in _CHANGES)}
    """,
    "sqlite": SETTLE_MISSING["sqlite"],
}
WAIT = insert_many("object_waits", _WAIT, overwriting(_WAIT[:2], _WAIT[2:]))
HAS_WAITS = "SELECT 1 FROM object_waits WHERE pair_hash = ? LIMIT 1"
OLD_WAITS = "SELECT key_hash FROM object_waits WHERE pair_hash = ? AND next_attempt < ? LIMIT ?"

_PAIR = "source_bucket, source_prefix, destination_bucket, destination_prefix"

OPEN_SWEEP = f"""
    INSERT INTO migration_batches (started_at, status, kind, {_PAIR}) VALUES (?, 'running', ?, ?, ?, ?, ?)
"""
RUNNING_SWEEPS = f"""
    SELECT id, kind, started_at, {_PAIR} FROM migration_batches WHERE status = 'running' ORDER BY id
"""
CLOSE_SWEEP = """
    UPDATE migration_batches
    SET ended_at = ?, status = ?, duration_us = ?, summary_file = ?, listed = ?, skipped = ?, planned = ?,
        succeeded = ?, failed = ?, bytes = ?, server_side_copies = ?, streamed = ?, cost_usd = ?
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
    FROM document_logs WHERE batch_id = ? AND action = 'copy'
"""
_SUPERSEDED = """
    failed.batch_id = ? AND failed.number BETWEEN ? AND ? AND failed.status = 'error' AND failed.error_code = ?
    AND later.batch_id = failed.batch_id AND later.file_key = failed.file_key AND later.status = 'success'
    AND later.number > failed.number
"""
# Failed rows of a range whose object a later run of the range moved: MySQL deletes from no table that a subquery reads.
REMOVE_SUPERSEDED = {
    "mysql": f"DELETE failed FROM document_logs AS failed JOIN document_logs AS later WHERE {_SUPERSEDED}",
    "sqlite": f"""
        DELETE FROM document_logs WHERE id IN (
            SELECT failed.id FROM document_logs AS failed JOIN document_logs AS later WHERE {_SUPERSEDED}
        )
    """,
}
COUNT_RANGE = f"{_COUNTS} AND number BETWEEN ? AND ?"
# One pass over the sweep's rows, which may be millions.
RECOUNT_SWEEP = {
    "mysql": f"UPDATE migration_batches AS sweep, ({_COUNTS}) AS counted SET "
    + ", ".join(f"sweep.{name} = counted.{name}" for name in _COUNTED)
    + " WHERE sweep.id = ?",
    "sqlite": f"UPDATE migration_batches SET ({', '.join(_COUNTED)}) = ({_COUNTS}) WHERE id = ?",
}
# The number listed was lost with the process; it is at least the number planned.
INTERRUPT_SWEEP = """
    UPDATE migration_batches SET ended_at = ?, status = 'interrupted', duration_us = ?, listed = planned, cost_usd = ?
    WHERE id = ?
"""
# Collations treat different prefixes as equal; the hexadecimal digits of their bytes differ.
_PAIR_DIGITS = ", ".join(f"HEX({name})" for name in _PAIR.split(", "))
OF_PAIR = f"({_PAIR_DIGITS}) = (?, ?, ?, ?)"
IN_SWEEPS_OF_PAIR = f"batch_id IN (SELECT id FROM migration_batches WHERE {OF_PAIR})"

SWEEPS_BEFORE = f"""
    SELECT id, kind, status, failed, started_at, {_PAIR} FROM migration_batches
    WHERE id < ? ORDER BY id DESC LIMIT ?
"""
# Of another kind, so open beside the sweeps: those that ended while, or after, a sweep that began then looked back.
BATCHES_ENDED_SINCE = f"""
    SELECT id, failed, {_PAIR} FROM migration_batches WHERE kind <> 'sweep' AND id < ? AND ended_at >= ?
"""

# By the index on status and time: errors since the last completed sweep are few, or known to exist anyway.
FAILED_DELETION = """
    SELECT 1 FROM document_logs WHERE status = 'error' AND created_at >= ? AND action = 'delete' LIMIT 1
"""

SWEEPS_WITH_PENDING = f"""
    SELECT id, {_PAIR} FROM migration_batches
    WHERE id IN (SELECT batch_id FROM document_logs WHERE status = 'pending')
"""

SWEEPS_WITH_DUE_DELETIONS = f"""
    SELECT id, {_PAIR} FROM migration_batches
    WHERE id IN (SELECT batch_id FROM document_logs WHERE delete_due = 1)
"""

# Not of a sweep that was still running then: its seal says when its rows may go.
OLD_ROWS = """
    SELECT id FROM document_logs
    WHERE status IN ('success', 'error') AND delete_due = 0 AND created_at < ? AND NOT EXISTS (
        SELECT 1 FROM migration_batches WHERE migration_batches.id = document_logs.batch_id
            AND (migration_batches.ended_at IS NULL OR migration_batches.ended_at >= ?)
    ) LIMIT ?
"""
# Sweeps that still have a row (pending, or a deletion that is due) stay with it.
OLD_SWEEPS = """
    SELECT id FROM migration_batches WHERE ended_at < ?
        AND NOT EXISTS (SELECT 1 FROM document_logs WHERE document_logs.batch_id = migration_batches.id) LIMIT ?
"""


# Of a copy the ETag at the source, of a deletion that at the destination.
_PENDING_ROW = """
    batch_id, number, file_key, COALESCE(size_bytes, 0),
    COALESCE(CASE WHEN action = 'delete' THEN destination_etag ELSE source_etag END, ''), created_at, action
"""


def pending(sweeps: int) -> str:
    """Return the query for the pending rows of so many sweeps, oldest first."""
    return f"""
        SELECT {_PENDING_ROW}
        FROM document_logs WHERE status = 'pending' AND batch_id IN ({_list(sweeps)})
        ORDER BY created_at, id LIMIT ?
    """


PENDING_OF_RANGE = """
    SELECT batch_id, number, file_key, COALESCE(size_bytes, 0), COALESCE(source_etag, ''), created_at, action
    FROM document_logs WHERE status = 'pending' AND batch_id = ? AND number BETWEEN ? AND ?
    ORDER BY created_at, id LIMIT ?
"""
LAST_NUMBER = "SELECT MAX(number) FROM document_logs WHERE batch_id = ? AND number BETWEEN ? AND ?"


def latest_sweeps(conditions: list[str]) -> str:
    """Return the query for the newest sweeps."""
    return f"""
        SELECT id, {_PAIR}, started_at, ended_at, status, listed, skipped, planned, succeeded, failed, bytes,
            server_side_copies, streamed, duration_us, summary_file, kind, cost_usd
        FROM migration_batches WHERE {" AND ".join(["id >= ? AND id <= ? AND started_at >= ?", *conditions])}
        ORDER BY id DESC LIMIT ?
    """


def sweeps(count: int) -> str:
    """Return the query for the pairs of so many sweeps."""
    return f"SELECT id, {_PAIR} FROM migration_batches WHERE id IN ({_list(count)})"


def waits(keys: int) -> str:
    """Return the query for the waits of so many keys of one pair."""
    return f"""
        SELECT file_key, failures, batch_id, source_etag, failed_at, next_attempt
        FROM object_waits WHERE pair_hash = ? AND key_hash IN ({_list(keys)})
    """


def end_waits(keys: int) -> str:
    """Return the statement that removes the waits of so many keys of one pair."""
    return f"DELETE FROM object_waits WHERE pair_hash = ? AND key_hash IN ({_list(keys)})"


def remove(table: str, rows: int) -> str:
    """Return the statement that removes so many rows of a table of ours by their ids."""
    return f"DELETE FROM {table} WHERE id IN ({_list(rows)})"


def remove_marks(sweeps: int) -> str:
    """Return the statement that removes the marks of the rows of so many sweeps (`sealing.py`)."""
    return f"DELETE FROM audit_seal_marks WHERE sweep_id IN ({_list(sweeps)})"


def uncertain(sweeps: int, codes: int) -> str:
    """Return the query for failed rows of so many sweeps whose key these sweeps did not try again.

    `id` comes last in each row.
    """
    return f"""
        SELECT {_PENDING_ROW}, id
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
    """Return the statement that ends so many due deletions of one sweep: when the object was deleted, and now."""
    numbers = _list(rows)
    return f"""
        UPDATE document_logs SET delete_due = 0, source_deleted_at = ?, updated_at = ?
        WHERE batch_id = ? AND number IN ({numbers})
    """


# Without the hint MariaDB reads every page from the newest row on, and skips the rows of earlier pages.
_BY_TIME = {"mysql": "FORCE INDEX (document_logs_status)", "sqlite": ""}


def failures(conditions: list[str], backend: str) -> str:
    """Return the query for a page of failed rows, newest first; `id` comes last in each row."""
    hint = "" if "batch_id = ?" in conditions else _BY_TIME[backend]
    return f"""
        SELECT COALESCE(batch_id, 0), file_key, COALESCE(error_code, ''), COALESCE(message, ''),
            COALESCE(attempts, 0), COALESCE(moved_at, created_at), action, created_at, id
        FROM document_logs {hint} WHERE {" AND ".join(["status = 'error'", *conditions])}
        ORDER BY created_at DESC, id DESC LIMIT ?
    """


# Without the hint a server whose statistics are old may read the whole table.
_BY_KEY = {"mysql": "FORCE INDEX (document_logs_key)", "sqlite": ""}


def last_successes(keys: int, backend: str) -> str:
    """Return the query for the newest success of so many keys of one pair, given as keys and the pair's digits."""
    return f"""
        SELECT latest.file_key, action, COALESCE(size_bytes, 0), COALESCE(source_etag, ''),
            COALESCE(destination_etag, '')
        FROM (
            SELECT file_key, MAX(document_logs.id) AS id FROM document_logs {_BY_KEY[backend]}
            JOIN migration_batches ON migration_batches.id = batch_id
            WHERE file_key IN ({_list(keys)}) AND document_logs.status = 'success' AND {OF_PAIR}
            GROUP BY file_key
        ) AS latest JOIN document_logs ON document_logs.id = latest.id
    """


def copied_since(keys: int, backend: str) -> str:
    """Return the query for those of so many keys of which a batch of events recorded a success since a time."""
    return f"""
        SELECT DISTINCT file_key FROM document_logs {_BY_KEY[backend]}
        JOIN migration_batches ON migration_batches.id = batch_id
        WHERE file_key IN ({_list(keys)}) AND document_logs.status = 'success' AND kind = 'events'
            AND moved_at >= ? AND {OF_PAIR}
    """


def totals(conditions: list[str]) -> str:
    """Return the query that counts rows by status and method."""
    # Naming every status lets the index on status and time serve.
    return f"""
        SELECT status, COALESCE(method, ''), COUNT(*), COALESCE(SUM(size_bytes), 0)
        FROM document_logs WHERE {" AND ".join(["status IN ('success', 'error', 'pending')", *conditions])}
        GROUP BY status, method
    """


def totals_by_pair(conditions: list[str]) -> str:
    """Return the query that counts each sweep's rows by status and method, and then those of each pair."""
    return f"""
        SELECT counted.status, counted.method, SUM(objects), SUM(counted.bytes), {_PAIR_DIGITS}
        FROM (
            SELECT batch_id, status, COALESCE(method, '') AS method, COUNT(*) AS objects,
                COALESCE(SUM(size_bytes), 0) AS bytes
            FROM document_logs WHERE {" AND ".join(["status IN ('success', 'error', 'pending')", *conditions])}
            GROUP BY batch_id, status, method
        ) AS counted LEFT JOIN migration_batches ON migration_batches.id = counted.batch_id
        GROUP BY counted.status, method, {_PAIR_DIGITS}
    """


def _list(length: int) -> str:
    return ", ".join("?" * length)
