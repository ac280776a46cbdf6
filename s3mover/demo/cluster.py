"""A scheduler and machines for the demo: processes on loopback, with certificates of their own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from s3mover.events import Event, RangeFinished
from s3mover.scale.extra import require_extra

HOST = "127.0.0.1"
STOP_SECONDS = 10.0


class DemoCluster:
    """The machines of a demo, of which one is killed when the first range has ended."""

    def __init__(self, config: Path, directory: Path) -> None:
        self._config = config
        self._directory = directory
        self._port = _free_port()
        self._machines: dict[str, subprocess.Popen[bytes]] = {}
        self.killed = ""
        self.log = directory / "cluster.log"

    def settings(self, role: str) -> dict[str, object]:
        """Return the settings of a member, by name."""
        return {
            "scale.scheduler": f"tls://{HOST}:{self._port}",
            "scale.ca_file": str(self._directory / "ca.crt"),
            "scale.certificate_file": str(self._directory / f"{role}.crt"),
            "scale.key_file": str(self._directory / f"{role}.key"),
        }

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start the scheduler."""
        return self._start("scheduler", "scheduler", "--host", HOST, "--port", str(self._port))

    def start_machine(self, name: str) -> subprocess.Popen[bytes]:
        """Start a machine."""
        self._machines[name] = self._start("worker", "worker", "--name", name)
        return self._machines[name]

    def kill_one(self, event: Event) -> None:
        """Kill a machine after the first range: a listener."""
        if isinstance(event, RangeFinished) and not self.killed:
            self.killed, process = next(iter(self._machines.items()))
            process.kill()

    def _start(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-m", "s3mover", "--config", str(self._config), *arguments],
                env={**os.environ, **_environment({**self.settings(role), "log.level": "info"})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@contextmanager
def demo_cluster(config: Path, directory: Path, machines: int) -> Iterator[DemoCluster]:
    """Run a scheduler and so many machines, whose certificates are written into `directory`.

    Raises:
        SettingsError: the extra is not installed.
    """
    require_extra("--workers")
    from s3mover.scale.certificates import write_certificates  # noqa: PLC0415 - only with the extra

    write_certificates(directory, datetime.now(UTC))
    cluster = DemoCluster(config, directory)
    started = [cluster.start_scheduler()]
    try:
        started += [cluster.start_machine(f"machine-{number}") for number in range(1, machines + 1)]
        yield cluster
    finally:
        # Machines leave in order as long as the scheduler is there.
        for process in started[1:]:
            process.terminate()
        for process in reversed(started):
            process.terminate()
            _await_end(process)


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    return {f"S3MOVER_{name.upper().replace('.', '__')}": str(value) for name, value in settings.items()}


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
