"""A machine that is cut off from all others by dropped packets: it begins nothing more, and what it had is done anew.

The machine runs in a network namespace of its own, which only root can make; all others are reached through relays.
"""

import contextlib
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS
from testkit.mariadb import MariaDb
from testkit.program import COMMAND, Daemon, daemon
from testkit.relay import Relay
from testkit.waiting import TOO_LONG
from testkit.world import DESTINATION, DESTINATION_ACCOUNT, EVERYTHING, SOURCE, SOURCE_ACCOUNT, World
from tests.endtoend.test_machines import ONCE, RANGES
from tests.scale.conftest import identities
from tests.scale.members import UNCLOSED, Identities, environment_of

__all__ = ["identities"]

pytestmark = [pytest.mark.process, pytest.mark.long, pytest.mark.timeout(600), UNCLOSED]
OBJECTS, THREADS, COPY_SECONDS = 4_000, 16, 0.1
# Until the last packet before the cut was answered.
ON_ITS_WAY_SECONDS = 0.5
# Different for test processes that run at the same time.
NETWORK = f"10.{os.getpid() % 200 + 30}.{os.getpid() // 200 % 250}"
OUTSIDE, INSIDE = f"{NETWORK}.1", f"{NETWORK}.2"


def run(*command: str) -> None:
    """Run a command of the system."""
    subprocess.run(command, check=True, capture_output=True, timeout=TOO_LONG)


class Namespace:
    """A network namespace with one way out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inside = ["ip", "netns", "exec", name]

    def __enter__(self) -> "Namespace":
        outer, inner = f"{self.name}o", f"{self.name}i"
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self.name)
        run("ip", "address", "add", f"{OUTSIDE}/30", "dev", outer)
        run("ip", "link", "set", outer, "up")
        run(*self.inside, "ip", "address", "add", f"{INSIDE}/30", "dev", inner)
        for device in (inner, "lo"):
            run(*self.inside, "ip", "link", "set", device, "up")
        return self

    def __exit__(self, *_: object) -> None:
        # The namespace itself lives as long as connections of its processes.
        run("ip", "link", "delete", f"{self.name}o")
        run("ip", "netns", "delete", self.name)

    def cut(self, directions: tuple[str, ...]) -> None:
        """Drop every packet in these directions."""
        for chain in directions:
            run(
                *self.inside,
                "iptables",
                "-w",
                "-A",
                chain,
                "!",
                "-i" if chain == "INPUT" else "-o",
                "lo",
                "-j",
                "DROP",
            )

    def mend(self) -> None:
        """Drop nothing more."""
        run(*self.inside, "iptables", "-w", "-F")


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """A namespace with one way out."""
    with Namespace(f"s3m{os.getpid() % 100_000}") as made:
        yield made


class Scene:
    """A scheduler, a machine beside it and one in the namespace, and a supervisor in the middle of a sweep."""

    def __init__(
        self,
        world: World,
        identities: Identities,
        account_dsn: str,
        port: int,
        namespace: Namespace,
        folder: Path,
    ) -> None:
        self.world, self.namespace = world, namespace
        self._identities, self._port, self._folder = identities, port, folder
        self._dsn = account_dsn
        self._opened = contextlib.ExitStack()
        world.s3.fill(SOURCE, OBJECTS, size=10)
        world.s3.set_latency(CopyObject=COPY_SECONDS)
        self._s3 = self._opened.enter_context(Relay(int(world.s3.endpoint.rpartition(":")[2]), host=OUTSIDE))
        self._start("scheduler", [], "scheduler", "--host", OUTSIDE, "--port", str(port))
        self.keys = [
            world.s3.add_key(account, user, [{"Statement": EVERYTHING}])
            for account, user in ((SOURCE_ACCOUNT, "user/reader"), (DESTINATION_ACCOUNT, "user/mover"))
        ]
        signing = {
            f"{side}_{name}": value
            for side, key in zip(("SRC", "DST"), self.keys, strict=True)
            for name, value in (("ACCESS_KEY", key.access_key), ("SECRET_KEY", key.secret_key))
        }
        self.near = self._start("worker", [], "worker", "--name", "near")
        self.far = self._start("worker", namespace.inside, "worker", "--name", "far", **signing)
        for machine in (self.near, self.far):
            machine.await_event("machine.registered")
        self.supervisor = self._start("supervisor", [], "sweep")
        for machine in (self.near, self.far):
            machine.await_event("object.moved")

    def _start(self, role: str, prefix: list[str], *arguments: str, **more: str) -> Daemon:
        folder = self._folder / arguments[-1]
        folder.mkdir()
        endpoint = f"http://{OUTSIDE}:{self._s3.port}"
        settings = {
            **environment_of(self._identities.settings(role, self._port, OUTSIDE)),
            **self.world.environment,
            **more,
            "SRC_ENDPOINT_URL": endpoint,
            "DST_ENDPOINT_URL": endpoint,
            "MYSQL_DSN": self._dsn,
            "S3MOVER_TRANSFER__THREADS": str(THREADS),
            "S3MOVER_TRANSFER__PROCESSES": "1",
            "S3MOVER_HTTP__PORT": "0",
        }
        return self._opened.enter_context(daemon(settings, folder, *arguments, command=[*prefix, *COMMAND]))

    def begun_by_far(self) -> list[float]:
        """Return when the store met each request of the machine in the namespace."""
        keys = {key.access_key for key in self.keys}
        return [entry["at"] for entry in self.world.s3.log() if entry["access_key"] in keys]

    def close(self) -> None:
        """End all."""
        self._opened.close()


@pytest.mark.parametrize("directions", [("INPUT", "OUTPUT"), ("INPUT",), ("OUTPUT",)], ids="-".join)
def test_a_machine_that_is_cut_off_begins_nothing_more(
    world: World,
    identities: Identities,
    mariadb: MariaDb,
    port: int,
    namespace: Namespace,
    tmp_path: Path,
    directions: tuple[str, ...],
) -> None:
    """In both directions or one; later it comes back, and every object was moved and recorded once."""
    account = mariadb.database()
    with contextlib.ExitStack() as opened:
        database = opened.enter_context(Relay(mariadb.port, host=OUTSIDE))
        dsn = f"{account._replace(host=OUTSIDE, port=database.port).go_dsn}&tls=false"
        scene = Scene(world, identities, dsn, port, namespace, tmp_path)
        opened.callback(scene.close)
        namespace.cut(directions)
        cut_at = time.time()
        scene.supervisor.await_event("machine.lost", lambda event: event["machine"] == "far")
        scene.supervisor.await_event("range.retried")
        last = max(scene.begun_by_far())
        assert last <= cut_at + LEASE_GUARD_SECONDS + ON_ITS_WAY_SECONDS
        world.s3.set_latency(0)
        finished = scene.supervisor.await_event("sweep.finished")
        assert (finished["status"], finished["succeeded"], finished["failed"]) == ("completed", OBJECTS, 0)
        assert max(scene.begun_by_far()) == last
        namespace.mend()
        scene.far.await_event("machine.registered")
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert account.query(ONCE) == [(OBJECTS, OBJECTS, OBJECTS)]
    assert dict(account.query(RANGES)).keys() == {"completed"}
    copies = Counter(entry["key"] for entry in world.s3.log("CopyObject", DESTINATION))
    assert sum(copies.values()) - OBJECTS <= THREADS
