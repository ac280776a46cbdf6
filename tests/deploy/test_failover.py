"""A pair of instances as the chart deploys it, on one MariaDB: leaders are killed, the database restarts in between."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from testkit.mariadb import Account, MariaDb, running_mariadb
from testkit.program import Daemon, daemon
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World


@pytest.fixture
def server() -> Iterator[MariaDb]:
    """A server that the test may kill."""
    with running_mariadb() as running:
        yield running


@pytest.fixture
def trail(server: MariaDb) -> Account:
    """The audit database that the instances share."""
    return server.database()


@pytest.fixture
def instance(world: World, trail: Account, tmp_path: Path) -> Callable[[str], AbstractContextManager[Daemon]]:
    """What starts an instance of its own folder on the shared database."""
    settings = {
        **world.environment,
        "MYSQL_DSN": trail.go_dsn,
        "S3MOVER_HTTP__HOST": "127.0.0.1",
        "S3MOVER_HTTP__PORT": "0",
        "S3MOVER_SWEEP__INTERVAL": "100ms",
        "S3MOVER_TRANSFER__PROCESSES": "1",
    }

    def start(name: str) -> AbstractContextManager[Daemon]:
        (tmp_path / name).mkdir()
        return daemon(settings, tmp_path / name)

    return start


def test_the_other_instance_goes_on_after_each_kill(
    world: World,
    server: MariaDb,
    trail: Account,
    instance: Callable[[str], AbstractContextManager[Daemon]],
    record_property: Callable[[str, object], None],
) -> None:
    """Each object is moved once, by whoever leads, also while the database restarts; nothing stays pending."""
    with ExitStack() as opened:
        first = opened.enter_context(instance("first"))
        first.await_event("lease.acquired")
        second = opened.enter_context(instance("second"))
        second.await_event("lease.waiting")
        moved_by(first, world, "before")

        first.process.kill()
        record_property("seconds_after_a_kill", moved_by(second, world, "after the kill"))

        held = world.s3.add_fault("hold", operation="CopyObject")
        world.s3.put_object(SOURCE, "during the restart", b"1")
        wait_until(lambda: world.s3.hits(held), "a sweep is under way", second.tail)
        server.kill()
        second.await_event("audit.unavailable")
        server.start()
        world.s3.clear_faults(held)
        waited = second.await_event("sweep.finished", lambda event: event["outage_seconds"])
        assert waited["outage_seconds"] <= waited["seconds"]
        record_property("seconds_after_a_restart", moved_by(second, world, "after the restart"))

        third = opened.enter_context(instance("third"))
        third.await_event("lease.waiting")
        second.process.kill()
        moved_by(third, world, "after another kill")
        third.process.terminate()
        assert third.end() == 0
    assert world.s3.differences(SOURCE, DESTINATION) == []
    rows = trail.query("SELECT status, COUNT(*), COUNT(DISTINCT file_key) FROM document_logs GROUP BY status")
    assert rows == [("success", 5, 5)]


def moved_by(instance: Daemon, world: World, key: str) -> float:
    """Put an object, wait until this instance has moved it, and return the seconds."""
    began = time.monotonic()
    world.s3.put_object(SOURCE, key, b"1")
    instance.await_event("object.moved", lambda event: event["key"] == key)
    return time.monotonic() - began
