"""Two daemons on one pair and one trail: never two at work at once, whatever happens to the one that leads.

Each instance signs with keys of its own, so that the simulator's log tells who wrote what.
"""

import contextlib
import json
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import mysql.connector
import pytest

from testkit import report_tables
from testkit.mariadb import MariaDb, running_mariadb
from testkit.ports import reserved_port
from testkit.program import run_program
from testkit.relay import Relay
from testkit.waiting import TOO_LONG, wait_until
from testkit.world import (
    DESTINATION,
    DESTINATION_ACCOUNT,
    EVERYTHING,
    SOURCE,
    SOURCE_ACCOUNT,
    World,
)
from tests.endtoend.kill_scenario import MysqlTrail, Program, SqliteTrail, TrailDatabase

WRITES = ("CopyObject", "PutObject", "AbortMultipartUpload", "DeleteObjects")
# So slow that a worker has seconds of work in hand when its supervisor is struck, and so few at a time that the leader
# is at work for 40 seconds: the standby has started long before.
COPY_SECONDS = 0.5
THREADS = 30

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """A server whose sessions may be killed."""
    with running_mariadb() as running:
        yield running


class Instance:
    """One daemon with keys of its own."""

    def __init__(self, world: World, folder: Path, settings: dict[str, str]) -> None:
        everything = [{"Statement": EVERYTHING}]
        self.keys = [
            world.s3.add_key(account, user, everything)
            for account, user in ((SOURCE_ACCOUNT, "user/reader"), (DESTINATION_ACCOUNT, "user/mover"))
        ]
        signing = {
            f"{side}_{name}": value
            for side, key in zip(("SRC", "DST"), self.keys, strict=True)
            for name, value in (("ACCESS_KEY", key.access_key), ("SECRET_KEY", key.secret_key))
        }
        self.program = Program({**world.environment, **signing, **settings}, folder)

    def signed(self, access_key: str) -> bool:
        """Tell whether a request was this instance's."""
        return access_key in {key.access_key for key in self.keys}


class Stage:
    """A leader at work and a standby beside it; the leader may reach its database server over a `relay`."""

    relay: Relay | None = None

    def __init__(
        self,
        world: World,
        folder: Path,
        database: TrailDatabase,
        leader_database: TrailDatabase | None = None,
    ) -> None:
        self.world, self.folder, self.database = world, folder, database
        self.closed = contextlib.ExitStack()
        self.port = self.closed.enter_context(reserved_port())
        both = {"S3MOVER_SWEEP__INTERVAL": "100ms", "S3MOVER_TRANSFER__THREADS": str(THREADS)}
        alone = {"S3MOVER_HTTP__HOST": "127.0.0.1", "S3MOVER_HTTP__PORT": str(self.port)}
        world.s3.fill(SOURCE, 2500, 10)
        world.s3.set_latency(CopyObject=COPY_SECONDS)
        self.leader = Instance(world, folder / "leader", both | (leader_database or database).settings)
        self.leader.program.await_event("object.moved")
        self.standby = Instance(world, folder / "standby", both | alone | database.settings)
        self.standby.program.await_event("lease.waiting")

    def writers(self) -> list[str]:
        """Return who wrote, in the order of the requests, each stretch of one writer once."""
        keys = [entry["access_key"] for entry in self.world.s3.log() if entry["operation"] in WRITES]
        names = ["leader" if self.leader.signed(key) else "standby" for key in keys]
        return [name for name, _ in groupby(names)]

    def status_of_standby(self) -> dict[str, Any]:
        """Return the standby's `/status`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=TOO_LONG) as answer:
            status: dict[str, Any] = json.load(answer)
        return status

    def kill_connections(self) -> None:
        """End every session on the database but the one that asks."""
        sessions = (
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        for (session,) in self.database.query(sessions):
            with contextlib.suppress(mysql.connector.Error):  # it may have ended by itself
                self.database.query(f"KILL {session}")

    def takes_over(self) -> float:
        """Wait until the standby works, and return after how many seconds."""
        began = time.monotonic()
        self.standby.program.await_event("lease.acquired")
        wait_until(lambda: "standby" in self.writers(), "the standby writes", self.standby.program.tail)
        return time.monotonic() - began

    def finishes(self, program: Program) -> None:
        """Let a program end the work."""
        self.world.s3.set_latency(0)
        program.await_event(
            "sweep.finished", lambda event: event["status"] == "completed" and not event["planned"]
        )
        assert program.stop() == 0

    def assert_whole(self) -> None:
        """Every object arrived and has one row of success."""
        assert self.world.s3.differences(SOURCE, DESTINATION) == []
        successes = "SELECT COUNT(*), COUNT(DISTINCT file_key) FROM document_logs WHERE status = 'success'"
        assert [tuple(map(int, row)) for row in self.database.query(successes)] == [(2500, 2500)]
        assert self.database.query("SELECT id FROM document_logs WHERE status = 'pending'") == []
        assert self.database.query("SELECT id FROM migration_batches WHERE status = 'running'") == []

    def close(self) -> None:
        """End both."""
        self.leader.program.close()
        self.standby.program.close()
        self.closed.close()


@pytest.fixture
def stage_of(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Stage]]:
    """Return what sets the stage on a database."""
    with contextlib.ExitStack() as opened:

        def make(backend: str, *, relayed: bool = False) -> Stage:
            leader_database = relay = None
            if backend == "sqlite":
                database: TrailDatabase = SqliteTrail(tmp_path)
                database.settings["MYSQL_DSN"] = f"sqlite:///{tmp_path}/s3mover.db"
            else:
                server: MariaDb = request.getfixturevalue("server")
                account = server.database()
                database = MysqlTrail(account)
                relay = opened.enter_context(Relay(server.port)) if relayed else None
                leader_database = MysqlTrail(account, relay.port) if relay else None
            stage = Stage(world, tmp_path, database, leader_database)
            stage.relay = relay
            opened.callback(stage.close)
            return stage

        yield make


@pytest.fixture
def told(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Callable[..., None]:
    """Return what tells the report's table of one strike."""

    def tell(who: str, when: str, then: str) -> None:
        kill = {"test": request.node.name, "seed": 0, "number": 1, "who": who, "when": when, "pending": "-"}
        record_property(report_tables.KILLS, [{**kill, "then": then}])

    return tell


@pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
def test_a_killed_leader_is_succeeded(
    stage_of: Callable[[str], Stage], told: Callable[..., None], backend: str
) -> None:
    """The standby takes over, and none of the dead leader's workers writes beside it."""
    stage = stage_of(backend)
    stage.leader.program.kill()
    seconds = stage.takes_over()
    told("leader", "in a sweep", f"standby at work after {seconds:.1f} s")
    stage.finishes(stage.standby.program)
    assert stage.writers() == ["leader", "standby"]
    stage.assert_whole()


@pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
def test_a_stopped_leader_is_succeeded_and_done(
    stage_of: Callable[[str], Stage], told: Callable[..., None], backend: str
) -> None:
    """Its lease expires; continued beside its successor it writes nothing more, neither rows nor objects."""
    stage = stage_of(backend)
    leader = stage.leader.program
    # What its workers hold would keep them busy until long after the standby has begun.
    stage.world.s3.set_latency(CopyObject=2.0)
    leader.process.send_signal(signal.SIGSTOP)
    seconds = stage.takes_over()
    told("leader", "stopped in a sweep", f"standby at work after {seconds:.1f} s")
    stage.world.s3.set_latency(0)
    stage.standby.program.await_event("sweep.finished")
    leader.process.send_signal(signal.SIGCONT)
    leader.await_event("lease.lost")
    leader.await_event("lease.waiting")
    stage.finishes(stage.standby.program)
    assert leader.stop() == 0
    assert stage.writers() == ["leader", "standby"]
    stage.assert_whole()


@pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
def test_a_pause_is_obeyed_by_every_instance_until_it_is_resumed(
    stage_of: Callable[[str], Stage], backend: str
) -> None:
    """Wherever the command ran; a take-over and a restart do not end it, and nothing moves meanwhile."""
    stage = stage_of(backend)
    elsewhere = stage.folder / "elsewhere"
    elsewhere.mkdir()
    environment = {**stage.world.environment, **stage.database.settings}
    run_program(["pause", "--reason", "freeze of ops"], environment, elsewhere)
    paused = [one.program.await_event("daemon.paused") for one in (stage.leader, stage.standby)]
    assert {event["reason"] for event in paused} == {"freeze of ops"}
    finished = stage.leader.program.await_event("sweep.finished")
    assert (finished["status"], finished["message"]) == ("interrupted", "paused")
    assert "paused since" in run_program(["check"], environment, elsewhere).stdout
    stage.leader.program.kill()
    stage.standby.program.await_event("lease.acquired")
    assert stage.standby.program.stop() == 0
    settings = {"S3MOVER_SWEEP__INTERVAL": "100ms", **stage.database.settings}
    restarted = Instance(stage.world, stage.folder / "restarted", settings)
    try:
        restarted.program.await_event("lease.acquired")
        restarted.program.await_event("daemon.paused")
        run_program(["resume"], environment, elsewhere)
        restarted.program.await_event("daemon.resumed")
        names = [event["event"] for event in restarted.program.events]
        assert "sweep.started" not in names[: names.index("daemon.resumed")]
        assert not stage.standby.program.named("sweep.started")
        stage.finishes(restarted.program)
    finally:
        restarted.program.close()
    stage.assert_whole()


def test_requests_reach_the_leader_from_anywhere(stage_of: Callable[[str], Stage]) -> None:
    """By a command or by a signal to the standby, which shows the leader's figures; a pause refuses a sweep."""
    stage = stage_of("mariadb")
    leader, standby = stage.leader.program, stage.standby.program
    environment = {**stage.world.environment, **stage.database.settings}
    now = ["sweep", "--now"]
    assert "another one starts when it ends" in run_program(now, environment, stage.folder).stdout
    shown: dict[str, Any] = {}

    def leader_is_shown() -> bool:
        shown.update(stage.status_of_standby()["leader"] or {"sweep": None})
        return bool(shown["sweep"] and shown["sweep"]["succeeded"])

    wait_until(leader_is_shown, "the standby shows the leader's sweep", standby.tail)
    assert (shown["name"], shown["state"]) == (socket.gethostname(), "sweeping")
    assert run_program(["leader"], environment, stage.folder).stdout == f"{socket.gethostname()}\n"
    standby.process.send_signal(signal.SIGUSR1)
    assert standby.await_event("operator.requested")["answer"] == "forwarded to the leader"
    leader.await_event("operator.requested", lambda event: event["by"].endswith("(signal)"))
    standby.process.send_signal(signal.SIGHUP)
    for program in (standby, leader):
        program.await_event("settings.reloaded")
    assert "nothing changed" in run_program(["reload"], environment, stage.folder).stdout
    standby.await_event("settings.reloaded")
    run_program(["pause"], environment, stage.folder)
    leader.await_event("daemon.paused")
    assert "no sweep starts: paused" in run_program(now, environment, stage.folder, expect=3).stdout
    stage.world.s3.set_latency(0)
    assert (leader.stop(), standby.stop()) == (0, 0)
    run_program(["leader"], environment, stage.folder, expect=3)
    refused = run_program(now, environment, stage.folder, expect=3)
    assert "no running instance of s3mover answered" in refused.stderr


def test_a_leader_whose_connections_are_killed_leads_on(stage_of: Callable[[str], Stage]) -> None:
    """Again and again: its lease is a row, which no connection holds."""
    stage = stage_of("mariadb")
    leader = stage.leader.program
    for lost in range(1, 6):
        stage.kill_connections()
        wait_until(lambda: len(leader.named("audit.restored")) >= lost, "the leader is back", leader.tail)  # noqa: B023
    stage.finishes(leader)
    stage.finishes(stage.standby.program)
    assert stage.writers() == ["leader"]
    stage.assert_whole()


def test_a_leader_whose_connection_is_cut_leads_on(stage_of: Callable[..., Stage]) -> None:
    """The server has not noticed, and its standby cannot take what has not expired."""
    stage = stage_of("mariadb", relayed=True)
    leader = stage.leader.program
    assert stage.relay is not None
    stage.relay.cut()
    leader.await_event("audit.restored")
    stage.finishes(leader)
    assert stage.writers() == ["leader"]
    stage.finishes(stage.standby.program)
    stage.assert_whole()
