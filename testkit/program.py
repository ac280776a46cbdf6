"""The program as a user runs it: real processes with nothing but an environment and arguments."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from testkit.waiting import TOO_LONG, wait_until

COMMAND = [sys.executable, "-m", "s3mover"]


def patched_command(patch: str) -> list[str]:
    """Return a command that runs the Python code `patch` in the process that it starts, before the program."""
    return [sys.executable, "-c", f"{patch}\nfrom s3mover.__main__ import main\nmain()"]


_OURS = re.compile(r"S3MOVER_|SRC_|DST_|MYSQL_DSN|AWS_|[A-Za-z]+_(proxy|PROXY)$")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what could configure s3mover, plus `settings`."""
    bare = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
    return {**bare, "AWS_EC2_METADATA_DISABLED": "true", **settings}


def run_program(
    arguments: list[str],
    settings: Mapping[str, str],
    folder: Path,
    expect: int | None = 0,
    *,
    timeout: float = TOO_LONG,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in `folder`; `expect` is the exit code that it must end with."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if expect is not None:
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


class Daemon:
    """A running `s3mover run`, whose log events are read as they come.

    Its log goes to a file: it never waits for a test that is busy with something else.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._log = log
        self._read = 0

    def await_event(
        self, name: str, matches: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """Read events until one is called `name` and matches; fails if the program ends before."""
        while event := self._next():
            if event["event"] == name and matches(event):
                return event
        raise AssertionError(f"no {name} before the program ended with {self.process.wait()}: {self.tail()}")

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._next():
            continue
        return self.process.wait(TOO_LONG)

    def tail(self) -> str:
        """Return the end of the log, for the message of a test that failed."""
        return self._log.read_text()[-1500:]

    def get(self, port: int, path: str, accept: str = "*/*") -> tuple[int, str]:
        """Ask the program's HTTP server."""
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TOO_LONG) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def _next(self) -> dict[str, Any] | None:
        """Wait for the next event; None if the program has ended."""
        line = b""

        def has_come() -> bool:
            nonlocal line
            has_ended = self.process.poll() is not None  # asked first: what it said last is there by then
            line = self._line()
            return bool(line) or has_ended

        wait_until(has_come, "the program logs something", self.tail)
        if not line:
            return None
        assert line.startswith(b"{"), f"no event: {self.tail()}"
        event: dict[str, Any] = json.loads(line)
        self.events.append(event)
        return event

    def _line(self) -> bytes:
        """Return the next line of the log; nothing where it is not there yet, or not whole."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            line = log.readline()
        if not line.endswith(b"\n"):
            return b""
        self._read += len(line)
        return line


@contextmanager
def daemon(
    settings: Mapping[str, str], folder: Path, *arguments: str, command: Sequence[str] = COMMAND
) -> Iterator[Daemon]:
    """Start `s3mover run` (or what `arguments` say), and kill it at the end."""
    with tempfile.NamedTemporaryFile(prefix="s3mover-log-") as log:
        process = subprocess.Popen(
            [*command, *(arguments or ("run",))],
            cwd=folder,
            env=environment({"S3MOVER_LOG__FORMAT": "json", **settings}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Daemon(process, Path(log.name))
        finally:
            process.kill()
            process.wait()
