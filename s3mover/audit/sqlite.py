"""The adapter of sqlite3: one connection to an embedded audit database, in a file.

Write-ahead log, so that readers and the writer do not wait for each other; a full sync per commit, so that commits
survive a power failure (SQLite documentation, "Write-Ahead Logging" and PRAGMA synchronous).
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from s3mover.audit.database import Row
from s3mover.errors import (
    AuditUnavailableError,
    DamagedDatabaseError,
    MoverError,
    SchemaError,
    UnreachableError,
)

BUSY_TIMEOUT_SECONDS = 10.0
# How often a lock is tried for which SQLite does not wait.
BUSY_POLL_SECONDS = 0.01
PRIVATE_MODE = 0o600

# SQLite documentation, "Result and Error Codes"; the low byte is the primary code.
_PRIMARY = 0xFF
_TEMPORARY = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    )
)
# Closing a file drops every lock of this process on it (fcntl), those of SQLite included: the file is made, and closed,
# before any thread connects.
_creating = threading.Lock()
_UNREACHABLE = frozenset((sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOTADB))


class SqliteDatabase:
    """One connection to the database in `path`; with `create` the file is created if it is missing."""

    backend = "sqlite"

    def __init__(self, path: Path, *, create: bool) -> None:
        self._path = path.resolve()
        _require(self._path, create=create)
        if create:
            _create_private(self._path)
        try:
            self._connection = self._connect(create=create)
        except AuditUnavailableError as error:
            if _is_busy(error.__cause__):
                raise
            # At the start the file system refuses what it will refuse later.
            raise UnreachableError(str(error)) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written inside, or roll it back if an error is raised."""
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def write(self, sql: str, parameters: Sequence[object]) -> int:
        """Run one statement and return the number of rows it changed."""
        return self._execute(sql, parameters).rowcount

    def insert(self, sql: str, parameters: Sequence[object]) -> int:
        """Insert one row and return its generated id."""
        return self._execute(sql, parameters).lastrowid or 0

    def write_many(self, sql: str, rows: Sequence[Row]) -> int:
        """Run a statement, which SQLite prepares once, for each row; return the number of rows it changed."""
        with self._translated():
            return self._connection.executemany(sql, rows).rowcount

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return a query's rows."""
        with self._translated():
            return self._connection.execute(sql, tuple(parameters)).fetchall()

    def read_by_text(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        """Return a query's rows; SQLite never puts parameters into the statement."""
        return self.read(sql, parameters)

    def schema_version(self) -> int:
        """Return the newest schema version that was applied, 0 if none was.

        Raises:
            SchemaError: the tables belong to another program.
        """
        tables = {name for (name,) in self.read("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "schema_migrations" in tables:
            return int(self.read("SELECT COALESCE(MAX(version), 0) FROM schema_migrations")[0][0])
        if "document_logs" in tables:
            raise SchemaError(
                f"{self._path} has a table document_logs that s3mover did not make: give s3mover a file of its own."
            )
        return 0

    def upgrading(self) -> contextlib.AbstractContextManager[None]:
        """Change the schema in one transaction, which keeps others out until it is whole."""
        return self.transaction()

    def run(self, statement: str) -> None:
        """Run one statement of a schema file."""
        self._execute(statement)

    def follows_another(self) -> bool:
        """Return False: a file follows nothing."""
        return False

    def reopen(self) -> None:
        """Open the file again."""
        connection = self._connect(create=False)
        self._connection.close()
        self._connection = connection

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _connect(self, *, create: bool) -> sqlite3.Connection:
        mode = "rwc" if create else "rw"
        with self._translated():
            connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode={mode}",
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                uri=True,
            )
            try:
                _enter_wal_mode(connection)
                connection.execute("PRAGMA synchronous = FULL")
            except sqlite3.Error:
                connection.close()
                raise
        return connection

    def _execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        with self._translated():
            return self._connection.execute(sql, tuple(parameters))

    def _roll_back(self) -> None:
        # If the error ended the transaction, or the connection is unusable, there is nothing to roll back.
        with contextlib.suppress(sqlite3.Error):
            self._connection.rollback()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _translate(error, self._path) from error


def _enter_wal_mode(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, and wait for locks as other statements do.

    A new file is switched under an exclusive lock, for which SQLite does not wait: of two connections that open it at
    once, one would fail.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            if not _is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(BUSY_POLL_SECONDS)
        else:
            return


def _require(path: Path, *, create: bool) -> None:
    if not path.parent.is_dir():
        raise UnreachableError(
            f"The audit database {path} cannot be created: {path.parent} is not a directory. "
            "Create it, or change audit.url."
        )
    if not create and not path.exists():
        raise UnreachableError(
            f"The audit database {path} does not exist yet: it is created by `s3mover run`, `sweep` or `schema apply`."
        )


def _create_private(path: Path) -> None:
    """Create the file, if it is missing, readable by this user only; SQLite gives its -wal, -shm and -journal the same.

    The mode of a file that exists stays: someone may have shared it on purpose (`check` warns).
    """
    with _creating:
        if path.exists():
            return
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, PRIVATE_MODE))
        except OSError as error:
            raise UnreachableError(
                f"The audit database {path} cannot be created: {error.strerror}."
            ) from error


def shared_files(path: Path) -> list[Path]:
    """Return the database's files that other users of this machine may read or write."""
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
    return [file for file in files if file.exists() and file.stat().st_mode & ~PRIVATE_MODE & 0o777]


def _is_busy(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _translate(error: sqlite3.Error, path: Path) -> MoverError:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    sentence = f"The audit database {path}: {error}."
    if code in _TEMPORARY:
        return AuditUnavailableError(sentence)
    if code == sqlite3.SQLITE_CORRUPT:
        return DamagedDatabaseError(
            f"The audit database {path} is damaged: {error}. Stop s3mover and restore the file from a backup, or save "
            "what is readable with `sqlite3 FILE .recover`. With a new file the next sweep starts a new trail."
        )
    if code in _UNREACHABLE:
        return UnreachableError(sentence)
    return MoverError(sentence)
