"""A daemon whose output nobody reads, or whose output or standard error is closed, works on and heeds SIGTERM."""

import fcntl
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testkit.program import COMMAND, Daemon, environment
from testkit.trail_rows import assert_settled
from testkit.waiting import TOO_LONG, wait_until
from testkit.world import DESTINATION, SOURCE, World
from tests.endtoend.test_daemon import settings_for

OBJECTS = 400
# Of the log's lines, so that few objects fill it.
SMALL_BUFFER = """
import sys
import s3mover.observe.output as output
output.BackgroundWriter.__init__.__kwdefaults__["limit"] = 20_000
from s3mover.__main__ import main
sys.argv[0] = "s3mover"
main()
"""
PIPE_BYTES = 4096
REDIRECTIONS = {"output": "1>&-", "error": "2>&-", "input, output and error": "0<&- 1>&- 2>&-"}


@contextmanager
def started(
    settings: dict[str, str], folder: Path, command: list[str], output: int, error: int = subprocess.DEVNULL
) -> Iterator[Daemon]:
    """Start `s3mover run` with this standard output, and leave nothing of it behind."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment({"S3MOVER_LOG__FORMAT": "json", **settings}),
        stdout=output,
        stderr=error,
    )
    try:
        yield Daemon(process, Path(os.devnull))
    finally:
        process.kill()
        process.wait()


def small_pipe() -> tuple[int, int]:
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return ours, theirs


def dropped(running: Daemon, port: int) -> int:
    found = re.search(
        r"^s3mover_log_lines_dropped_total ([0-9.e+]+)$", running.get(port, "/metrics")[1], re.MULTILINE
    )
    assert found
    return int(float(found[1]))


def is_listening(running: Daemon, port: int) -> bool:
    assert running.process.poll() is None
    try:
        return running.get(port, "/readyz")[0] == 200
    except OSError:
        return False


def test_an_output_that_nobody_reads_stops_nothing(world: World, port: int, tmp_path: Path) -> None:
    """All objects move, lines are dropped and counted; once it is read, lines flow again, and one tells the gap."""
    world.s3.fill(SOURCE, OBJECTS, size=20)
    ours, theirs = small_pipe()
    settings = settings_for(world, port)
    command = [COMMAND[0], "-c", SMALL_BUFFER, "run"]
    with started(settings, tmp_path, command, theirs) as running:
        os.close(theirs)
        wait_until(lambda: world.s3.count(DESTINATION) == OBJECTS, "all objects are moved")
        wait_until(lambda: dropped(running, port) > 0, "dropped lines are counted")
        assert running.get(port, "/healthz")[0] == 200
        with os.fdopen(ours, "rb") as output:
            events = [json.loads(output.readline())]
            while events[-1]["event"] != "log.lines_dropped":
                events.append(json.loads(output.readline()))
            lost = events[-1]["lines"]
            world.s3.put_object(SOURCE, "later", b"1")
            while events[-1].get("key") != "later":
                events.append(json.loads(output.readline()))
            running.process.send_signal(signal.SIGTERM)
            events += [json.loads(line) for line in output]
        assert running.process.wait(TOO_LONG) == 0
    assert lost > 0
    assert events[-1]["event"] == "daemon.stopped"
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("unread", ["output", "error", "both"])
def test_term_is_heeded_while_nobody_reads(world: World, port: int, tmp_path: Path, unread: str) -> None:
    """The daemon stops with exit code 0 within its grace, although its last lines go nowhere."""
    world.s3.fill(SOURCE, 50, size=20)
    ours, theirs = small_pipe()
    os.set_blocking(theirs, False)
    os.write(theirs, b"x" * PIPE_BYTES)
    os.set_blocking(theirs, True)
    output = theirs if unread != "error" else subprocess.DEVNULL
    error = theirs if unread != "output" else subprocess.DEVNULL
    with started(settings_for(world, port), tmp_path, [*COMMAND, "run"], output, error) as running:
        wait_until(lambda: world.s3.count(DESTINATION) == 50, "all objects are moved")
        running.process.terminate()
        assert running.process.wait(TOO_LONG) == 0
    os.close(ours)
    os.close(theirs)


def test_an_output_whose_reader_left_stops_nothing(world: World, port: int, tmp_path: Path) -> None:
    """As after `s3mover run | head`."""
    world.s3.fill(SOURCE, 50, size=20)
    ours, theirs = os.pipe()
    os.close(ours)
    with started(settings_for(world, port), tmp_path, [*COMMAND, "run"], theirs) as running:
        os.close(theirs)
        wait_until(lambda: world.s3.count(DESTINATION) == 50, "all objects are moved")
        wait_until(lambda: dropped(running, port) >= 50, "dropped lines are counted")
        assert running.get(port, "/healthz")[0] == 200
        running.process.terminate()
        assert running.process.wait(TOO_LONG) == 0
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("closed", REDIRECTIONS.values(), ids=REDIRECTIONS)
def test_a_daemon_started_with_closed_streams_works(
    world: World, port: int, tmp_path: Path, closed: str
) -> None:
    """No connection or file takes the number of a closed stream, and nothing is an internal error."""
    world.s3.fill(SOURCE, 50, size=20)
    command = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, "run"]
    with started(settings_for(world, port), tmp_path, command, subprocess.DEVNULL) as running:
        wait_until(lambda: world.s3.count(DESTINATION) == 50, "all objects are moved")
        wait_until(lambda: is_listening(running, port), "it is ready")
        assert (dropped(running, port) > 0) is ("1>&-" in closed)
        for number in re.findall(r"(\d)[<>]&-", closed):
            assert str(Path(f"/proc/{running.process.pid}/fd/{number}").readlink()) == os.devnull
        running.process.terminate()
        assert running.process.wait(TOO_LONG) == 0
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("way", ["full", "broken"])
def test_an_error_that_nobody_reads_keeps_its_exit_code(tmp_path: Path, way: str) -> None:
    """A program that cannot print why it ends, ends all the same, and as it would otherwise."""
    ours, theirs = small_pipe()
    os.set_blocking(theirs, False)
    os.write(theirs, b"x" * PIPE_BYTES)
    os.set_blocking(theirs, True)
    if way == "broken":
        os.close(ours)
    process = subprocess.Popen(
        [*COMMAND, "sweep"], cwd=tmp_path, env=environment({}), stdout=theirs, stderr=theirs
    )
    assert process.wait(TOO_LONG) == 2
    if way == "full":
        os.close(ours)
    os.close(theirs)


def test_no_process_leaves_a_core_file(world: World, port: int, tmp_path: Path) -> None:
    """The supervisor and its children hold credentials in memory."""
    world.s3.put_object(SOURCE, "first", b"1")
    with started(settings_for(world, port), tmp_path, [*COMMAND, "run"], subprocess.DEVNULL) as running:
        wait_until(lambda: world.s3.count(DESTINATION) == 1, "the object is moved")
        family = descendants(running.process.pid)
        assert len(family) > 2
        for pid in family:
            limits = Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"^Max core file size +[01] +[01] +bytes", limits, re.MULTILINE), limits


def descendants(pid: int) -> list[int]:
    children = [
        int(child)
        for tasks in Path(f"/proc/{pid}/task").glob("*/children")
        for child in tasks.read_text().split()
    ]
    return [pid, *(one for child in children for one in descendants(child))]
