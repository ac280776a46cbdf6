"""The members of a cluster, as tests start them: the scheduler, machines, and the supervisor's connection."""

import asyncio
import datetime as dt
import gc
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self, TypeVar

import pytest
from distributed import rpc

from s3mover.events import Event
from s3mover.scale.certificates import ROLES, Authority
from s3mover.scale.cluster import Cluster
from s3mover.scale.messages import ClusterMessage, MachinesChanged
from s3mover.scale.security import open_security
from s3mover.settings.model import ScaleSettings
from testkit.program import COMMAND, Daemon, daemon
from testkit.waiting import TOO_LONG, wait_until

ROOT = Path(__file__).parents[2]
E_ = TypeVar("E_", bound=Event)


@dataclass(frozen=True)
class Identities:
    """A folder of certificates, as `s3mover certificates` writes it."""

    folder: Path

    def settings(self, role: str, port: int, host: str = "127.0.0.1") -> ScaleSettings:
        """Return the settings of a member."""
        return ScaleSettings(
            scheduler=f"tls://{host}:{port}",
            ca_file=str(self.folder / "ca.crt"),
            certificate_file=str(self.folder / f"{role}.crt"),
            key_file=str(self.folder / f"{role}.key"),
        )


def write_identities(
    folder: Path,
    authority: Authority,
    valid: tuple[dt.datetime, dt.datetime],
    trusted: Authority | None = None,
) -> Identities:
    """Write certificates of an authority; `trusted` is whom their holders trust, if that is another one."""
    folder.mkdir()
    (folder / "ca.crt").write_bytes((trusted or authority).pem())
    for role in ROLES:
        certificate, key = authority.issue(role, valid)
        (folder / f"{role}.crt").write_bytes(certificate)
        (folder / f"{role}.key").write_bytes(key)
    return Identities(folder)


def environment_of(scale: ScaleSettings) -> dict[str, str]:
    """Return the settings as environment."""
    names = ("scheduler", "ca_file", "certificate_file", "key_file")
    return {f"S3MOVER_SCALE__{name.upper()}": getattr(scale, name) for name in names} | {
        "S3MOVER_CONFIG": "/dev/null",
        "PYTHONPATH": str(ROOT),
    }


# Dask leaves the sockets of refused connections to the garbage collector.
UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


class Supervisor:
    """The supervisor's side of a cluster, with what it was told."""

    def __init__(self, scale: ScaleSettings) -> None:
        self.events: list[Event] = []
        self._messages: SimpleQueue[ClusterMessage] = SimpleQueue()
        self.cluster = Cluster(scale, self._messages.put, self.events.append)

    def next(self) -> ClusterMessage:
        """Return the next message about a task."""
        while isinstance(message := self._messages.get(timeout=TOO_LONG), MachinesChanged):
            continue
        return message

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the connection's thread, so that it fetches nothing."""
        go_on = threading.Event()
        self.cluster._loop.call_soon_threadsafe(go_on.wait)
        try:
            yield
        finally:
            go_on.set()

    def has_no_message(self) -> bool:
        """Return whether nothing about a task has come."""
        try:
            while isinstance(self._messages.get_nowait(), MachinesChanged):
                continue
        except Empty:
            return True
        return False

    def await_machines(self, *names: str) -> None:
        """Wait until exactly these machines take tasks."""
        wait_until(
            lambda: sorted(machine.name for machine in self.cluster.machines()) == sorted(names),
            f"the machines are {names}",
            lambda: str(self.cluster.machines()),
        )

    def of(self, kind: type[E_]) -> list[E_]:
        """Return the events of one kind so far."""
        return [event for event in list(self.events) if isinstance(event, kind)]

    def await_event(self, kind: type[E_], count: int = 1) -> E_:
        """Wait until so many events of a kind have come, and return the last."""
        wait_until(lambda: len(self.of(kind)) >= count, f"{kind.name} comes", lambda: str(self.events))
        return self.of(kind)[-1]


async def _keys_in_memory(scale: ScaleSettings) -> set[str]:
    arguments = open_security(scale).get_connection_args("client")
    async with rpc(scale.scheduler, connection_args=arguments) as scheduler:
        held = await scheduler.has_what()
    return {key for keys in held.values() for key in keys}


class Members:
    """Starts members of one cluster; all end with the block."""

    def __init__(self, identities: Identities, port: int, folder: Path) -> None:
        self.identities = identities
        self.port = port
        self._folder = folder
        self._running = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    def scheduler(self, *arguments: str, scale: ScaleSettings | None = None) -> Daemon:
        """Start a scheduler, and return once it serves."""
        place = arguments or ("--host", "127.0.0.1", "--port", str(self.port))
        scale = scale or self.identities.settings("scheduler", self.port)
        host = "::1" if "::1" in place else "127.0.0.1"
        started = self._start(scale, [*COMMAND, "scheduler", *place])
        wait_until(
            lambda: started.process.poll() is not None or self._listens(host), "it serves", started.tail
        )
        return started

    def _listens(self, host: str) -> bool:
        try:
            socket.create_connection((host, self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def machine(self, name: str, scale: ScaleSettings | None = None) -> Daemon:
        """Start a machine."""
        command = [sys.executable, "-m", "tests.scale.machine_process", name]
        return self._start(scale or self.identities.settings("worker", self.port), command)

    def worker(self, name: str, environment: dict[str, str]) -> Daemon:
        """Start a machine as `s3mover worker` does."""
        settings = environment_of(self.identities.settings("worker", self.port)) | environment
        command = [sys.executable, "-m", "tests.scale.worker_process", name]
        started = daemon(settings, self._folder, *command[1:], command=command[:1])
        return self._running.enter_context(started)

    def supervisor(self, scale: ScaleSettings | None = None) -> Supervisor:
        """Connect a supervisor."""
        supervisor = Supervisor(scale or self.identities.settings("supervisor", self.port))
        self._running.enter_context(supervisor.cluster)
        return supervisor

    def await_answer_of_machine(self, key: str) -> None:
        """Wait until a machine has the answer to a task, which the supervisor has not fetched."""
        scale = self.identities.settings("supervisor", self.port)
        wait_until(lambda: key in asyncio.run(_keys_in_memory(scale)), f"{key} is answered")

    def _start(self, scale: ScaleSettings, command: list[str]) -> Daemon:
        started = daemon(environment_of(scale), self._folder, *command[1:], command=command[:1])
        return self._running.enter_context(started)
