"""The adapter of mysql.connector: one connection to MySQL 8 or MariaDB 10.6, and the lease as its named lock.

Writes use prepared statements, never text: the driver rewrites the text of a statement that contains the word
`delimiter`, values included (`split_multi_statement` in its `_scripting.py`), and a key may contain any word. Reads use
text, in one round trip where a prepared statement takes three; their parameters are only numbers, times and our own
names.
"""

import contextlib
import socket

# Imported before the driver: its C extension brings an OpenSSL of its own, which looks for CA certificates elsewhere,
# and the one that is loaded first serves the whole process. If the system's does not suit the extension, the driver
# works without it.
import ssl
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import mysql.connector
import orjson

from s3mover.audit import mysql_errors, mysql_options
from s3mover.audit.database import Row
from s3mover.audit.digests import lease_name
from s3mover.audit.dsn import MysqlDsn
from s3mover.errors import (
    AuditUnavailableError,
    LeaseHeldError,
    MoverError,
    SchemaError,
    SettingsError,
    UnreachableError,
)
from s3mover.model import Pair

ANSWER_TIMEOUT_SECONDS = 30
# For changes of tables with millions of rows, and for reports over them.
LONG_TIMEOUT_SECONDS = 24 * 3600
UPGRADE_LOCK_TIMEOUT_SECONDS = 300
FORMER_LOCK_TIMEOUT_SECONDS = 5

# With the longest keys and messages, so many rows fit into the smallest default packet of the servers, 16 MiB.
ROWS_PER_STATEMENT = 256

_SCHEMA_TABLE = """
    SELECT table_name, COUNT(CASE WHEN column_name = 'applied_at' THEN 1 END) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'schema_migrations' GROUP BY table_name
"""


class _Session(NamedTuple):
    """Identifies one session of one run of the server; `booted` is in seconds by the server's clock."""

    connection: int
    booted: int


