"""Sweeps by many machines: real schedulers, machines and supervisors as processes, on one MariaDB."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from testkit.mariadb import Account, MariaDb
from testkit.ports import reserved_port
from testkit.program import Daemon, daemon, run_program
from testkit.trail_rows import assert_sealed
from testkit.world import DESTINATION, SOURCE, World
from tests.scale.conftest import identities
from tests.scale.members import UNCLOSED, Identities, Members, environment_of

__all__ = ["identities"]

pytestmark = [pytest.mark.process, pytest.mark.timeout(300), UNCLOSED]
OBJECTS = 6_000
THREADS = 16
ONCE = "SELECT COUNT(*), COUNT(DISTINCT file_key), COUNT(DISTINCT number) FROM document_logs WHERE status = 'success'"
RANGES = "SELECT status, COUNT(*) FROM sweep_ranges GROUP BY status"


class Cluster:
    """A scheduler and machines, and the settings of their supervisor."""

    def __init__(
        self, world: World, members: Members, identities: Identities, account: Account, folder: Path
    ) -> None:
        self.world, self.account = world, account
        self._folder = folder
        self._opened = ExitStack()
        self.members = members
        self._identities = identities
        self.scheduler = members.scheduler()
        self.common = {
            **world.environment,
            "MYSQL_DSN": account.go_dsn,
            "S3MOVER_TRANSFER__THREADS": str(THREADS),
            "S3MOVER_TRANSFER__PROCESSES": "1",
            "S3MOVER_HTTP__HOST": "127.0.0.1",
        }
        self.machines: dict[str, Daemon] = {}
        self.leader: Daemon

    def settings(self, role: str) -> dict[str, str]:
        """Return the environment of a member."""
        return {**environment_of(self._identities.settings(role, self.members.port)), **self.common}

    def machine(self, name: str) -> Daemon:
        """Start a machine, and return once it is registered."""
        port = self._opened.enter_context(reserved_port())
        folder = self._folder / name
        folder.mkdir()
        settings = {**self.settings("worker"), "S3MOVER_HTTP__PORT": str(port)}
        started = self._opened.enter_context(daemon(settings, folder, "worker", "--name", name))
        started.await_event("machine.registered")
        self.machines[name] = started
        return started

    def supervisor(self, *arguments: str) -> Daemon:
        """Start a supervisor."""
        port = self._opened.enter_context(reserved_port())
        settings = {
            **self.settings("supervisor"),
            "S3MOVER_HTTP__PORT": str(port),
            "S3MOVER_SWEEP__INTERVAL": "1s",
        }
        return self._opened.enter_context(daemon(settings, self._folder, *arguments))

    def sweep(self, expect: int = 0) -> str:
        """Sweep once, and return the output."""
        return run_program(["sweep"], self.settings("supervisor"), self._folder, expect=expect).stdout

    def assert_whole(self, objects: int = OBJECTS) -> None:
        """Both buckets are equal, each object has one row of success, the counts are the rows', the rows as sealed."""
        query = self.account.query
        assert self.world.s3.differences(SOURCE, DESTINATION) == []
        assert query(ONCE) == [(objects, objects, objects)]
        assert query("SELECT COUNT(*) FROM document_logs WHERE status = 'pending'") == [(0,)]
        uncounted = """
            SELECT id FROM migration_batches AS sweep WHERE status = 'completed' AND (
                succeeded <> (SELECT COUNT(*) FROM document_logs AS moved
                    WHERE moved.batch_id = sweep.id AND moved.status = 'success')
                OR listed <> skipped + succeeded + failed)"""
        assert query(uncounted) == []
        assert_sealed(self.account.go_dsn)

    def close(self) -> None:
        """End all."""
        self._opened.close()


@pytest.fixture
def cluster(
    world: World, identities: Identities, mariadb: MariaDb, port: int, tmp_path: Path
) -> Iterator[Cluster]:
    """A cluster with a scheduler and without machines."""
    with Members(identities, port, tmp_path) as members:
        made = Cluster(world, members, identities, mariadb.database(), tmp_path)
        try:
            yield made
        finally:
            made.close()


def copies(world: World) -> Counter[str]:
    """Return how often each object was copied."""
    return Counter(entry["key"] for entry in world.s3.log("CopyObject", DESTINATION))


def test_machines_share_a_sweep(cluster: Cluster) -> None:
    """Each moves some of the objects, none is moved twice, and the summary counts all."""
    cluster.world.s3.fill(SOURCE, OBJECTS, size=10)
    for name in ("one", "two", "three"):
        cluster.machine(name)
    said = cluster.sweep()
    assert f'"succeeded":{OBJECTS}' in said
    cluster.assert_whole()
    assert max(copies(cluster.world).values()) == 1
    for machine in cluster.machines.values():
        machine.await_event("range.finished")
    assert cluster.account.query(RANGES) == [("completed", 12)]
    assert '"planned":0' in cluster.sweep()


