"""A running daemon on the simulator, with every kind of outcome, observed over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator import Simulator
from testkit.ports import reserved_port
from testkit.program import Daemon, daemon
from testkit.world import World, make_world

ROOT = Path(__file__).parents[2]


class Watched:
    """A daemon that is observed over HTTP only."""

    def __init__(self, world: World, running: Daemon, port: int, folder: Path, worker: int) -> None:
        self.world = world
        self.process = running.process
        self.port = port
        self.folder = folder
        self._daemon = running
        self.worker = worker

    @property
    def url(self) -> str:
        """The address of the status page."""
        return f"http://127.0.0.1:{self.port}/"

    def status(self) -> dict[str, Any]:
        """Return the content of /status."""
        status: dict[str, Any] = json.loads(self._daemon.get(self.port, "/status")[1])
        return status

    def metrics(self) -> str:
        """Return the content of /metrics."""
        return self._daemon.get(self.port, "/metrics")[1]

    def is_settled(self) -> bool:
        """Return whether the last sweep found everything in place."""
        status = self.status()
        last = status["sweeps"][0] if status["sweeps"] else None
        return bool(
            last and status["sweep"] is None and last["planned"] == 0 and last["status"] == "completed"
        )


@contextmanager
def watched(folder: Path, **settings: str) -> Iterator[Watched]:
    """Start a simulator with two buckets, of which the folder `secret/` permits no copies, and a daemon on it."""
    with Simulator() as s3, reserved_port() as port:
        world = make_world(s3)
        world.permit_copies(except_below=("secret/",))
        all_settings = {
            **world.environment,
            "S3MOVER_HTTP__HOST": "127.0.0.1",
            "S3MOVER_HTTP__PORT": str(port),
            "S3MOVER_SWEEP__INTERVAL": "1s",
            "S3MOVER_TRANSFER__PROCESSES": "1",
            **settings,
        }
        with daemon(all_settings, folder) as running:
            # An empty bucket may be swept before the worker is there.
            worker = running.await_event("worker.started")["pid"]
            running.await_event("sweep.finished")
            yield Watched(world, running, port, folder, worker)
