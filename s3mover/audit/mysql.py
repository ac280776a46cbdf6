"""The adapter of mysql.connector: one connection to MySQL 8 or MariaDB 10.6.

Writes use prepared statements, never text: the driver rewrites the text of a statement that contains the word
`delimiter`, values included (`split_multi_statement` in its `_scripting.py`), and a key may contain any word. Reads use
text, in one round trip where a prepared statement takes three; their parameters are only numbers, times and our own
names.
"""

import contextlib
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from s3mover.audit import mysql_errors, mysql_options
from s3mover.audit.batches import json_batches
from s3mover.audit.database import Row
from s3mover.audit.digests import schema_lock_name
from s3mover.audit.dsn import MysqlDsn
from s3mover.audit.dsn_options import SMALLEST_PACKET_BYTES
from s3mover.audit.mysql_connection import Connection, fetched, keeps_connection, translated
from s3mover.errors import (
    AuditUnavailableError,
    MoverError,
    SchemaError,
    SettingsError,
    UnreachableError,
)

UPGRADE_LOCK_TIMEOUT_SECONDS = 300

# With the longest keys and messages, so many rows fit into the smallest default packet of the servers, 16 MiB; with a
# smaller one the rows are sent in halves.
ROWS_PER_STATEMENT = 256

# Statements that stay prepared: each transaction repeats some of them, and to prepare one again takes a round trip and
# 0.2 ms of CPU. Those with a list of numbers differ by its length.
MAX_PREPARED = 32

_SCHEMA_TABLE = """
    SELECT table_name, COUNT(CASE WHEN column_name = 'applied_at' THEN 1 END) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'schema_migrations' GROUP BY table_name
"""


