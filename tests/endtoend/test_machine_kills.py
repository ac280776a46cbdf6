"""Whatever is killed among many machines, whenever: the buckets become equal, the trail has no gap and no row too many.

Supervisor, scheduler, machines (whole process trees) and the database server are killed at random and started again.
"""

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from testkit import report_tables
from testkit.mariadb import Account, MariaDb, running_mariadb
from testkit.memory import tree
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World
from tests.endtoend.kill_scenario import Program
from tests.scale.conftest import identities
from tests.scale.members import UNCLOSED, Identities, environment_of

__all__ = ["identities"]

pytestmark = [pytest.mark.process, pytest.mark.long, pytest.mark.timeout(1500), UNCLOSED]
SEED = int(os.environ.get("S3MOVER_TEST_SEED", "20261128"))
# With 40 kills a run moves 20,000 objects and takes four minutes.
KILLS = int(os.environ.get("S3MOVER_TEST_KILLS", "12"))
MACHINES, THREADS = 4, 8
COPY_SECONDS = 0.1
# What is moved between two kills, so that each of them meets a sweep in another state.
STRIDE = 500
OBJECTS = KILLS * STRIDE
ARRIVED = "SELECT COUNT(*), COUNT(DISTINCT file_key) FROM document_logs WHERE status = 'success'"
UNCOUNTED = """
    SELECT id FROM migration_batches AS sweep WHERE status <> 'running' AND (
        planned <> (SELECT COUNT(*) FROM document_logs AS r WHERE r.batch_id = sweep.id)
        OR succeeded <> (SELECT COUNT(*) FROM document_logs AS r WHERE r.batch_id = sweep.id AND r.status = 'success')
        OR failed <> (SELECT COUNT(*) FROM document_logs AS r WHERE r.batch_id = sweep.id AND r.status = 'error'))
"""


def kill_tree(root: int) -> None:
    """Kill a process and all that it has started."""
    for pid in tree(root):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Members:
    """All processes of a cluster, each of which may be killed and started again."""

    def __init__(
        self, world: World, identities: Identities, server: MariaDb, account: Account, port: int, folder: Path
    ) -> None:
        self.world, self.server, self.account = world, server, account
        self._identities, self._port, self._folder = identities, port, folder
        self.running: dict[str, Program] = {}

    def start(self, name: str) -> None:
        """Start a member by its name."""
        if name in self.running:
            self.running[name].close()
        role = name.partition("-")[0]
        arguments = {
            "scheduler": ["scheduler", "--host", "127.0.0.1", "--port", str(self._port)],
            "worker": ["worker", "--name", name],
            "supervisor": ["run"],
        }[role]
        settings = {
            **environment_of(self._identities.settings(role, self._port)),
            **self.world.environment,
            "MYSQL_DSN": f"{self.account.go_dsn}&tls=false",
            "S3MOVER_TRANSFER__THREADS": str(THREADS),
            "S3MOVER_TRANSFER__PROCESSES": "1",
            "S3MOVER_SWEEP__INTERVAL": "200ms",
            "S3MOVER_SWEEP__RETRY_WAIT": "0s",
        }
        self.running[name] = Program(settings, self._folder / name, *arguments)

    def kill(self, name: str) -> None:
        """Kill a member and all its processes, and start it again."""
        if name == "database":
            self.server.kill()
            self.server.start()
            return
        kill_tree(self.running[name].process.pid)
        self.start(name)

    def copies(self) -> int:
        """Return how many copies were made."""
        return self.world.s3.count(DESTINATION)

    def await_copies(self, count: int) -> None:
        """Wait until so many objects have arrived."""
        wait_until(lambda: self.copies() >= count, f"{count} objects are moved", self.tails)

    def tails(self) -> str:
        """Return the ends of the logs."""
        return "\n".join(f"{name}: {program.tail()[-400:]}" for name, program in self.running.items())

    def close(self) -> None:
        """Kill all."""
        for program in self.running.values():
            kill_tree(program.process.pid)
            program.close()


@pytest.fixture
def members(world: World, identities: Identities, port: int, tmp_path: Path) -> Iterator[Members]:
    """A scheduler, four machines and a supervisor, on a database server of their own."""
    with running_mariadb() as server:
        made = Members(world, identities, server, server.database(), port, tmp_path)
        try:
            yield made
        finally:
            made.close()


def test_random_kills_leave_no_gap(members: Members, record_property: Callable[[str, object], None]) -> None:
    """During sweeps of four machines, about five hundred objects apart."""
    choice = random.Random(SEED)  # noqa: S311 - it chooses what to kill
    members.world.s3.fill(SOURCE, OBJECTS, size=10)
    members.world.s3.set_latency(CopyObject=COPY_SECONDS)
    names = ["scheduler", *(f"worker-{number}" for number in range(MACHINES)), "supervisor"]
    for name in names:
        members.start(name)
    kills = []
    for number in range(1, KILLS + 1):
        goal = min(members.copies() + choice.randrange(1, STRIDE), OBJECTS - 1)
        members.await_copies(goal)
        who = choice.choice([*names, "database"])
        kills.append(
            {
                "test": "machines",
                "seed": SEED,
                "number": number,
                "who": who,
                "when": f"{goal} moved",
                "pending": "-",
            }
        )
        members.kill(who)
    record_property(report_tables.KILLS, [{**kill, "then": "started again"} for kill in kills])
    members.world.s3.set_latency(0)
    members.await_copies(OBJECTS)
    members.running["supervisor"].await_event(
        "sweep.finished", lambda event: event["status"] == "completed" and event["planned"] == 0
    )
    query = members.account.query
    assert members.world.s3.differences(SOURCE, DESTINATION) == []
    assert query(ARRIVED) == [(OBJECTS, OBJECTS)]
    assert query("SELECT COUNT(*) FROM document_logs WHERE status = 'pending'") == [(0,)]
    assert query(UNCOUNTED) == []
