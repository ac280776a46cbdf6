"""A private Prometheus on a free loopback port, and queries to it."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from testkit.ports import reserved_port
from testkit.waiting import TOO_LONG, wait_until

Sample = tuple[dict[str, str], float]


class Prometheus:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def query(self, expression: str) -> list[Sample]:
        """Evaluate an expression now: its series' labels and values."""
        answer = self._get(f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def values(self, expression: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Evaluate an expression now: the values by some of their labels."""
        return {
            tuple(series.get(label, "") for label in labels): value
            for series, value in self.query(expression)
        }

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules as the server sees them."""
        groups = self._get("/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def is_ready(self) -> bool:
        """Return whether it answers."""
        try:
            with self._opener.open(f"{self._url}/-/ready", timeout=TOO_LONG):
                return True
        except OSError:
            return False

    def _get(self, path: str) -> Any:
        with self._opener.open(f"{self._url}{path}", timeout=TOO_LONG) as answer:
            return json.load(answer)


@contextmanager
def running_prometheus(configuration: Path, folder: Path) -> Iterator[Prometheus]:
    """Start a server with a configuration file, its data in `folder`, and stop it at the end."""
    with reserved_port() as port:
        log = folder / "prometheus.log"
        command = [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            server = Prometheus(port)
            wait_until(lambda: server.is_ready() or process.poll() is not None, "Prometheus is ready")
            assert process.poll() is None, log.read_text()
            yield server
        finally:
            process.kill()
            process.wait()
