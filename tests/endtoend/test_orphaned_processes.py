"""A supervisor that is killed leaves nobody behind, whatever its processes were doing."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from testkit.memory import tree
from testkit.program import daemon
from testkit.waiting import wait_until
from testkit.world import SOURCE, World
from tests.endtoend.test_daemon import settings_for

WORKERS = 2
# Far less than a request waits for its answer (`Timeouts.read`), or the command takes that gives credentials.
SECONDS_TO_END = 30.0


@contextmanager
def ending_with(pid: int, among: set[str]) -> Iterator[None]:
    """Assert that the descendants of a process, which must be `among` others these, end within seconds of the block."""
    with ExitStack() as opened:
        titles, watches = set[str](), []
        for one in tree(pid)[1:]:
            with suppress(ProcessLookupError, FileNotFoundError):  # the configuration process ends by itself
                watch = os.pidfd_open(one)
                opened.callback(os.close, watch)
                watches.append(watch)
                titles.add(Path(f"/proc/{one}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip())
        assert all(any(name in title for title in titles) for name in among), titles
        yield
        for watch in watches:
            assert select.select([watch], [], [], SECONDS_TO_END)[0]


@pytest.mark.parametrize("are_stopped", [False, True])
def test_workers_and_fork_server_end(world: World, port: int, tmp_path: Path, are_stopped: bool) -> None:
    """In the middle of requests that are never answered; also workers that cannot notice anything."""
    world.s3.fill(SOURCE, 100, size=10)
    hanging = world.s3.add_fault("hang", operation="CopyObject")
    settings = settings_for(world, port, S3MOVER_TRANSFER__PROCESSES=str(WORKERS))
    with daemon(settings, tmp_path) as running:
        workers = [running.await_event("worker.started")["pid"] for _ in range(WORKERS)]
        wait_until(world.s3.hits, "a copy hangs", running.tail)
        if are_stopped:
            for worker in workers:
                os.kill(worker, signal.SIGSTOP)
        assert set(workers) < set(tree(running.process.pid))
        with ending_with(running.process.pid, {"s3mover.workers.process.forkserver_main"}):
            running.process.kill()
    world.s3.clear_faults(hanging)


def test_the_configuration_process_ends(world: World, port: int, tmp_path: Path) -> None:
    """And the command that it waits for, which gives credentials and takes for ever."""
    (tmp_path / "helper").write_text("#!/bin/sh\nsleep 600\n", encoding="utf-8")
    (tmp_path / "helper").chmod(0o755)
    (tmp_path / "aws").write_text(
        f"[profile slow]\ncredential_process = {tmp_path}/helper\n", encoding="utf-8"
    )
    settings = settings_for(world, port, SRC_PROFILE="slow", AWS_CONFIG_FILE=str(tmp_path / "aws"))
    del settings["SRC_ACCESS_KEY"], settings["SRC_SECRET_KEY"]
    with daemon(settings, tmp_path) as running:
        wait_until(lambda: is_helped(running.process.pid), "the helper runs", running.tail)
        among = {"s3mover.workers.process.forkserver_main", "s3mover.app.config_process_main", "sleep"}
        with ending_with(running.process.pid, among):
            running.process.kill()


def is_helped(pid: int) -> bool:
    """Return whether any descendant of a process sleeps."""
    return any(name_of(one) == "sleep" for one in tree(pid))


def name_of(pid: int) -> str:
    """Return what runs in a process; nothing where it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
