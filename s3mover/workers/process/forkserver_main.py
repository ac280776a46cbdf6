"""The nursery's process: one thread that has loaded what workers need, forks workers and reaps them, on request.

Only this module runs there; the supervisor holds it by `fork_server.py`.
"""

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NoReturn

from s3mover.errors import ExitCode
from s3mover.workers.messages import Reap

# What a worker does, given its pipe and its slate's memory.
Serve = Callable[[Connection, int], None]


def attend(control: Connection, serve: Serve) -> None:
    """Fork and reap on request until the supervisor is gone; a worker, once it is done, ends in here.

    Workers that are left end by themselves when their pipes close, save those that are stopped: none outlives this.
    """
    workers: set[int] = set()
    while True:
        try:
            asked = _asked(control)
        except (EOFError, OSError):
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
            return
        if isinstance(asked, Reap):
            _tell(control, _reap(asked))
            workers.discard(asked.pid)
            continue
        pipe, memory = asked
        pid = os.fork()
        if not pid:
            control.close()
            serve(pipe, memory)
            _end()
        pipe.close()
        os.close(memory)
        workers.add(pid)
        _tell(control, pid)


def _asked(control: Connection) -> Reap | tuple[Connection, int]:
    """Return what is asked: for a worker's end, or for a worker with this pipe and this memory."""
    request = control.recv()
    if isinstance(request, Reap):
        return request
    with socket.socket(fileno=os.dup(control.fileno())) as carrier:
        _, files, _, _ = socket.recv_fds(carrier, 1, 2)
    if not files:
        raise EOFError
    pipe, memory = files
    return Connection(pipe), memory


def _tell(control: Connection, answer: int) -> None:
    # A supervisor that is gone meanwhile is noticed by what it does not ask.
    with suppress(OSError):
        control.send(answer)


def _reap(request: Reap) -> int:
    until = time.monotonic() + request.grace
    while (left := until - time.monotonic()) > 0:
        pid, status = os.waitpid(request.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        # Of this worker or of another: whoever ended before it was looked has left its signal.
        signal.sigtimedwait({signal.SIGCHLD}, left)
    os.kill(request.pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(request.pid, 0)[1])


def _loaded() -> Serve:
    """Load what workers need, which leaves hardly any garbage, so that none is looked for.

    It stays for ever: no collection may touch, and so copy, the pages that workers share.
    """
    gc.disable()
    from s3mover.workers.process.worker import serve  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    return serve


def _end() -> NoReturn:
    """End this process at once: nobody needs what an interpreter puts away at its end, which takes 10 ms and more."""
    os._exit(ExitCode.OK)


def main() -> NoReturn:
    """Be the nursery: the entry point of its process, which is given the number of its control socket."""
    # A terminal's Ctrl-C and a service manager's TERM reach the whole group; stopping is the supervisor's to order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # That a worker has ended is waited for where it is asked for, and nowhere else.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    attend(Connection(int(sys.argv[1])), _loaded())
    _end()


if __name__ == "__main__":
    main()
