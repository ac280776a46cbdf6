"""The SQL of leases and of the key ranges of sweeps, for both dialects; placeholders are `?`.

The database's clock is the only one: no time of a host is compared with a time of another.
"""

# ruff: noqa: S608 - what is put together here are expressions of this module, never a value

# SQLite counts milliseconds; its clock is the host's.
NOW = {"mysql": "UTC_TIMESTAMP(6)", "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')"}
_AGE_SECONDS = {
    "mysql": "TIMESTAMPDIFF(MICROSECOND, renewed_at, UTC_TIMESTAMP(6)) / 1000000",
    "sqlite": "(julianday('now') - julianday(renewed_at)) * 86400",
}


def create(backend: str) -> str:
    """Return the insert of a lease that nobody holds; a lease that exists stays as it is."""
    ignore = {
        "mysql": "ON DUPLICATE KEY UPDATE pair = leases.pair",
        "sqlite": "ON CONFLICT (pair) DO NOTHING",
    }
    return (
        f"INSERT INTO leases (pair, renewed_at, ttl_seconds) VALUES (?, {NOW[backend]}, ?) {ignore[backend]}"
    )


def read(backend: str) -> str:
    """Return the query for a lease: holder, token, time of its last renewal, seconds since then, TTL in seconds."""
    return (
        f"SELECT holder, token, renewed_at, {_AGE_SECONDS[backend]}, ttl_seconds FROM leases WHERE pair = ?"
    )


def take(backend: str) -> str:
    """Return the update that takes a lease over, if it is still as it was read."""
    return f"""
        UPDATE leases SET holder = ?, token = token + 1, renewed_at = {NOW[backend]}, ttl_seconds = ?
        WHERE pair = ? AND holder = ? AND token = ? AND renewed_at = ?
    """


def renew(backend: str) -> str:
    """Return the update that renews a lease; it matches no row once another instance took the lease."""
    return f"UPDATE leases SET renewed_at = {NOW[backend]} WHERE pair = ? AND holder = ? AND token = ?"


def release(backend: str) -> str:
    """Return the update that releases a lease."""
    return f"UPDATE leases SET holder = '', renewed_at = {NOW[backend]} WHERE pair = ? AND holder = ? AND token = ?"


def fence(sweeps: int) -> str:
    """Return the update that fences whoever works on ranges of so many sweeps."""
    numbers = ", ".join("?" * sweeps)
    return f"UPDATE sweep_ranges SET token = token + 1 WHERE status = 'running' AND sweep_id IN ({numbers})"


def open_range(backend: str) -> str:
    """Return the insert of a range that its holder works on."""
    return f"""
        INSERT INTO sweep_ranges (sweep_id, number, token, holder, status, heartbeat_at)
        VALUES (?, ?, 1, ?, 'running', {NOW[backend]})
    """


def add_range(backend: str) -> str:
    """Return the insert of a range that waits for a run; a range that exists stays as it is."""
    ignore = {
        "mysql": "ON DUPLICATE KEY UPDATE number = sweep_ranges.number",
        "sqlite": "ON CONFLICT (sweep_id, number) DO NOTHING",
    }
    return f"""
        INSERT INTO sweep_ranges (sweep_id, number, after_key, until_key, token, status, heartbeat_at)
        VALUES (?, ?, ?, ?, 1, 'waiting', {NOW[backend]}) {ignore[backend]}
    """


def claim_range(backend: str) -> str:
    """Return the update by which one run, and no second one, takes a range that was given out under a token."""
    return f"""
        UPDATE sweep_ranges SET holder = ?, status = 'running', heartbeat_at = {NOW[backend]}
        WHERE sweep_id = ? AND number = ? AND token = ? AND holder = '' AND status = 'waiting'
    """


def ranges(backend: str) -> str:
    """Return the query for the ranges of a sweep, in their order; the second column is their silence in seconds."""
    age = _AGE_SECONDS[backend].replace("renewed_at", "heartbeat_at")
    return f"""
        SELECT number, {age}, after_key, until_key, token, holder, status, listed, skipped, planned, succeeded, failed,
            bytes, server_side_copies, streamed
        FROM sweep_ranges WHERE sweep_id = ? ORDER BY number
    """


def silence(sweeps: int, backend: str) -> str:
    """Return the query for the seconds since the last heartbeat of any range of so many sweeps that was begun."""
    age = _AGE_SECONDS[backend].replace("renewed_at", "MAX(heartbeat_at)")
    numbers = ", ".join("?" * sweeps)
    return f"SELECT {age} FROM sweep_ranges WHERE holder <> '' AND sweep_id IN ({numbers})"


def follow(backend: str) -> str:
    """Return the query for the lease that a range is worked on under, and whether the range is recalled."""
    return f"""
        SELECT leases.holder, leases.token, {_AGE_SECONDS[backend]}, ttl_seconds, is_recalled
        FROM leases JOIN sweep_ranges ON sweep_id = ? AND number = ? WHERE pair = ?
    """


def heartbeat(backend: str) -> str:
    """Return the update that every transaction of a range begins with; it matches no row once the range was fenced."""
    return f"""
        UPDATE sweep_ranges SET heartbeat_at = {NOW[backend]}
        WHERE sweep_id = ? AND number = ? AND token = ? AND holder = ?
    """


CLOSE_RANGE = """
    UPDATE sweep_ranges
    SET status = ?, listed = ?, skipped = ?, planned = ?, succeeded = ?, failed = ?, bytes = ?,
        server_side_copies = ?, streamed = ?
    WHERE sweep_id = ? AND number = ? AND token = ? AND holder = ?
"""
# Whoever still works on one is fenced.
INTERRUPT_RANGES = """
    UPDATE sweep_ranges SET status = 'interrupted', token = token + 1
    WHERE sweep_id = ? AND status IN ('waiting', 'running')
"""
RECALL_RANGE = (
    "UPDATE sweep_ranges SET is_recalled = 1 WHERE sweep_id = ? AND number = ? AND status = 'running'"
)
# Whoever worked on it is fenced, and another run may claim it.
REISSUE_RANGE = """
    UPDATE sweep_ranges SET status = 'waiting', token = token + 1, holder = '', is_recalled = 0,
        after_key = ?, until_key = ?
    WHERE sweep_id = ? AND number = ?
"""


def remove_ranges(sweeps: int) -> str:
    """Return the statement that removes the ranges of so many sweeps."""
    return f"DELETE FROM sweep_ranges WHERE sweep_id IN ({', '.join('?' * sweeps)})"