@pytest.fixture
def at_work(cluster: Cluster) -> Cluster:
    """Three machines in the middle of a sweep, each with a range."""
    cluster.world.s3.fill(SOURCE, OBJECTS, size=10)
    cluster.world.s3.set_latency(CopyObject=0.1)
    for name in ("one", "two", "three"):
        cluster.machine(name)
    cluster.leader = cluster.supervisor("sweep")
    for machine in cluster.machines.values():
        machine.await_event("object.moved")
    return cluster


def finish(cluster: Cluster) -> None:
    """Let the sweep end as quickly as it can, and look at what became of it."""
    cluster.world.s3.set_latency(0)
    finished = cluster.leader.await_event("sweep.finished")
    assert (finished["status"], finished["failed"]) == ("completed", 0), finished
    assert cluster.leader.end() == 0
    cluster.assert_whole()


def test_a_killed_machine_is_replaced(at_work: Cluster) -> None:
    """Its range is begun again under a new token; at most what its threads had in hand is copied twice."""
    at_work.machines["two"].process.kill()
    at_work.leader.await_event("machine.lost", lambda event: event["machine"] == "two")
    at_work.leader.await_event("range.retried")
    finish(at_work)
    twice = [count for count in copies(at_work.world).values() if count > 1]
    assert len(twice) <= THREADS
    assert not twice or max(twice) == 2


def test_a_stopped_machine_writes_nothing_once_it_is_continued(at_work: Cluster) -> None:
    """The cluster gives it up, its range is fenced, and it joins again."""
    stopped = at_work.machines["two"].process
    stopped.send_signal(signal.SIGSTOP)
    at_work.leader.await_event("machine.lost")
    at_work.leader.await_event("range.retried")
    at_work.leader.await_event("range.started", lambda event: event["attempt"] > 1)
    stopped.send_signal(signal.SIGCONT)
    at_work.machines["two"].await_event("lease.lost")
    finish(at_work)


def test_a_machine_leaves_in_order_while_another_joins(at_work: Cluster) -> None:
    """Without an error, a row twice or a copy twice."""
    at_work.machines["one"].process.terminate()
    at_work.machine("four")
    assert at_work.machines["one"].end() == 0
    finish(at_work)
    assert max(copies(at_work.world).values()) == 1
    assert not [event for event in at_work.leader.events if event["event"] == "machine.lost"]
    assert at_work.account.query("SELECT COUNT(*) FROM document_logs WHERE status = 'error'") == [(0,)]


def test_a_stopped_sweep_is_recorded_as_interrupted(at_work: Cluster) -> None:
    """The machines hand their ranges back in order; the next sweep moves what is left."""
    at_work.leader.process.terminate()
    finished = at_work.leader.await_event("sweep.finished")
    assert finished["status"] == "interrupted", finished
    at_work.leader.end()
    pending = "SELECT COUNT(*) FROM document_logs WHERE status = 'pending'"
    assert at_work.account.query(pending) == [(0,)]
    at_work.leader = at_work.supervisor("sweep")
    at_work.leader.await_event("sweep.started")
    finish_after_take_over(at_work)


def test_a_killed_scheduler_is_outlasted(at_work: Cluster) -> None:
    """Machines and supervisor connect to the next one by themselves."""
    at_work.scheduler.process.kill()
    at_work.leader.await_event("scheduler.unavailable")
    at_work.members.scheduler()
    at_work.leader.await_event("scheduler.restored")
    finish(at_work)


def test_a_killed_supervisor_is_succeeded(at_work: Cluster) -> None:
    """The machines end their ranges when the lease lapses; the next supervisor resolves what is open and sweeps."""
    at_work.leader.process.kill()
    at_work.leader = at_work.supervisor("sweep", "--wait")
    at_work.leader.await_event("sweep.started")
    finish_after_take_over(at_work)


def finish_after_take_over(cluster: Cluster) -> None:
    """As `finish`; the sweep that was cut off is recorded as interrupted, and the counts of both are the rows'."""
    cluster.world.s3.set_latency(0)
    cluster.leader.await_event("sweep.finished", lambda event: event["status"] == "completed")
    assert cluster.leader.end() == 0
    rows = cluster.account.query("SELECT status, COUNT(*) FROM migration_batches GROUP BY status ORDER BY 1")
    assert dict(rows) == {"completed": 1, "interrupted": 1}
    assert cluster.world.s3.differences(SOURCE, DESTINATION) == []
    successes = "SELECT COUNT(*), COUNT(DISTINCT file_key) FROM document_logs WHERE status = 'success'"
    assert cluster.account.query(successes) == [(OBJECTS, OBJECTS)]
    assert cluster.account.query("SELECT COUNT(*) FROM document_logs WHERE status = 'pending'") == [(0,)]


def test_a_range_that_fails_fails_the_sweep(cluster: Cluster) -> None:
    """The others end in order; the error is the store's."""
    cluster.world.s3.fill(SOURCE, OBJECTS, size=10)
    for name in ("one", "two"):
        cluster.machine(name)
    cluster.leader = cluster.supervisor("run")
    cluster.leader.await_event("sweep.finished")
    cluster.world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=DESTINATION)
    failed = cluster.leader.await_event("sweep.finished", lambda event: event["status"] == "failed")
    assert "AccessDenied" in failed["message"]
    cluster.leader.process.terminate()
    assert cluster.leader.end() == 0
