"""`s3mover run` whose audit database is killed in the middle of a sweep, and comes back."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.endtoend.conftest import DESTINATION, SOURCE, World
from tests.support.mariadb import MariaDb
from tests.support.program import daemon

OBJECTS = 2000
THREADS = 4
# Orders that workers hold and those of one more write; ARCHITECTURE.md has the numbers.
MOST_UNDER_WAY = 2 * THREADS * 4 + 500
COUNTED = "SELECT status, COUNT(*), COUNT(DISTINCT file_key) FROM document_logs GROUP BY status"


@pytest.fixture
def port() -> int:
    """A free port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(mariadb: MariaDb) -> Iterator[MariaDb]:
    """The server, which the test may kill."""
    yield mariadb
    if not mariadb.is_running:
        mariadb.start()


def test_a_sweep_outlasts_its_database(world: World, server: MariaDb, port: int, tmp_path: Path) -> None:
    """Nothing new is begun while it is away; health goes on, metrics tell; back, every object has one row."""
    account = server.database()
    world.s3.fill(SOURCE, OBJECTS, size=10)
    settings = {
        **world.environment,
        "MYSQL_DSN": account.go_dsn,
        "S3MOVER_HTTP__HOST": "127.0.0.1",
        "S3MOVER_HTTP__PORT": str(port),
        "S3MOVER_TRANSFER__THREADS": str(THREADS),
        "S3MOVER_TRANSFER__PROCESSES": "1",
    }
    with daemon(settings, tmp_path) as running:
        running.await_event("object.moved")
        server.kill()
        running.await_event("audit.unavailable")
        assert "s3mover_audit_up 0.0" in running.get(port, "/metrics")[1]
        assert running.get(port, "/healthz")[0] == 200
        announced = sum(event["event"] == "object.moved" for event in running.events)
        assert world.s3.count(DESTINATION) <= announced + MOST_UNDER_WAY < OBJECTS
        server.start()
        running.await_event("audit.restored")
        finished = running.await_event("sweep.finished")
        assert "s3mover_audit_up 1.0" in running.get(port, "/metrics")[1]
        running.process.terminate()
        assert running.end() == 0
    assert (finished["status"], finished["succeeded"], finished["failed"]) == ("completed", OBJECTS, 0)
    assert account.query(COUNTED) == [("success", OBJECTS, OBJECTS)]
    assert world.s3.differences(SOURCE, DESTINATION) == []
