"""What the benchmarks run against: the lean server, MariaDB for the trail, and the settings that point at both."""

import json
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import cpu_of
from tests.support.mariadb import Account, MariaDb, running_mariadb

ROOT = Path(__file__).resolve().parents[1]
ACCESS_KEY, SECRET_KEY, REGION = "AKIAIOSFODNN7EXAMPLE", "bench-secret", "us-east-1"
THREADS = 150
KIB = 1024
MIB = 1024 * KIB


class Server:
    """The lean S3 server, in a process of its own; a context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="s3mover-bench-")
        folder = Path(self._folder.name)
        command = [sys.executable, "-m", "bench.server", str(folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.endpoint = self._process.stdout.readline().strip() if self._process.stdout else ""
        self.ca_file = str(folder / "ca.pem")
        self._context = ssl.create_default_context(cafile=self.ca_file)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._folder.cleanup()

    def furnish(self, count: int, low: int, high: int, *, filled: int = 0, latency_ms: int = 0) -> None:
        """Make `count` objects of `low` to `high` bytes, the first `filled` of them in place already."""
        wanted = {"count": count, "low": low, "high": high, "filled": filled, "latency_ms": latency_ms}
        self._command("furnish?" + "&".join(f"{name}={value}" for name, value in wanted.items()))

    def arrived(self) -> int:
        """Return how many objects the destination holds."""
        return int(self._command("state")["arrived"])

    def requests(self) -> dict[str, int]:
        """Return how many requests of each operation came since the server was furnished."""
        return dict(self._command("state")["requests"])

    def cpu(self) -> float:
        """Return the CPU seconds that the server has used."""
        return cpu_of(self._process.pid)

    def _command(self, name: str) -> Any:
        with urllib.request.urlopen(f"{self.endpoint}/_bench/{name}", context=self._context) as answer:  # noqa: S310
            return json.load(answer)


@dataclass(frozen=True)
class World:
    """Everything that a benchmark needs; `folder` is where its commands run, `quick` asks for little of each."""

    source: Server
    destination: Server
    database: MariaDb
    account: Account
    folder: Path
    quick: bool

    def settings(self, *, two_servers: bool = False, mariadb: bool = True) -> dict[str, str]:
        """Return the environment that points s3mover at the buckets; both are on one server unless told otherwise."""
        values = {"AWS_CA_BUNDLE": self.source.ca_file, "S3MOVER_LOG__FORMAT": "json"}
        destination = self.destination if two_servers else self.source
        if two_servers:
            values["AWS_CA_BUNDLE"] = self._both_authorities()
        for side, server, bucket in (("SRC", self.source, "source"), ("DST", destination, "destination")):
            values |= {
                f"{side}_BUCKET": bucket,
                f"{side}_ACCESS_KEY": ACCESS_KEY,
                f"{side}_SECRET_KEY": SECRET_KEY,
                f"{side}_REGION": REGION,
                f"{side}_ENDPOINT_URL": server.endpoint,
            }
        return values | ({"MYSQL_DSN": self.account.go_dsn} if mariadb else {})

    def _both_authorities(self) -> str:
        path = self.folder / "authorities.pem"
        path.write_text(
            "".join(Path(server.ca_file).read_text() for server in (self.source, self.destination))
        )
        return str(path)


@contextmanager
def opened_world(*, quick: bool) -> Iterator[World]:
    """Start what the benchmarks run against; nothing of it is left behind."""
    with (
        tempfile.TemporaryDirectory(prefix="s3mover-bench-") as folder,
        Server() as source,
        Server() as destination,
        running_mariadb() as database,
    ):
        yield World(source, destination, database, database.database(), Path(folder), quick)
