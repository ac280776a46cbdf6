"""What the leader of a pair reports of itself: a row of `leaders`, which instances that stand by read."""

# ruff: noqa: S608 - what is put together here are expressions of this package, never a value

from s3mover.audit.database import Database
from s3mover.audit.digests import pair_digest
from s3mover.audit.lease_statements import NOW
from s3mover.model import LeaderReport, Pair

NAME_CHARACTERS = 255
URL_CHARACTERS = 1000

_AGE = {
    "mysql": "TIMESTAMPDIFF(MICROSECOND, {column}, UTC_TIMESTAMP(6)) / 1000000",
    "sqlite": "(julianday('now') - julianday({column})) * 86400",
}


def replace(backend: str) -> str:
    """Return the statement that writes a report in place of an earlier one."""
    return f"REPLACE INTO leaders (pair, holder, name, url, report, reported_at) VALUES (?, ?, ?, ?, ?, {NOW[backend]})"


def read(backend: str) -> str:
    """Return the query for the report of whoever holds the lease, its age, and that of the lease's last renewal."""
    ages = ", ".join(_AGE[backend].format(column=column) for column in ("reported_at", "renewed_at"))
    return f"""
        SELECT name, url, report, {ages}, ttl_seconds
        FROM leaders JOIN leases ON leases.pair = leaders.pair AND leases.holder = leaders.holder
        WHERE leaders.pair = ?
    """


class SqlLeaders:
    """Reads the reports of leaders; `sql_trail.py` writes them, under the lease."""

    _database: Database

    def leader_of(self, pair: Pair) -> LeaderReport | None:
        """Return what the holder of the lease on `pair` last reported, None if nobody holds it or has reported."""
        found = self._database.read(read(self._database.backend), (pair_digest(pair),))
        if not found:
            return None
        name, url, text, age, silence, ttl = found[0]
        return LeaderReport(name, url, text, max(0.0, float(age)), is_alive=float(silence) <= float(ttl))
