"""A statement of the trail that is held in the middle, by a trigger in its table: then the kill strikes just there."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.endtoend.killing import Books, MysqlBooks, wait_until

# A commit of the embedded database takes milliseconds; who holds its lock for so long is held by us.
HELD_SECONDS = 0.5
# A view that never comes to its end: SQLite can neither sleep nor wait.
_ENDLESS = """
    CREATE VIEW endless AS WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted)
    SELECT COUNT(*) AS n FROM counted
"""


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
        trigger = (
            f"CREATE TRIGGER hold BEFORE {held.verb} ON {held.table} WHEN {held.condition}"
            " BEGIN SELECT n FROM endless; END"
        )
        with closing(sqlite3.connect(self._path)) as database:
            database.executescript(f"DROP VIEW IF EXISTS endless; {_ENDLESS}; {trigger}")

    def wait(self) -> None:
        """Wait until a statement is held."""
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as database:
            wait_until(lambda: _is_held(database), "a statement is held")

    def lift(self) -> None:
        """Let the statement pass from now on."""
        with closing(sqlite3.connect(self._path, timeout=10)) as database:
            database.executescript("DROP TRIGGER hold; DROP VIEW endless;")


def _is_held(database: sqlite3.Connection) -> bool:
    until = time.monotonic() + HELD_SECONDS
    while time.monotonic() < until:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            time.sleep(0.01)
        else:
            database.execute("ROLLBACK")
            return False
    return True


class MysqlHold:
    """Holds a statement of a database on a MariaDB."""

    def __init__(self, query: Callable[[str], list[tuple[object, ...]]]) -> None:
        self._query = query

    def set(self, held: Statement) -> None:
        """Hold the next such statement."""
        self._query(
            f"CREATE TRIGGER hold BEFORE {held.verb} ON {held.table} FOR EACH ROW"
            f" IF {held.condition} THEN DO SLEEP(300); END IF"
        )

    def wait(self) -> None:
        """Wait until a statement is held."""
        wait_until(lambda: bool(self._held()), "a statement is held")

    def lift(self) -> None:
        """Let the statement pass from now on; the session that is held, and would not notice, is ended."""
        for session in self._held():
            self._query(f"KILL {session}")
        self._query("DROP TRIGGER hold")

    def _held(self) -> list[object]:
        asleep = "db = DATABASE() AND state = 'User sleep'"
        found = self._query(f"SELECT id FROM information_schema.processlist WHERE {asleep}")
        return [session for (session,) in found]


def hold_on(books: Books, folder: Path) -> SqliteHold | MysqlHold:
    """Return what holds statements of the trail in `books`."""
    return MysqlHold(books.query) if isinstance(books, MysqlBooks) else SqliteHold(folder / "s3mover.db")
