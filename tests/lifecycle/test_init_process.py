"""The first process of a container, played by a process to which the kernel gives orphans as it does to the first."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testkit.waiting import TOO_LONG, wait_until

pytestmark = pytest.mark.process

# prctl(2): orphans among the descendants get this process for a parent.
START = """
import ctypes, os, signal, subprocess, sys, time
from s3mover.lifecycle import init_process
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
init_process._INIT_PID = os.getpid()
init_process.leave_first_process()
"""
NOTING = """
received = []
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: print(signal.Signals(number).name, flush=True))
print("up", flush=True)
while True:
    signal.pause()
"""
LEAVING_ORPHANS = """
for _ in range(3):
    subprocess.run(["sh", "-c", "sh -c 'exit 5' & exit 0"], check=True)
print("up", flush=True)
signal.pause()
"""


@contextmanager
def started(program: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program behind the first process, and yield that once the program says that it is up."""
    command = [sys.executable, "-c", START + program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as first:
        try:
            assert first.stdout is not None
            assert first.stdout.readline() == "up\n"
            yield first
        finally:
            for child in children(first.pid):
                subprocess.run(["kill", "-9", str(child)], check=False)
            first.kill()


def children(process: int) -> list[int]:
    """Return the children of a process, also those that have ended."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_signals_reach_the_program() -> None:
    """Each of those that it handles, in order."""
    with started(NOTING) as first:
        for name in ("SIGUSR1", "SIGHUP", "SIGINT", "SIGTERM"):
            first.send_signal(signal.Signals[name])
            assert first.stdout is not None
            assert first.stdout.readline() == f"{name}\n"


def test_orphans_are_reaped() -> None:
    """They stay neither as processes nor as zombies; the program stays."""
    with started(LEAVING_ORPHANS) as first:
        wait_until(lambda: len(children(first.pid)) == 1, "the orphans are reaped")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(0)", 0),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGTERM)", 128 + signal.SIGTERM),
    ],
)
def test_the_exit_code_is_the_programs(end: str, code: int) -> None:
    """As a shell would report it where a signal ended it."""
    done = subprocess.run([sys.executable, "-c", START + end], check=False, timeout=TOO_LONG)
    assert done.returncode == code


def test_only_the_first_process_of_a_container_stays_behind() -> None:
    """Elsewhere the program has the process for itself."""
    program = "import os; from s3mover.lifecycle.init_process import leave_first_process as leave"
    check = f"{program}; before = os.getpid(); leave(); print(before == os.getpid())"
    done = subprocess.run(
        [sys.executable, "-c", check], check=True, capture_output=True, text=True, timeout=TOO_LONG
    )
    assert re.fullmatch(r"True\s*", done.stdout)
