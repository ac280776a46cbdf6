"""Holds a statement of the trail in the middle, by a trigger in its table, so that a kill happens exactly there."""

import contextlib
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import mysql.connector

from testkit.mariadb import Account
from testkit.waiting import TOO_LONG, wait_until
from tests.endtoend.kill_scenario import MysqlTrail, TrailDatabase

# A commit of the embedded database takes milliseconds: a process that uses so many seconds of CPU time while it holds
# the lock is held by the trigger, however long it waits for the disk or a CPU.
HELD_SECONDS = 0.5
# Longer than any wait of a test.
HOLD_SECONDS = round(2 * TOO_LONG)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# A view that never ends: SQLite can neither sleep nor wait.
_ENDLESS = """
    CREATE VIEW endless AS WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted)
    SELECT COUNT(*) AS n FROM counted
"""


_COUNT = "SELECT n FROM endless"
_ASLEEP = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User sleep'"


class Statement(NamedTuple):
    """What is held: `INSERT` or `UPDATE` of a row of `table` that meets `condition`."""

    verb: str
    table: str
    condition: str


class SqliteHold:
    """Holds a statement of the embedded database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self, held: Statement) -> None:
        """Hold the next such statement."""
        trigger = f"CREATE TRIGGER hold BEFORE {held.verb} ON {held.table} WHEN {held.condition} BEGIN {_COUNT}; END"
        with closing(sqlite3.connect(self._path)) as database:
            database.executescript(f"DROP VIEW IF EXISTS endless; {_ENDLESS}; {trigger}")

    def wait(self, pid: int) -> None:
        """Wait until a statement of the process is held."""
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as database:
            wait_until(lambda: _is_held(database, pid), "a statement is held")

    def lift(self) -> None:
        """Let the statement pass from now on."""
        with closing(sqlite3.connect(self._path, timeout=10)) as database:
            database.executescript("DROP TRIGGER hold; DROP VIEW endless;")


def _is_held(database: sqlite3.Connection, pid: int) -> bool:
    until = _cpu_seconds(pid) + HELD_SECONDS
    while _cpu_seconds(pid) < until:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            time.sleep(0.01)
        else:
            database.execute("ROLLBACK")
            return False
    return True


def _cpu_seconds(pid: int) -> float:
    """Return what a process has used so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


class MysqlHold:
    """Holds a statement of a database on a MariaDB."""

    def __init__(self, account: Account) -> None:
        self._query = account.query

    def set(self, held: Statement) -> None:
        """Hold the next such statement."""
        self._query(
            f"CREATE TRIGGER hold BEFORE {held.verb} ON {held.table} FOR EACH ROW"
            f" IF {held.condition} THEN DO SLEEP({HOLD_SECONDS}); END IF"
        )

    def wait(self, pid: int) -> None:  # noqa: ARG002 - the server tells whom it holds
        """Wait until a statement is held."""
        wait_until(lambda: bool(self._held()), "a statement is held")

    def lift(self) -> None:
        """Let the statement pass from now on; the session that is held, and would not notice, is ended."""
        wait_until(self._is_dropped, "the trigger is dropped")

    def _is_dropped(self) -> bool:
        for session in self._held():
            with contextlib.suppress(mysql.connector.Error):
                self._query(f"KILL {session}")
        try:
            self._query("SET lock_wait_timeout = 1", "DROP TRIGGER hold")
        except mysql.connector.DatabaseError:
            return False
        return True

    def _held(self) -> list[object]:
        return [session for (session,) in self._query(_ASLEEP)]


def hold_on(database: TrailDatabase, folder: Path) -> SqliteHold | MysqlHold:
    """Return what holds statements of the trail in `database`."""
    return (
        MysqlHold(database.account) if isinstance(database, MysqlTrail) else SqliteHold(folder / "s3mover.db")
    )
