"""From the value of `audit.url` to a trail: which door, and with which schema.

The MySQL driver costs a tenth of a second to import, so its door is opened only for a URL that needs it.
"""

import contextlib
import importlib

from s3mover.audit import schema
from s3mover.audit.database import Database
from s3mover.audit.dsn import Dsn, SqliteDsn, parse_dsn
from s3mover.audit.sqlite import SqliteDatabase
from s3mover.audit.sqltrail import SqlTrail
from s3mover.audit.trail import Trail
from s3mover.errors import SchemaError, UnreachableError


def open_trail(url: str) -> Trail:
    """Open the trail for writing; its schema is brought up to date first.

    Raises:
        SettingsError: the URL cannot be read.
        UnreachableError: the database does not permit the work.
        AuditUnavailableError: the database cannot be reached now.
        SchemaError: the schema is newer than this program, or may not be changed by this user.
    """
    database = _connect(parse_dsn(url))
    try:
        if schema.is_behind(database):
            apply_schema(url)
    except BaseException:
        database.close()
        raise
    return SqlTrail(database)


def open_reader(url: str) -> Trail:
    """Open the trail on a connection of its own, for reports and corrections beside a daemon; nothing is created.

    Raises:
        As `open_trail`; `SchemaError` also where the schema is older than this program.
    """
    database = _connect(parse_dsn(url), create=False, patient=True)
    try:
        schema.require_newest(database)
    except BaseException:
        database.close()
        raise
    return SqlTrail(database)


def apply_schema(url: str) -> list[int]:
    """Bring the database to the newest schema and return the versions that were applied now.

    Raises:
        As `open_trail`.
    """
    with contextlib.closing(_connect(parse_dsn(url), patient=True)) as database:
        try:
            return schema.bring_up_to_date(database)
        except UnreachableError as error:
            raise SchemaError(
                f"The audit database needs a newer schema, which this user may not apply: {error} "
                "Run `s3mover schema apply` once as a user who may create and alter tables and views."
            ) from error


def schema_text(url: str) -> str:
    """Return what `apply_schema` would run; empty where nothing is missing.

    Raises:
        As `open_trail`.
    """
    dsn = parse_dsn(url)
    if isinstance(dsn, SqliteDsn) and not dsn.path.exists():
        return schema.text(schema.migrations("sqlite"))
    with contextlib.closing(_connect(dsn, create=False)) as database:
        return schema.text(schema.missing(schema.migrations(database.backend), database.schema_version()))


def _connect(dsn: Dsn, *, create: bool = True, patient: bool = False) -> Database:
    if isinstance(dsn, SqliteDsn):
        return SqliteDatabase(dsn.path, create=create)
    door = importlib.import_module("s3mover.audit.mysql")
    database: Database = door.MysqlDatabase(dsn, patient=patient)
    return database
