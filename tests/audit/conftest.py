"""The databases that the trail's contract is held against, and a trail on each."""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.audit.opening import open_trail
from s3mover.audit.trail import Trail
from tests.support.mariadb import Account, MariaDb

MYSQL_URL = os.environ.get("S3MOVER_TEST_MYSQL_URL", "")
BACKENDS = ["sqlite", "mariadb", *(["mysql"] if MYSQL_URL else [])]


@dataclass(frozen=True)
class Backend:
    """An empty database: the URL that s3mover gets, and a way to look inside past s3mover."""

    url: str
    query: Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each database in turn."""
    if request.param == "sqlite":
        yield _sqlite(tmp_path / "trail.db")
    elif request.param == "mariadb":
        server: MariaDb = request.getfixturevalue("mariadb")
        account = server.database()
        yield Backend(account.go_dsn, account.query)
    else:
        with _given_mysql() as account:
            yield Backend(account.go_dsn, account.query)


@pytest.fixture
def trail(backend: Backend) -> Iterator[Trail]:
    """A trail that is open for writing."""
    with contextlib.closing(open_trail(backend.url)) as opened:
        yield opened


def _sqlite(path: Path) -> Backend:
    def query(sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return connection.execute(sql).fetchall()

    return Backend(f"sqlite:///{path}", query)


@contextlib.contextmanager
def _given_mysql() -> Iterator[Account]:
    dsn = parse_dsn(MYSQL_URL)
    assert isinstance(dsn, MysqlDsn), "S3MOVER_TEST_MYSQL_URL must name a MySQL"
    given = Account(dsn.host, dsn.port, dsn.user, dsn.password, dsn.database)
    name = f"s3mover_test_{secrets.token_hex(4)}"
    given.query(f"CREATE DATABASE {name}")
    try:
        yield given._replace(database=name)
    finally:
        given.query(f"DROP DATABASE {name}")