class MysqlDatabase:
    """One connection to the database of `dsn`; a `long_running` one waits a day for an answer, not half a minute."""

    backend = "mysql"

    def __init__(self, dsn: MysqlDsn, *, long_running: bool = False) -> None:
        self._dsn = dsn
        self._timeout = LONG_TIMEOUT_SECONDS if long_running else ANSWER_TIMEOUT_SECONDS
        self._lease = ""
        self._leased_by = _Session(0, 0)
        if dsn.ca_file:
            _require_certificates(dsn.ca_file)
        self._connect()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written inside, or roll it back if an error is raised."""
        try:
            yield
            with self._translated():
                self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def write(self, sql: str, parameters: Sequence[object]) -> int:
        """Run one statement and return the number of rows it changed."""
        with self._translated(), contextlib.closing(self._connection.cursor(prepared=True)) as cursor:
            cursor.execute(sql, tuple(parameters))
            return int(cursor.rowcount)

    def insert(self, sql: str, parameters: Sequence[object]) -> int:
        """Insert one row and return its generated id."""
        with self._translated(), contextlib.closing(self._connection.cursor(prepared=True)) as cursor:
            cursor.execute(sql, tuple(parameters))
            return int(cursor.lastrowid)

    def write_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run an insert for all rows, given as one JSON text.

        The driver takes 1.2 us of CPU for each parameter: 20 of the 29 that intending and settling one object cost.
        """
        with self._translated():
            cursor = self._prepared(sql)
            for start in range(0, len(rows), ROWS_PER_STATEMENT):
                cursor.execute(sql, (orjson.dumps(rows[start : start + ROWS_PER_STATEMENT]).decode(),))

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return a query's rows, and release the snapshot that they were read from."""
        with self._translated(), contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(sql.replace("?", "%s"), tuple(parameters))
            found: list[Row] = cursor.fetchall()
            self._execute("ROLLBACK")
            return found

    def read_by_text(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        """Return a query's rows, with a prepared statement: a key must not stand in a statement's text."""
        with self._translated(), contextlib.closing(self._connection.cursor(prepared=True)) as cursor:
            cursor.execute(sql, tuple(parameters))
            found: list[Row] = cursor.fetchall()
        with self._translated():
            self._execute("ROLLBACK")
        return found

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
        name = lease_name(Pair("schema", "", "", ""), self._dsn.database)
        if not self._lock(name, UPGRADE_LOCK_TIMEOUT_SECONDS):
            raise AuditUnavailableError(
                f"Another s3mover is changing the schema of {self._dsn.redacted}; try again later."
            )
        yield
        self._unlock(name)

    def run(self, statement: str) -> None:
        """Run one statement of a schema file; MySQL commits changes of tables implicitly."""
        with self._translated(), contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)
            self._execute("COMMIT")

    def acquire_lease(self, pair: Pair) -> bool:
        """Acquire the server's named lock on `pair`, which ends with this connection."""
        name = lease_name(pair, self._dsn.database)
        if self._lease == name and self._leased_by == self._session():
            return True
        if not self._lock(name, 0):
            return False
        self._lease, self._leased_by = name, self._session()
        return True

    def release_lease(self) -> None:
        """Release the lock if it is held."""
        if self._lease:
            self._unlock(self._lease)
            self._lease = ""

    def reopen(self) -> None:
        """Reconnect if the connection is lost, and take the lease again.

        Raises:
            AuditUnavailableError: the database is still away.
            LeaseHeldError: another instance took the lease meanwhile.
        """
        if self._is_alive():
            return
        self._disconnect()
        self._connect()
        if self._lease:
            self._retake_lease()

    def close(self) -> None:
        """Close the connection, which releases the lease."""
        self._disconnect()

    def _connect(self) -> None:
        system_ca_file = ssl.get_default_verify_paths().cafile
        with self._translated():
            # Not the driver's C extension: it loads on some machines only, cuts values at a NUL, raises errors that
            # are not the driver's, and looks for CA certificates in other places.
            self._connection: Any = mysql.connector.MySQLConnection(
                **mysql_options.arguments(self._dsn, self._timeout, system_ca_file)
            )
            if not self._dsn.socket:
                _send_at_once(self._connection)
        self._cursors: dict[str, Any] = {}
        try:
            self._prepare_session()
        except MoverError:
            self._disconnect()
            raise

    def _prepare_session(self) -> None:
        if shortcoming := mysql_options.shortcoming(self._connection.server_info or ""):
            raise UnreachableError(f"The audit database at {self._dsn.place} {shortcoming}.")
        with self._translated():
            for statement in mysql_options.SESSION:
                self._execute(statement)
        if (
            mysql_options.needs_tls(self._dsn)
            and not self.read("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1]
        ):
            raise UnreachableError(
                f"The audit database at {self._dsn.place} does not offer TLS, which audit.url requires. "
                "Enable TLS there, or set tls=preferred."
            )

    def _disconnect(self) -> None:
        # A lost connection cannot be closed cleanly.
        with contextlib.suppress(mysql.connector.Error, OSError):
            self._connection.close()

    def _is_alive(self) -> bool:
        if not self._connection.is_connected():
            return False
        self._roll_back()
        return True

    def _roll_back(self) -> None:
        # On a lost connection the server rolls back.
        with contextlib.suppress(mysql.connector.Error, OSError):
            self._execute("ROLLBACK")

    def _execute(self, statement: str) -> None:
        self._connection.cmd_query(statement)

    def _retake_lease(self) -> None:
        name = self._lease
        if not self._lock(name, 0) and not (
            self._kill_former_session() and self._lock(name, FORMER_LOCK_TIMEOUT_SECONDS)
        ):
            self._lease = ""
            raise LeaseHeldError("Another s3mover took the lease while the audit database was away.")
        self._leased_by = self._session()

    def _kill_former_session(self) -> bool:
        """Kill our own former session, if the server still believes it connected; return whether that was done.

        A restarted server numbers its connections from 1, so the number may be another instance's by now: the session
        is ours only on the same run of the server. One second of tolerance, since the server reports its uptime in
        whole seconds.
        """
        holder = self.read("SELECT IS_USED_LOCK(?)", (self._lease,))[0][0]
        same_run = abs(self._session().booted - self._leased_by.booted) <= 1
        if holder != self._leased_by.connection or not same_run:
            return False
        self.run(f"KILL {holder:d}")
        return True

    def _session(self) -> _Session:
        connection, now = self.read("SELECT CONNECTION_ID(), UNIX_TIMESTAMP()")[0]
        uptime = self.read("SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1]
        return _Session(connection, int(now) - int(uptime))

    def _lock(self, name: str, timeout: int) -> bool:
        return bool(self.read("SELECT GET_LOCK(?, ?)", (name, timeout))[0][0])

    def _unlock(self, name: str) -> None:
        self.read("SELECT RELEASE_LOCK(?)", (name,))

    def _prepared(self, sql: str) -> Any:
        if sql not in self._cursors:
            self._cursors[sql] = self._connection.cursor(prepared=True)
        return self._cursors[sql]

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except mysql.connector.Error as error:
            raise mysql_errors.translate(_number(error), str(error.msg), self._dsn) from error
        except OSError as error:
            raise AuditUnavailableError(
                f"The audit database at {self._dsn.place} is away: {error}"
            ) from error


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


def _number(error: Any) -> int:
    # The driver reports a certificate that does not verify as a lost connection.
    distrusted = isinstance(error.__cause__, ssl.SSLCertVerificationError)
    return mysql_errors.TLS_FAILED if distrusted else int(error.errno)
