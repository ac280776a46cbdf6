"""Client of the fork server: starts and reaps worker processes.

A fork of the supervisor would copy locks that its threads hold at that instant, and a new interpreter for each worker
would take 0.2 seconds and 20 MB. So a clean process of one thread loads what workers need, and forks
(`process/forkserver_main.py`). When workers are started is decided in `worker_processes.py`.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe

from s3mover.errors import MoverError
from s3mover.workers.messages import Fork, Reap


class ForkedProcess:
    """One worker process, and the supervisor's end of its pipe. Belongs to one thread."""

    def __init__(self, control: "_Control", pid: int, pipe: Connection) -> None:
        self._control = control
        self.pid = pid
        self.pipe = pipe
        self._is_reaped = False
        self._exit_code: int | None = None

    def reap(self, grace: float = 0.0) -> int | None:
        """Wait for the process to end, kill it after `grace` seconds, and return its exit code; idempotent.

        Returns None if the fork server that could tell the exit code is gone: the worker's pipe is shut down then, and
        the worker ends by itself.
        """
        if not self._is_reaped:
            self._is_reaped = True
            try:
                self._exit_code = self._control.request(Reap(self.pid, grace))
            except (EOFError, OSError):
                self._shut_down_pipe()
        return self._exit_code

    def _shut_down_pipe(self) -> None:
        with socket.socket(fileno=os.dup(self.pipe.fileno())) as pipe, suppress(OSError):
            pipe.shutdown(socket.SHUT_RDWR)


class _Control:
    """One fork server process, and the connection to it, which carries one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "s3mover.workers.process.forkserver_main", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # glibc gives threads heaps of their own, up to eight per core, each with room that stays unused.
                env={"MALLOC_ARENA_MAX": "1", **os.environ},
            )
        self._connection = Connection(ours.detach())

    def request(self, message: Fork | Reap, files: Sequence[int] = ()) -> int:
        """Return the answer to a message; `files` are descriptors that travel with it.

        Raises:
            EOFError, OSError: the fork server is gone.
        """
        with self._lock:
            self._connection.send(message)
            if files:
                with socket.socket(fileno=os.dup(self._connection.fileno())) as carrier:
                    socket.send_fds(carrier, [b"+"], files)
            answer: int = self._connection.recv()
            return answer

    def close(self) -> None:
        """Close the connection, which ends the process, and wait for that."""
        with self._lock:
            self._connection.close()
            self._process.wait()


class ForkServer:
    """Starts worker processes; may be used by several threads.

    The fork server's process is started at once, so that it is ready before the first worker, and again if it died.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control = _Control()

    def fork(self, memory: int) -> ForkedProcess:
        """Fork a worker, which waits for its configuration on the pipe and inherits the file `memory`.

        Raises:
            MoverError: the fork server ends at once.
        """
        with self._lock:
            try:
                return _fork(self._control, memory)
            except (EOFError, OSError):
                self._control.close()
                self._control = _Control()
            try:
                return _fork(self._control, memory)
            except (EOFError, OSError) as error:
                raise MoverError("no worker process can be started: the fork server ends at once") from error

    def close(self) -> None:
        """Stop the fork server; remaining workers see their pipes close, and end."""
        with self._lock:
            self._control.close()


def _fork(control: _Control, memory: int) -> ForkedProcess:
    ours, theirs = Pipe()
    try:
        return ForkedProcess(control, control.request(Fork(), [theirs.fileno(), memory]), ours)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
