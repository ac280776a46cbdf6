"""Runs a program, kills it, its workers or its database, and starts it again.

The tests decide what is killed and when, and check what must hold afterwards.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from s3mover.audit.opening import apply_schema
from s3mover.model import Pair
from simulator import Simulator
from testkit import report_tables
from testkit.leases import expire_lease
from testkit.mariadb import Account, MariaDb
from testkit.program import COMMAND, environment
from testkit.trail_rows import rows
from testkit.waiting import TOO_LONG, wait_until
from testkit.world import DESTINATION, SOURCE

Event = dict[str, Any]


class TrailDatabase(Protocol):
    """The audit database, which a test queries without s3mover."""

    settings: dict[str, str]
    url: str

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return a query's rows."""


class SqliteTrail:
    """The embedded database that the program makes in its folder."""

    def __init__(self, folder: Path) -> None:
        self.settings: dict[str, str] = {}
        self.url = f"sqlite:///{folder / 's3mover.db'}"
        self._folder = folder

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return a query's rows."""
        return rows(self._folder, sql)


class MysqlTrail:
    """A database on a MariaDB; `port` is that of a relay before it."""

    def __init__(self, account: Account, port: int = 0) -> None:
        self.account = account
        self.url = account.go_dsn
        through = account._replace(port=port or account.port)
        self.settings = {"MYSQL_DSN": f"{through.go_dsn}&tls=false"}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return a query's rows."""
        return self.account.query(sql)


@dataclass
class Kill:
    """One kill, as the report's table shows it."""

    test: str
    seed: int
    number: int
    who: str
    when: str
    pending: str = "-"
    then: str = ""


class Program:
    """A running program that logs to a file; `events` holds all events read so far."""

    def __init__(self, settings: Mapping[str, str], folder: Path, *arguments: str) -> None:
        folder.mkdir(exist_ok=True)
        self._log = folder / f"log-{time.monotonic_ns()}.jsonl"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *(arguments or ("run",))],
                cwd=folder,
                env=environment({"S3MOVER_LOG__FORMAT": "json", "S3MOVER_HTTP__PORT": "0", **settings}),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self._read = self._log.open()
        self._rest = ""
        self.events: list[Event] = []

    def poll(self) -> list[Event]:
        """Read and return the events since the last call."""
        lines = (self._rest + self._read.read()).split("\n")
        self._rest = lines.pop()
        fresh = [json.loads(line) for line in lines if line.startswith("{")]
        self.events += fresh
        return fresh

    def named(self, name: str) -> list[Event]:
        """Return the events of a name so far."""
        self.poll()
        return [event for event in self.events if event["event"] == name]

    def await_event(self, name: str, matches: Callable[[Event], bool] = lambda _: True) -> Event:
        """Wait for an event; fail if the program ends before."""
        found = next(filter(matches, self.named(name)), None)

        def come() -> bool:
            nonlocal found
            ended = self.process.poll() is not None
            fresh = (event for event in self.poll() if event["event"] == name and matches(event))
            found = found or next(fresh, None)
            assert found or not ended, f"no {name} before the end: {self.tail()}"
            return found is not None

        wait_until(come, f"{name} is logged", self.tail)
        assert found is not None
        return found

    def workers(self) -> list[int]:
        """Return the process ids of the workers that live, according to the log."""
        started = {event["worker"]: event["pid"] for event in self.named("worker.started")}
        for event in self.named("worker.died"):
            started.pop(event["worker"], None)
        return list(started.values())

    def kill(self) -> None:
        """Kill the supervisor."""
        self.process.kill()
        self.process.wait()
        self.poll()

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.process.terminate()
        code = self.process.wait(TOO_LONG)
        self.poll()
        return code

    def tail(self) -> str:
        """Return the end of the log, for the message of a test that failed."""
        return self._log.read_text()[-1500:]

    def close(self) -> None:
        """Kill it and close its log."""
        self.kill()
        self._read.close()


