"""The SQL of seals, for both dialects; placeholders are `?`."""

from s3mover.audit import statements

# ruff: noqa: S608 - what is put together here are names of this module, never a value

COLUMNS = "pair, number, kind, sweep_id, sealed_at, row_count, root, previous, hash, pruned_before, content, signature"
_READ = f"SELECT {COLUMNS} FROM audit_seals"

INSERT = f"INSERT INTO audit_seals ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
LAST = f"{_READ} WHERE pair = ? ORDER BY number DESC LIMIT 1"
AFTER = f"{_READ} WHERE pair = ? AND number > ? ORDER BY number LIMIT ?"
OF_SWEEP = f"{_READ} WHERE sweep_id = ? AND pair = ? ORDER BY number"
SEAL_OF_SWEEP = f"{_READ} WHERE sweep_id = ? AND pair = ? AND kind = 'sweep' ORDER BY number LIMIT 1"
ANY_SEAL_OF_SWEEP = f"{_READ} WHERE sweep_id = ? AND kind = 'sweep' ORDER BY number LIMIT 1"
PAIRS = "SELECT DISTINCT pair FROM audit_seals ORDER BY pair"
FIRST_SINCE = "SELECT MIN(number) FROM audit_seals WHERE pair = ? AND sealed_at >= ?"
LATEST_PRUNING = f"{_READ} WHERE pruned_before IS NOT NULL ORDER BY pruned_before DESC LIMIT 1"
UNSEALED = f"""
    SELECT id FROM migration_batches
    WHERE status <> 'running' AND {statements.OF_PAIR}
        AND id > (SELECT MIN(sweep_id) FROM audit_seals WHERE pair = ? AND kind = 'sweep')
        AND NOT EXISTS (
            SELECT 1 FROM audit_seals WHERE sweep_id = migration_batches.id AND pair = ? AND kind = 'sweep'
        )
    ORDER BY id
"""
NEXT_BATCH = "SELECT MIN(batch_id) FROM document_logs WHERE batch_id > ?"
ROWS_WITHOUT_SWEEP = """
    SELECT COUNT(*) FROM document_logs
    WHERE batch_id IS NULL AND created_at >= (SELECT MIN(sealed_at) FROM audit_seals)
"""
MARKS = """
    SELECT first_number, marks FROM audit_seal_marks WHERE sweep_id = ? AND first_number > ?
    ORDER BY first_number LIMIT 1
"""
LAST_ANCHORED = """
    SELECT number FROM audit_seals WHERE pair = ? AND anchored_at IS NOT NULL ORDER BY number DESC LIMIT 1
"""
NOTE_ANCHORED = "UPDATE audit_seals SET anchored_at = ? WHERE pair = ? AND number = ?"

ROWS_BETWEEN = "SELECT COUNT(*) FROM document_logs WHERE batch_id = ? AND number BETWEEN ? AND ?"
_BY_KEY = {"mysql": "FORCE INDEX (document_logs_key)", "sqlite": ""}

WRITE_MARKS = {
    "mysql": """
        INSERT INTO audit_seal_marks (sweep_id, first_number, marks) VALUES (?, ?, ?)
        ON DUPLICATE KEY UPDATE marks = VALUES(marks)
    """,
    "sqlite": """
        INSERT INTO audit_seal_marks (sweep_id, first_number, marks) VALUES (?, ?, ?)
        ON CONFLICT (sweep_id, first_number) DO UPDATE SET marks = excluded.marks
    """,
}


def row_of_key(backend: str, *, in_sweep: bool) -> str:
    """Return the query for sweep and number of the newest row of a key: in one sweep, or in any that is sealed."""
    sealed = "EXISTS (SELECT 1 FROM audit_seals WHERE sweep_id = batch_id AND kind = 'sweep')"
    return f"""
        SELECT batch_id, number FROM document_logs {_BY_KEY[backend]}
        WHERE file_key = ? AND {"batch_id = ?" if in_sweep else sealed} ORDER BY id DESC LIMIT 1
    """
