"""The fork server with real processes: it starts and reaps workers, and no process remains."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import pytest

from s3mover.workers.messages import Fork
from s3mover.workers.pool.forkserver import ForkedProcess, ForkServer
from s3mover.workers.shared_state import shared_memory_file
from testkit.waiting import wait_until

pytestmark = pytest.mark.process

# A supervisor that starts a worker, and is killed by the test.
SUPERVISOR = """
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.shared_state import shared_memory_file

fork_server = ForkServer()
child = fork_server.fork(shared_memory_file())
print(child.pid, flush=True)
input()
"""


@pytest.fixture
def fork_server() -> Iterator[ForkServer]:
    running = ForkServer()
    yield running
    running.close()


def start(fork_server: ForkServer) -> ForkedProcess:
    memory = shared_memory_file()
    try:
        return fork_server.fork(memory)
    finally:
        os.close(memory)


def reap(child: ForkedProcess, grace: float = 0.0) -> int | None:
    code = child.reap(grace)
    child.pipe.close()
    return code


def is_alive(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])


def test_a_worker_may_end_by_itself(fork_server: ForkServer) -> None:
    """Its exit code is what it ended with."""
    child = start(fork_server)
    with socket.socket(fileno=os.dup(child.pipe.fileno())) as line:
        line.shutdown(socket.SHUT_WR)
    assert reap(child, grace=60.0) == 0


def test_a_worker_that_does_not_end_is_killed(fork_server: ForkServer) -> None:
    """Without a grace period, at once."""
    child = start(fork_server)
    assert reap(child) == -signal.SIGKILL
    assert not is_alive(child.pid)


def test_all_workers_have_the_same_parent(fork_server: ForkServer) -> None:
    """One process, which is not the supervisor, forks them, no matter which thread requests them."""
    with ThreadPoolExecutor(4) as threads:
        children = list(threads.map(lambda _: start(fork_server), range(4)))
    assert len({child.pid for child in children}) == 4
    assert {parent_of(child.pid) for child in children} != {os.getpid()}
    assert len({parent_of(child.pid) for child in children}) == 1
    assert [reap(child) for child in children] == [-signal.SIGKILL] * 4


def test_a_dead_fork_server_is_replaced(fork_server: ForkServer) -> None:
    """Its workers end when they are reaped; new ones come from another fork server."""
    orphan = start(fork_server)
    os.kill(parent_of(orphan.pid), signal.SIGKILL)
    child = start(fork_server)
    assert reap(orphan) is None
    wait_until(lambda: not is_alive(orphan.pid))
    assert reap(child) == -signal.SIGKILL


def test_no_process_outlives_the_supervisor() -> None:
    """When the supervisor is killed, the fork server and the workers end."""
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        worker = int(supervisor.stdout.readline())
        fork_server = parent_of(worker)
        assert is_alive(worker)
        assert is_alive(fork_server)
        supervisor.kill()
        wait_until(lambda: not is_alive(worker) and not is_alive(fork_server))


@pytest.mark.parametrize("with_files", [True, False])
def test_a_supervisor_that_dies_during_a_request_causes_no_error(tmp_path: Path, *, with_files: bool) -> None:
    """Before its files arrive, or before the answer: the fork server ends without output."""
    ours, theirs = socket.socketpair()
    memory = shared_memory_file()
    pipe, far_end = Pipe()
    with theirs, pipe, (tmp_path / "stderr").open("wb") as stderr:
        running = subprocess.Popen(
            [sys.executable, "-m", "s3mover.workers.process.forkserver_main", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stderr=stderr,
        )
        with far_end, Connection(ours.fileno()) as line:
            line.send(Fork())
            if with_files:
                socket.send_fds(ours, [b"+"], [far_end.fileno(), memory])
            ours.detach()
        os.close(memory)
    assert running.wait(60) == 0
    assert (tmp_path / "stderr").read_bytes() == b""
