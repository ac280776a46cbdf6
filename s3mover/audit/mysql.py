"""The only door to mysql.connector: one connection to MySQL 8 or MariaDB, and the lease as its named lock.

Whatever is written goes through prepared statements, never as text: the driver rewrites the text of a statement
that has the word `delimiter` in it, values included (`split_multi_statement` in its `_scripting.py`), and a key may
have any word in it. Whatever is read goes as text, because the driver's C extension cuts a value of a prepared
query at its first NUL; its parameters are numbers and times only.
"""

import contextlib
import functools

# Before the driver: its C extension brings an OpenSSL of its own, which looks for CA certificates elsewhere, and
# whichever is loaded first serves the whole process. Where the system's does not suit it, the driver runs without it.
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

import mysql.connector

from s3mover.audit.database import Bulk, Row
from s3mover.audit.dsn import MysqlDsn, Tls
from s3mover.audit.lease import lease_name
from s3mover.audit.mysqlerrors import translate
from s3mover.errors import (
    AuditUnavailableError,
    LeaseHeldError,
    MoverError,
    SchemaError,
    SettingsError,
    UnreachableError,
)
from s3mover.model import Pair

CONNECT_TIMEOUT_SECONDS = 5
ANSWER_TIMEOUT_SECONDS = 30
# For a change of a table with millions of rows, and for reports over them.
PATIENT_TIMEOUT_SECONDS = 24 * 3600
UPGRADE_LOCK_TIMEOUT_SECONDS = 300
GHOST_LOCK_TIMEOUT_SECONDS = 5

# A bulk of any length is written in blocks of these lengths, so that a handful of statements is prepared once per
# connection. A thousand rows take at most a dozen and a half round trips.
BLOCKS = (256, 64, 16, 4, 1)

_SESSION = (
    # The lease lives as long as the connection, which rests between sweeps.
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', "
    "innodb_lock_wait_timeout = 10, wait_timeout = 604800",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)
_TABLES = """
    SELECT table_name, COUNT(CASE WHEN column_name = 'applied_at' THEN 1 END) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'schema_migrations' GROUP BY table_name
"""


class MysqlDatabase:
    """One connection to the database of `dsn`; `patient` waits a day, not half a minute, for an answer."""

    backend = "mysql"

    def __init__(self, dsn: MysqlDsn, *, patient: bool = False) -> None:
        self._dsn = dsn
        self._timeout = PATIENT_TIMEOUT_SECONDS if patient else ANSWER_TIMEOUT_SECONDS
        self._lease = ""
        self._connect()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written inside, or roll it back where an error passes."""
        try:
            yield
            with self._translated():
                self._connection.commit()
        except BaseException:
            self._roll_back()
            raise

    def write(self, sql: str, parameters: Sequence[object]) -> int:
        """Run one statement and return the number of rows it touched."""
        with self._translated(), contextlib.closing(self._connection.cursor(prepared=True)) as cursor:
            cursor.execute(sql, tuple(parameters))
            return int(cursor.rowcount)

    def insert(self, sql: str, parameters: Sequence[object]) -> int:
        """Insert one row and return its generated id."""
        with self._translated(), contextlib.closing(self._connection.cursor(prepared=True)) as cursor:
            cursor.execute(sql, tuple(parameters))
            return int(cursor.lastrowid)

    def write_many(self, bulk: Bulk, rows: Sequence[Row]) -> None:
        """Run a bulk statement for all rows, in blocks."""
        with self._translated():
            for block in _blocks(rows):
                sql = _block_sql(bulk, len(block))
                self._prepared(sql).execute(sql, [value for row in block for value in row])

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return a query's rows, and let go of the snapshot that they were read from."""
        with self._translated(), contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(sql.replace("?", "%s"), tuple(parameters))
            found: list[Row] = cursor.fetchall()
            self._connection.rollback()
            return found

    def schema_version(self) -> int:
        """Return the newest schema version that was applied, 0 for none.

        Raises:
            SchemaError: a table `schema_migrations` of another tool is in the way.
        """
        tables = self.read(_TABLES)
        if not tables:
            return 0
        if not tables[0][1]:
            raise SchemaError(
                f"The database {self._dsn.database!r} has a table schema_migrations of another tool: "
                "give s3mover a database of its own."
            )
        return int(self.read("SELECT COALESCE(MAX(version), 0) FROM schema_migrations")[0][0])

    @contextlib.contextmanager
    def upgrading(self) -> Iterator[None]:
        """Hold the server's named lock on this database's schema.

        Raises:
            AuditUnavailableError: another instance holds it for minutes.
        """
        name = lease_name(Pair("schema", "", "", ""), self._dsn.database)
        if not self._lock(name, UPGRADE_LOCK_TIMEOUT_SECONDS):
            raise AuditUnavailableError(f"Another s3mover is changing the schema of {self._dsn.redacted}.")
        yield
        self.read("SELECT RELEASE_LOCK(?)", (name,))

    def run(self, statement: str) -> None:
        """Run one statement of a schema file; MySQL commits changes of tables by itself."""
        with self._translated(), contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)
            self._connection.commit()

    def acquire_lease(self, pair: Pair) -> bool:
        """Take the server's named lock on `pair`, which lives and dies with this connection."""
        name = lease_name(pair, self._dsn.database)
        if not self._lock(name, 0):
            return False
        self._lease = name
        return True

    def release_lease(self) -> None:
        """Give the lock back, where it is held."""
        if self._lease:
            self.read("SELECT RELEASE_LOCK(?)", (self._lease,))
            self._lease = ""

    def reopen(self) -> None:
        """Make the connection usable again, the lease included.

        Raises:
            AuditUnavailableError: the database is still away.
            LeaseHeldError: another instance took the lease meanwhile.
        """
        if self._is_alive():
            return
        former, self._former_closed = self._identity, self._hang_up()
        self._connect()
        if self._lease and not self._lock(self._lease, 0) and not self._take_from_ghost(former):
            self._lease = ""
            raise LeaseHeldError("Another s3mover took the lease while the audit database was away.")

    def close(self) -> None:
        """End the connection; the lease goes with it."""
        self._hang_up()
