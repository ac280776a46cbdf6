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
from simulator.certificates import ServerIdentity, make_identity
from testkit.mariadb import Account, MariaDb, running_mariadb

ROOT = Path(__file__).resolve().parents[1]
ACCESS_KEY, SECRET_KEY, REGION = "AKIAIOSFODNN7EXAMPLE", "bench-secret", "us-east-1"
THREADS = 150
KIB = 1024
MIB = 1024 * KIB


class Server:
    """The lean S3 server, in a process of its own; a context manager."""

    def __init__(self, identity: ServerIdentity) -> None:
        command = [sys.executable, "-m", "bench.server"]
        command += [str(identity.certificate_file), str(identity.key_file)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.endpoint = self._process.stdout.readline().strip() if self._process.stdout else ""
        self.ca_file = str(identity.ca_file)
        self._context = ssl.create_default_context(cafile=self.ca_file)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

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
        values = {
            "AWS_CA_BUNDLE": self.source.ca_file,
            "S3MOVER_LOG__FORMAT": "json",
            "S3MOVER_HTTP__HOST": "127.0.0.1",
            "S3MOVER_HTTP__PORT": "0",
        }
        destination = self.destination if two_servers else self.source
        for side, server, bucket in (("SRC", self.source, "source"), ("DST", destination, "destination")):
            values |= {
                f"{side}_BUCKET": bucket,
                f"{side}_ACCESS_KEY": ACCESS_KEY,
                f"{side}_SECRET_KEY": SECRET_KEY,
                f"{side}_REGION": REGION,
                f"{side}_ENDPOINT_URL": server.endpoint,
            }
        return values | ({"MYSQL_DSN": self.account.go_dsn} if mariadb else {})

    def importable(self) -> dict[str, str]:
        """Return the environment in which Python finds this package from anywhere."""
        return {"PYTHONPATH": str(ROOT)}


@contextmanager
def opened_world(*, quick: bool) -> Iterator[World]:
    """Start what the benchmarks run against; nothing of it is left behind."""
    with (
        tempfile.TemporaryDirectory(prefix="s3mover-bench-") as name,
        running_mariadb(on_disk=True) as database,
    ):
        folder = Path(name)
        identity = make_identity(folder)
        with Server(identity) as source, Server(identity) as destination:
            yield World(source, destination, database, database.database(), folder, quick)
