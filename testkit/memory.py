"""How much memory a program takes, its child processes included, while it runs (Linux: /proc)."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from testkit.program import COMMAND, environment

SAMPLE_SECONDS = 0.1


class Measured(NamedTuple):
    """A command that has ended: its exit code, and the most memory that it took, in bytes."""

    code: int
    peak: int


def run_measured(arguments: list[str], settings: Mapping[str, str], folder: Path, seconds: float) -> Measured:
    """Run a command to its end in `folder`, at most so long, and watch its memory meanwhile."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=folder, env=environment(settings), stdout=output, stderr=output
        )
    peak = 0
    try:
        for _ in range(round(seconds / SAMPLE_SECONDS)):
            peak = max(peak, tree_memory(process.pid))
            try:
                return Measured(process.wait(SAMPLE_SECONDS), peak)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError(f"not done after {seconds} seconds")
    finally:
        process.kill()
        process.wait()


def tree_memory(pid: int) -> int:
    """Return the bytes that a process and its descendants take; pages that several share are counted once (PSS)."""
    return sum(_memory(one) for one in tree(pid))


def own_memory(pid: int) -> int:
    """Return the same without pages of files, which the tree shares with whatever else maps these files."""
    return sum(_memory(one, "Pss_Anon:", "Pss_Shmem:") for one in tree(pid))


def tree(pid: int) -> list[int]:
    """Return a process and its descendants, itself first."""
    return [pid, *(one for child in _children(pid) for one in tree(child))]


def _memory(pid: int, *kinds: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(kinds or "Pss:"))


def _children(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in children.read_text().split()]
        except OSError:
            continue
    return found
