"""Runs a command and measures it: seconds, CPU of all its processes, and the memory that they took at most."""

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from testkit.memory import tree_memory
from testkit.program import environment

SAMPLE_SECONDS = 0.2
TOO_LONG = 900.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Run(NamedTuple):
    """One command that ended: wall-clock seconds, CPU seconds of its whole tree, and its peak of memory (PSS, bytes).

    The peak is 0 where memory was not watched, which costs time itself.
    """

    seconds: float
    cpu: float
    peak: int
    output: str


def run(
    command: Sequence[str], settings: Mapping[str, str], folder: Path, *, watch_memory: bool = False
) -> Run:
    """Run a command to its end in `folder`.

    Raises:
        RuntimeError: it ended with another exit code than 0, or took too long.
    """
    path = folder / "output"
    with path.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(settings), stdout=output, stderr=output
        )
        deadline = threading.Timer(TOO_LONG, process.kill)
        deadline.start()
        with _Watch(process.pid, watch_memory) as watch:
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        deadline.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    text = path.read_text(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{text[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, watch.peak, text)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Let Python keep what it compiled, as any installation does; else each start would compile everything anew."""
    return {name: value for name, value in environment(settings).items() if name != "PYTHONDONTWRITEBYTECODE"}


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a running process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def median(values: Sequence[float]) -> float:
    """Return the median of what the rounds gave."""
    return statistics.median(values)


class _Watch:
    """Samples a process tree's memory on a thread of its own."""

    def __init__(self, pid: int, active: bool) -> None:
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True) if active else None

    def __enter__(self) -> "_Watch":
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, tree_memory(self._pid))
