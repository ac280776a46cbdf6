"""`s3mover run` whose audit database is away: at its start, while it stands by, in the middle of a sweep."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.mariadb import Account, MariaDb
from testkit.program import daemon
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World

OBJECTS = 2000
THREADS = 4
# Orders that workers hold and those of one more write; ARCHITECTURE.md has the numbers.
MOST_UNDER_WAY = 2 * THREADS * 4 + 500
COUNTED = "SELECT status, COUNT(*), COUNT(DISTINCT file_key) FROM document_logs GROUP BY status"


@pytest.fixture
def server(mariadb: MariaDb) -> Iterator[MariaDb]:
    """The server, which the test may kill."""
    yield mariadb
    if not mariadb.is_running:
        mariadb.start()


def settings_for(world: World, account: Account, port: int) -> dict[str, str]:
    return {
        **world.environment,
        "MYSQL_DSN": account.go_dsn,
        "S3MOVER_HTTP__HOST": "127.0.0.1",
        "S3MOVER_HTTP__PORT": str(port),
        "S3MOVER_SWEEP__INTERVAL": "100ms",
    }


def test_a_daemon_awaits_its_database(world: World, server: MariaDb, port: int, tmp_path: Path) -> None:
    """Started before its database it stays up, is not ready and says why, and begins once the database is there."""
    account = server.database()
    world.s3.fill(SOURCE, 20, size=10)
    server.kill()
    settings = settings_for(world, account, port) | {"S3MOVER_SWEEP__INTERVAL": "1h"}
    with daemon(settings, tmp_path) as running:
        running.await_event("audit.unavailable")
        ready, sentence = running.get(port, "/readyz")
        assert (ready, sentence.startswith("starting: The audit database is not available")) == (503, True)
        assert account.password not in sentence
        assert running.get(port, "/healthz")[0] == 200
        assert "s3mover_audit_up 0.0" in running.get(port, "/metrics")[1]
        server.start()
        running.await_event("audit.restored")
        assert running.await_event("sweep.finished")["succeeded"] == 20
        assert running.get(port, "/readyz") == (200, "idle\n")
        running.process.terminate()
        assert running.end() == 0
    assert account.query(COUNTED) == [("success", 20, 20)]
    assert [event["event"] for event in running.events].count("audit.unavailable") == 1


def test_a_daemon_that_awaits_its_database_can_be_stopped(
    world: World, server: MariaDb, port: int, tmp_path: Path
) -> None:
    """It has nothing in hand: the stop is a normal one, and leaves no time to pass."""
    account = server.database()
    server.kill()
    settings = settings_for(world, account, port) | {"S3MOVER_STOP__GRACE": "1h"}
    with daemon(settings, tmp_path) as running:
        running.await_event("audit.unavailable")
        running.process.terminate()
        assert running.end() == 0


def test_a_route_awaits_its_database_beside_the_others(
    world: World, server: MariaDb, port: int, tmp_path: Path
) -> None:
    """Each of several routes waits for the one trail, and begins at once when it is there."""
    account = server.database()
    world.s3.put_object(SOURCE, "a/k", b"1")
    world.s3.put_object(SOURCE, "b/k", b"1")
    config = {"routes": [{"name": name, "source": {"prefix": f"{name}/"}} for name in ("a", "b")]}
    (tmp_path / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    server.kill()
    with daemon(settings_for(world, account, port), tmp_path) as running:
        away = [running.await_event("audit.unavailable")["route"] for _ in range(2)]
        assert sorted(away) == ["a", "b"]
        assert running.get(port, "/readyz")[0] == 503
        server.start()
        awaited = {"a", "b"}
        while awaited:
            finished = running.await_event("sweep.finished")
            awaited -= {finished["route"]} if finished["succeeded"] == 1 else set()
        running.process.terminate()
        assert running.end() == 0
    assert "route.failed" not in {event["event"] for event in running.events}


def test_a_standby_outlasts_the_database(world: World, server: MariaDb, tmp_path: Path) -> None:
    """Who waits for the lease goes on waiting when the database is back, and takes over when the leader ends."""
    account = server.database()
    world.s3.fill(SOURCE, 20, size=10)
    folders = [tmp_path / name for name in ("leader", "standby")]
    for folder in folders:
        folder.mkdir()
    settings = settings_for(world, account, 0)
    with daemon(settings, folders[0]) as leader:
        leader.await_event("sweep.finished")
        with daemon(settings, folders[1]) as standby:
            standby.await_event("lease.waiting")
            server.kill()
            for one in (leader, standby):
                one.await_event("audit.unavailable")
            server.start()
            standby.await_event("audit.restored")
            # Whoever came back first leads; the leader ends where it was the standby.
            leader.process.kill()
            standby.await_event("lease.acquired")
            world.s3.put_object(SOURCE, "after", b"1")
            standby.await_event("object.moved", lambda event: event["key"] == "after")
            standby.process.terminate()
            assert standby.end() == 0
    assert [event["event"] for event in standby.events].count("audit.unavailable") == 1
    assert account.query(COUNTED) == [("success", 21, 21)]


def test_a_sweep_outlasts_its_database(world: World, server: MariaDb, port: int, tmp_path: Path) -> None:
    """Nothing new is begun while it is away; health goes on, metrics tell; back, every object has one row."""
    account = server.database()
    world.s3.fill(SOURCE, OBJECTS, size=10)
    world.s3.add_fault("hold", operation="CopyObject", nth=[*range(100, OBJECTS)])
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
        wait_until(lambda: world.s3.hits() == THREADS, "all threads copy", running.tail)
        server.kill()
        world.s3.clear_faults()
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
