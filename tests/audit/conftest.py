"""The databases that the trail's contract is held against, and a trail on each."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mysql.connector
import pytest

from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.audit.opening import open_trail
from s3mover.audit.trail import Trail
from testkit.mariadb import Account, MariaDb
from testkit.waiting import TOO_LONG
from tests.audit.samples import PAIR

MYSQL_URL = os.environ.get("S3MOVER_TEST_MYSQL_URL", "")
MARIADB = pytest.param("mariadb", marks=pytest.mark.process)
SERVERS = [MARIADB, *([pytest.param("mysql", marks=pytest.mark.process)] if MYSQL_URL else [])]
BACKENDS = ["sqlite", *SERVERS]


@dataclass(frozen=True)
class Backend:
    """An empty database: the URL that s3mover gets, and a way to look inside past s3mover."""

    url: str
    query: Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each database in turn."""
    if request.param == "sqlite":
        yield sqlite_backend(tmp_path / "trail.db")
    elif request.param == "mariadb":
        server: MariaDb = request.getfixturevalue("mariadb")
        account = server.database()
        yield Backend(account.go_dsn, account.query)
    else:
        with given_mysql() as account:
            yield Backend(account.go_dsn, account.query)


@pytest.fixture(params=SERVERS)
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """An empty database of each server in turn."""
    if request.param == "mysql":
        with given_mysql() as given:
            yield given
    else:
        server: MariaDb = request.getfixturevalue("mariadb")
        yield server.database()


@pytest.fixture
def trail(backend: Backend) -> Iterator[Trail]:
    """A trail that is open for writing, and holds the lease on the pair of the samples."""
    with contextlib.closing(open_trail(backend.url)) as opened:
        assert opened.acquire_lease(PAIR)
        yield opened


def sqlite_backend(path: Path) -> Backend:
    """Return a database that is to be made in that file."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()

    return Backend(f"sqlite:///{path}", query)


@contextlib.contextmanager
def given_mysql() -> Iterator[Account]:
    """Give the database that the environment names, emptied; test processes take turns."""
    dsn = parse_dsn(MYSQL_URL)
    assert isinstance(dsn, MysqlDsn), "S3MOVER_TEST_MYSQL_URL must name a MySQL"
    account = Account(dsn.host, dsn.port, dsn.user, dsn.password, dsn.database)
    with contextlib.closing(mysql.connector.connect(**{**account._asdict(), "database": None})) as turn:
        with contextlib.closing(turn.cursor()) as cursor:
            cursor.execute(f"SELECT GET_LOCK('s3mover tests', {TOO_LONG:.0f})")
            assert cursor.fetchall() == [(1,)]
        _empty(account)
        yield account


def _empty(account: Account) -> None:
    tables = account.query(
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    for name, kind in tables:
        account.query(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} `{name}`")
