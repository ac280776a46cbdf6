"""CPU time and memory of a tree of processes, compared with processes that use some."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from s3mover.observe.metrics.process_tree import tree_usage

pytestmark = pytest.mark.process

MIB = 2**20
WORK = "import time\nwhile time.process_time() < 0.3: pass\n"
HOLD = f"""
import os, sys
held = os.urandom({64 * MIB})
if os.fork() == 0:
    print("up", flush=True)
sys.stdin.read()
"""


@contextmanager
def waiting(program: str) -> Iterator[int]:
    """Run a program that says when it is up, and yield its process."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_children_that_ended_stay_counted() -> None:
    """A counter never falls, whichever worker dies."""
    before = tree_usage(os.getpid()).cpu_seconds
    subprocess.run([sys.executable, "-c", WORK], check=True)
    # Hundredths of a second, whose difference may be a trifle less.
    assert round(tree_usage(os.getpid()).cpu_seconds - before, 2) >= 0.3


def test_memory_that_processes_share_counts_once() -> None:
    """A worker shares most of its pages with the process that it was forked from."""
    with waiting(HOLD) as process:
        usage = tree_usage(process)
    assert 64 * MIB <= usage.memory_bytes < 2 * 64 * MIB


def test_a_process_that_has_ended_uses_nothing() -> None:
    """Processes come and go while they are read."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert tree_usage(ended.pid) == (0.0, 0)