class MysqlDatabase:
    """One connection to the database of `dsn`; a `long_running` one waits a day for an answer, not half a minute."""

    backend = "mysql"

    def __init__(self, dsn: MysqlDsn, *, long_running: bool = False) -> None:
        self._dsn = dsn
        self._long_running = long_running
        self._batch_bytes = sys.maxsize
        self._transaction_open = False
        # Why the connection must not be used; empty while it may.
        self._lost = ""
        if dsn.options.ca_file:
            _require_certificates(dsn.options.ca_file)
        self._connect()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written inside, or roll it back if an error is raised."""
        self._transaction_open = True
        try:
            yield
            with self._translated():
                self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._transaction_open = False

    def write(self, sql: str, parameters: Sequence[object]) -> int:
        """Run one statement and return the number of rows it matched."""
        with self._translated():
            return self._execute_prepared(sql, tuple(parameters))

    def insert(self, sql: str, parameters: Sequence[object]) -> int:
        """Insert one row and return its generated id."""
        with self._cursor(prepared=True) as cursor:
            cursor.execute(sql, tuple(parameters))
            return int(cursor.lastrowid)

    def write_many(self, sql: str, rows: Sequence[Row]) -> int:
        """Run a statement for all rows, given as one JSON text; return the number of rows that an update matched.

        The driver takes 1.2 us of CPU for each parameter: 20 of the 29 that intending and settling one object cost.
        """
        matched = 0
        for text in json_batches(rows, ROWS_PER_STATEMENT, self._batch_bytes):
            with self._translated():
                matched += self._execute_prepared(sql, (text,))
        return matched

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return a query's rows; outside a transaction, release the snapshot that they were read from."""
        return self._read(sql.replace("?", "%s"), parameters, prepared=False)

    def read_by_text(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        """Return a query's rows, with a prepared statement: a key must not stand in a statement's text."""
        return self._read(sql, parameters, prepared=True)

    def schema_version(self) -> int:
        """Return the newest schema version that was applied, 0 if none was.

        Raises:
            SchemaError: the table `schema_migrations` belongs to another tool.
        """
        found = self.read(_SCHEMA_TABLE)
        if not found:
            return 0
        if not found[0][1]:
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
        name = schema_lock_name(self._dsn.database)
        if not self._lock(name, UPGRADE_LOCK_TIMEOUT_SECONDS):
            raise AuditUnavailableError(
                f"Another s3mover is changing the schema of {self._dsn.redacted}; try again later."
            )
        yield
        self._unlock(name)

    def run(self, statement: str) -> None:
        """Run one statement of a schema file; MySQL commits changes of tables implicitly."""
        with self._cursor() as cursor:
            cursor.execute(statement)
        with self._translated():
            self._execute("COMMIT")

    def follows_another(self) -> bool:
        """Return whether the server applies the changes of another one; False also if this user may not know."""
        try:
            return bool(self.read_by_text("SHOW REPLICA STATUS", ()))
        except UnreachableError:
            return False

    def reopen(self) -> None:
        """Reconnect if the connection is lost.

        Raises:
            AuditUnavailableError: the database is still away.
        """
        if self._is_alive():
            return
        self._drop("it does not answer")
        self._connect()

    def close(self) -> None:
        """Close the connection."""
        if not self._lost:
            with contextlib.suppress(MoverError), translated(self._dsn):
                self._connection.close()
        self._drop("it was closed")

    def _connect(self) -> None:
        system_ca_file = ssl.get_default_verify_paths().cafile
        arguments = mysql_options.arguments(self._dsn, system_ca_file, long_running=self._long_running)
        self._cursors: dict[str, Any] = {}
        with translated(self._dsn):
            self._connection = Connection(self._dsn, arguments)
            if not self._dsn.socket:
                _send_at_once(self._connection)
        self._lost = ""
        try:
            self._prepare_session()
        except MoverError as error:
            self._drop(str(error))
            raise

    def _prepare_session(self) -> None:
        if shortcoming := mysql_options.shortcoming(self._connection.server_info or ""):
            raise UnreachableError(f"The audit database at {self._dsn.place} {shortcoming}.")
        with self._translated():
            for statement in mysql_options.SESSION:
                self._execute(statement)
            if self._long_running:
                self._execute(mysql_options.LONG_SESSION)
        variables = {str(name): str(value) for name, value in self.read(mysql_options.VARIABLES)}
        if problem := mysql_options.server_problem(variables):
            raise UnreachableError(f"The audit database at {self._dsn.place} {problem}")
        self._batch_bytes = min(self._batch_bytes, mysql_options.batch_bytes(self._dsn, variables))

    def _drop(self, reason: str) -> None:
        """End the connection without another word: an answer that comes late must not be taken for the next one's."""
        self._lost = self._lost or f"The connection to the audit database was given up: {reason}"
        self._connection.hang_up()

    def _is_alive(self) -> bool:
        try:
            with self._translated():
                self._connection.cmd_ping()
        except MoverError:
            return False
        self._roll_back()
        return not self._lost

    def _roll_back(self) -> None:
        # Without a connection the server rolls back.
        try:
            with self._translated():
                self._execute("ROLLBACK")
        except MoverError as error:
            self._drop(str(error))

    def _execute(self, statement: str) -> None:
        self._connection.cmd_query(statement)

    def _read(self, sql: str, parameters: Sequence[object], *, prepared: bool) -> list[Row]:
        with self._cursor(prepared=prepared) as cursor:
            cursor.execute(sql, tuple(parameters))
            found: list[Row] = fetched(cursor)
        if not self._transaction_open:
            with self._translated():
                self._execute("ROLLBACK")
        return found

    @contextlib.contextmanager
    def _cursor(self, *, prepared: bool = False) -> Iterator[Any]:
        """Yield a cursor; to close it the driver talks to the server, which it must not on a lost connection."""
        with self._translated():
            cursor: Any = self._connection.cursor(prepared=prepared)
        try:
            with self._translated():
                yield cursor
        finally:
            if not self._lost:
                with self._translated():
                    cursor.close()

    def _lock(self, name: str, timeout: int) -> bool:
        return bool(self.read("SELECT GET_LOCK(?, ?)", (name, timeout))[0][0])

    def _unlock(self, name: str) -> None:
        self.read("SELECT RELEASE_LOCK(?)", (name,))

    def _execute_prepared(self, sql: str, parameters: Row) -> int:
        """Run a statement that stays prepared, in place of the one that was not used for longest; return its rows."""
        sql = sys.intern(sql)  # an equal text that is another object would be prepared again
        cursor = self._cursors.pop(sql, None)
        if cursor is None:
            if len(self._cursors) == MAX_PREPARED:
                self._cursors.pop(next(iter(self._cursors))).close()
            cursor = self._connection.cursor(prepared=True)
        self._cursors[sql] = cursor
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate the driver's errors, and drop the connection unless the server itself reported the error."""
        if self._lost:
            raise AuditUnavailableError(self._lost)
        try:
            with translated(self._dsn):
                yield
        except BaseException as error:
            self._note_packet_size(error)
            if not keeps_connection(error):
                self._drop(str(error) or type(error).__name__)
            raise

    def _note_packet_size(self, error: BaseException) -> None:
        """Send half as much in one statement, if this was too much for the server or for a proxy before it."""
        if getattr(error.__cause__, "errno", 0) == mysql_errors.PACKET_TOO_LARGE:
            longest = min(self._batch_bytes, ROWS_PER_STATEMENT * SMALLEST_PACKET_BYTES)
            self._batch_bytes = max(longest // 2, 1)


def _send_at_once(connection: Any) -> None:
    """Set TCP_NODELAY, so that the last packet of a statement is not held back until the server confirms the others.

    The driver has no option for it, hence its private attribute. Over TLS 20,000 objects are recorded at 4,700 a second
    with it and at 1,800 without: each statement waits 40 ms (`bench.trail`).
    """
    connection._socket.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _require_certificates(path: str) -> None:
    """Require that a CA file can be read; the driver would report a lost connection.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise SettingsError(
            [
                f"audit.url: the file {path} of its option ssl-ca cannot be used ({error}); expected certificates (PEM)"
            ]
        ) from error
