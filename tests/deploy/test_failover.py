"""A pair of instances as the chart deploys it, on one MariaDB: leaders are killed, the database restarts in between."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from testkit import report_tables
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
def instance(world: World, trail: Account, tmp_path: Path) -> "Start":
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


Start = Callable[[str], AbstractContextManager[Daemon]]


class Pair:
    """A leader and an instance that stands by; `told` gets each strike and the seconds until the other works."""

    def __init__(
        self, world: World, start: Start, opened: ExitStack, told: Callable[[str, float], None]
    ) -> None:
        self._world, self._start, self._opened, self._told = world, start, opened, told
        self._started = 0
        self.leader = self._open("lease.acquired")
        self.standby = self._open("lease.waiting")

    def _open(self, event: str) -> Daemon:
        self._started += 1
        instance = self._opened.enter_context(self._start(f"instance-{self._started}"))
        instance.await_event(event)
        return instance

    def strike(self, name: str, number: signal.Signals) -> Daemon:
        """Send the leader a signal, wait until the other one moves an object, and return the former leader."""
        self.moved_by(self.leader, f"before: {name}")
        former, began = self.leader, time.monotonic()
        former.process.send_signal(number)
        self.moved_by(self.standby, f"after: {name}")
        self._told(name, time.monotonic() - began)
        self.leader = self.standby
        return former

    def replace_standby(self) -> None:
        """Start another instance beside the leader."""
        self.standby = self._open("lease.waiting")

    def moved_by(self, instance: Daemon, key: str) -> None:
        """Put an object, and wait until this instance has moved it."""
        self._world.s3.put_object(SOURCE, key, b"1")
        instance.await_event("object.moved", lambda event: event["key"] == key)


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Return what shows the seconds after a strike in the report."""

    def tell(name: str, seconds: float) -> None:
        then = f"work goes on after {seconds:.1f} s"
        kill = {"test": "failover", "seed": 0, "number": 1, "who": "leader", "when": name, "pending": "-"}
        record_property(report_tables.KILLS, [{**kill, "then": then}])

    return tell


def test_the_other_instance_goes_on_after_each_strike(
    world: World, server: MariaDb, trail: Account, instance: Start, told: Callable[[str, float], None]
) -> None:
    """Each object is moved once, by whoever leads, also while the database restarts; nothing stays pending."""
    with ExitStack() as opened:
        pair = Pair(world, instance, opened, told)
        pair.strike("killed (SIGKILL)", signal.SIGKILL)
        pair.replace_standby()
        assert pair.strike("deleted (SIGTERM)", signal.SIGTERM).end() == 0
        pair.replace_standby()
        frozen = pair.strike("frozen (SIGSTOP)", signal.SIGSTOP)
        frozen.process.send_signal(signal.SIGCONT)
        frozen.await_event("lease.waiting")

        leader = pair.leader
        held = world.s3.add_fault("hold", operation="CopyObject")
        world.s3.put_object(SOURCE, "during the restart", b"1")
        wait_until(lambda: world.s3.hits(held), "a sweep is under way", leader.tail)
        server.kill()
        leader.await_event("audit.unavailable")
        began = time.monotonic()
        server.start()
        world.s3.clear_faults(held)
        done = "SELECT 1 FROM document_logs WHERE file_key = 'during the restart' AND status = 'success'"
        wait_until(lambda: trail.query(done), "whoever leads goes on", leader.tail)
        told("database restarted", time.monotonic() - began)
        for each in (leader, frozen):
            each.process.terminate()
            assert each.end() == 0
    assert world.s3.differences(SOURCE, DESTINATION) == []
    rows = trail.query("SELECT status, COUNT(*), COUNT(DISTINCT file_key) FROM document_logs GROUP BY status")
    assert rows == [("success", 7, 7)]
