"""Where worker processes come from, as the supervisor sees it: it asks the nursery for one, or to see to its end.

A fork of the supervisor would copy locks that its threads hold at that instant, and an interpreter for each worker
costs 0.2 seconds and 20 MB apiece. So a clean process of one thread loads what workers need and forks
(`forking.py`). Who has which orders is `pool.py`'s.
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
    """One worker process, of which the owner holds the other end of the pipe. Belongs to one thread."""

    def __init__(self, control: "_Control", pid: int, pipe: Connection) -> None:
        self._control = control
        self.pid = pid
        self.pipe = pipe
        self._has_ended = False
        self._code: int | None = None

    def end(self, grace: float = 0.0) -> int | None:
        """See to it that it has ended, by force after `grace` seconds; may be called again.

        Returns its exit code, or None where the nursery that could tell it is gone: such a worker ends by itself,
        because its pipe is shut then.
        """
        if not self._has_ended:
            self._has_ended = True
            try:
                self._code = self._control.ask(Reap(self.pid, grace))
            except (EOFError, OSError):
                self._shut_pipe()
        return self._code

    def _shut_pipe(self) -> None:
        with socket.socket(fileno=os.dup(self.pipe.fileno())) as line, suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


class _Control:
    """The line to one nursery process, for one question at a time."""

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
        self._line = Connection(ours.detach())

    def ask(self, question: Fork | Reap, beside: Sequence[int] = ()) -> int:
        """Return the answer to a question; the files `beside` travel with it.

        Raises:
            EOFError, OSError: the nursery is gone.
        """
        with self._lock:
            self._line.send(question)
            if beside:
                with socket.socket(fileno=os.dup(self._line.fileno())) as carrier:
                    socket.send_fds(carrier, [b"+"], beside)
            answer: int = self._line.recv()
            return answer

    def close(self) -> None:
        """End the process: it sees its line close."""
        with self._lock:
            self._line.close()
            self._process.wait()


class ForkServer:
    """The supervisor's handle of the nursery; may be used by several threads.

    The process is started at once, so that it is ready when the first worker is wanted, and again where it died.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control = _Control()

    def start(self, memory: int) -> ForkedProcess:
        """Fork a worker, which waits for its brief on the pipe and inherits the file `memory`.

        Raises:
            MoverError: the nursery cannot be kept alive.
        """
        with self._lock:
            try:
                return _start(self._control, memory)
            except (EOFError, OSError):
                self._control.close()
                self._control = _Control()
            try:
                return _start(self._control, memory)
            except (EOFError, OSError) as error:
                raise MoverError("no worker process can be started: the nursery ends at once") from error

    def close(self) -> None:
        """End the nursery; workers that are left see their pipes close, or have been ended before."""
        with self._lock:
            self._control.close()


def _start(control: _Control, memory: int) -> ForkedProcess:
    ours, theirs = Pipe()
    try:
        return ForkedProcess(control, control.ask(Fork(), beside=[theirs.fileno(), memory]), ours)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
