"""Opens a trail from the value of `audit.url`: chooses the database's adapter, and checks or upgrades the schema.

An adapter is imported only for a URL that needs it: the MySQL driver takes a tenth of a second.
"""

import contextlib
import importlib
from typing import TYPE_CHECKING

from s3mover.audit import migrations
from s3mover.audit.database import Database
from s3mover.audit.dsn import Dsn, SqliteDsn, parse_dsn
from s3mover.audit.sql_trail import SqlTrail
from s3mover.audit.trail import Trail
from s3mover.errors import SchemaError, UnreachableError

if TYPE_CHECKING:
    from s3mover.audit.seal_reader import SealReader
    from s3mover.audit.sealing import Sealing


def open_trail(url: str, sealing: "Sealing | None" = None) -> Trail:
    """Open the trail for writing; upgrade its schema first. `sealing` says how sweeps are sealed.

    Raises:
        SettingsError: the URL is invalid.
        UnreachableError: the database denies access.
        AuditUnavailableError: the database cannot be reached now.
        SchemaError: the schema is newer than this program, or this user may not change it.
    """
    database = connect(parse_dsn(url))
    try:
        if migrations.is_behind(database):
            apply_schema(url)
    except BaseException:
        database.close()
        raise
    return SqlTrail(database, sealing)


def open_reader(url: str) -> Trail:
    """Open the trail on a connection of its own, for reports and corrections beside a daemon. Create nothing.

    Raises:
        As `open_trail`; `SchemaError` also where the schema is older than this program.
    """
    return SqlTrail(_connect_to_read(url))


def open_seal_reader(url: str) -> "SealReader":
    """Open what reads seals, on a connection of its own.

    Raises:
        As `open_reader`.
    """
    from s3mover.audit.seal_reader import SealReader  # noqa: PLC0415 - for a few commands only

    return SealReader(_connect_to_read(url))


def _connect_to_read(url: str) -> Database:
    database = connect(parse_dsn(url), create=False, long_running=True)
    try:
        migrations.require_newest(database)
    except BaseException:
        database.close()
        raise
    return database


def apply_schema(url: str) -> list[int]:
    """Upgrade the database to the newest schema and return the versions that were applied now.

    Raises:
        As `open_trail`.
    """
    with contextlib.closing(connect(parse_dsn(url), long_running=True)) as database:
        try:
            return migrations.upgrade(database)
        except UnreachableError as error:
            raise SchemaError(
                f"The audit database needs a newer schema, which this user may not apply: {error} "
                "Run `s3mover schema apply` once as a user who may create and alter tables and views."
            ) from error


def schema_text(url: str) -> str:
    """Return the SQL that `apply_schema` would run; empty if the schema is up to date.

    Raises:
        As `open_trail`.
    """
    dsn = parse_dsn(url)
    if isinstance(dsn, SqliteDsn) and not dsn.path.exists():
        return migrations.text(migrations.load("sqlite"))
    with contextlib.closing(connect(dsn, create=False)) as database:
        return migrations.text(
            migrations.unapplied(migrations.load(database.backend), database.schema_version())
        )


def connect(dsn: Dsn, *, create: bool = True, long_running: bool = False) -> Database:
    """Return a connection to the database of `dsn`; raise as `open_trail`, without a look at the schema."""
    if isinstance(dsn, SqliteDsn):
        from s3mover.audit.sqlite import SqliteDatabase  # noqa: PLC0415

        return SqliteDatabase(dsn.path, create=create)
    adapter = importlib.import_module("s3mover.audit.mysql")
    database: Database = adapter.MysqlDatabase(dsn, long_running=long_running)
    return database