@dataclass
class KillScenario:
    """One pair of buckets, one trail, one program that is killed and restarted; the report lists the kills."""

    name: str
    s3: Simulator
    settings: Mapping[str, str]
    database: TrailDatabase
    folder: Path
    record: Callable[[str, object], None]
    server: MariaDb | None = None
    seed: int = 0
    kills: list[Kill] = field(default_factory=list)
    program: Program | None = None

    @property
    def running(self) -> Program:
        """The program that runs now."""
        assert self.program is not None
        return self.program

    def start(self, *arguments: str) -> None:
        """Start the program anew."""
        if self.program:
            self.program.close()
        self.program = Program({**self.settings, **self.database.settings}, self.folder, *arguments)

    @property
    def url(self) -> str:
        """The address of the trail."""
        return self.database.settings.get("MYSQL_DSN", f"sqlite:///{self.folder}/s3mover.db")

    def make_schema(self) -> None:
        """Make the tables, so that a test can reach into them before the program starts."""
        apply_schema(self.url)

    def pending(self) -> int:
        """Return how many rows are pending."""
        return int(self.database.query("SELECT COUNT(*) FROM document_logs WHERE status = 'pending'")[0][0])

    def written(self) -> int:
        """Return how many requests have written an object, a part or a deletion."""
        writes = ("CopyObject", "PutObject", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload")
        counts = self.s3.counts(DESTINATION)
        return sum(counts.get(name, 0) for name in writes)

    def await_writes(self, count: int) -> None:
        """Wait until so many requests have written."""

        def enough() -> bool:
            assert self.running.process.poll() is None, self.running.tail()
            return self.written() >= count

        wait_until(enough, f"{count} requests have written", self.running.tail)

    def kill_supervisor(self, when: str) -> Kill:
        """Kill the supervisor; its workers end by themselves."""
        self.running.kill()
        return self._told("supervisor", when, str(self.pending()))

    def expire_lease(self) -> None:
        """Let the lease of a killed supervisor expire at once; the next one waits for its workers all the same."""
        expire_lease(self.url, Pair(SOURCE, "", DESTINATION, ""))

    def kill_worker(self, when: str, program: int) -> None:
        """Kill a worker, and wait until that was noticed."""
        before = len(self.running.named("worker.died"))
        os.kill(program, signal.SIGKILL)
        kill = self._told("worker", when, str(self.pending()))
        wait_until(lambda: len(self.running.named("worker.died")) > before, "the worker's death is noticed")
        kill.then = f"{self.running.named('worker.died')[before]['unsettled']} orders requeued"

    def kill_database(self, when: str, between: Callable[[], None] = lambda: None) -> None:
        """Kill the server, wait until s3mover notices, and restart it; `between` is called once it runs."""
        assert self.server is not None
        before = len(self.running.named("audit.restored"))
        self.server.kill()
        wait_until(
            lambda: len(self.running.named("audit.unavailable")) > before, "the database's absence is noticed"
        )
        intended = self.written()
        self.server.start()
        between()
        kill = self._told("database", when, str(self.pending()))
        wait_until(lambda: len(self.running.named("audit.restored")) > before, "the database is back")
        seconds = self.running.named("audit.restored")[before]["seconds"]
        kill.then = f"back after {seconds:.1f} s, {self.written() - intended} writes in flight meanwhile"

    def recover(self) -> None:
        """Start the program anew, and wait until it has resolved what the kill left."""
        self.start()
        self.running.await_event("sweep.started")
        self.note_recovery()

    def note_recovery(self) -> None:
        """Record how the running program resolved the rows that the last kill left."""
        recovered = Counter(event["status"] for event in self.running.named("object.recovered"))
        told = ", ".join(f"{count} {status}" for status, count in sorted(recovered.items()))
        for kill in self.kills[-1:]:
            kill.then = kill.then or told or "nothing"

    def _told(self, who: str, when: str, pending: str) -> Kill:
        kill = Kill(self.name, self.seed, len(self.kills) + 1, who, when, pending)
        self.kills.append(kill)
        return kill

    def close(self) -> None:
        """Kill the program, and record the kills for the report."""
        if self.program:
            self.program.close()
        self.record(report_tables.KILLS, [asdict(kill) for kill in self.kills])


@contextlib.contextmanager
def running_scenario(scenario: KillScenario) -> Iterator[KillScenario]:
    """Close a scenario at the end."""
    try:
        yield scenario
    finally:
        scenario.close()


def instants(chance: random.Random, kills: int, objects: int) -> list[int]:
    """Return at how many written objects each kill strikes: one at random in each of so many equal stretches."""
    stretch = objects * 0.95 / kills
    return [round((number + chance.random()) * stretch) for number in range(kills)]
