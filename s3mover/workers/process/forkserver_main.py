"""The fork server's process: one thread that has loaded what workers need, and forks and reaps them on request.

Only this module runs there. The supervisor's client is `pool/forkserver.py`.
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

# What a worker runs, given its pipe and its shared memory file.
WorkerMain = Callable[[Connection, int], None]


def serve_forks(control: Connection, worker_main: WorkerMain) -> None:
    """Fork and reap workers on request until the supervisor is gone. A forked worker runs and ends inside this call.

    Remaining workers end by themselves when their pipes close, except stopped ones (SIGSTOP). So all are killed.
    """
    workers: set[int] = set()
    while True:
        try:
            request = _receive(control)
        except (EOFError, OSError):
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
            return
        if isinstance(request, Reap):
            _answer(control, _reap(request))
            workers.discard(request.pid)
            continue
        pipe, memory = request
        pid = os.fork()
        if not pid:
            control.close()
            worker_main(pipe, memory)
            _exit_now()
        pipe.close()
        os.close(memory)
        workers.add(pid)
        _answer(control, pid)


def _receive(control: Connection) -> Reap | tuple[Connection, int]:
    """Return a request: to reap a worker, or to fork one with this pipe and this shared memory file."""
    request = control.recv()
    if isinstance(request, Reap):
        return request
    with socket.socket(fileno=os.dup(control.fileno())) as carrier:
        _, files, _, _ = socket.recv_fds(carrier, 1, 2)
    if not files:
        raise EOFError
    pipe, memory = files
    return Connection(pipe), memory


def _answer(control: Connection, value: int) -> None:
    # If the supervisor is gone, the next `_receive` ends the loop.
    with suppress(OSError):
        control.send(value)


def _reap(request: Reap) -> int:
    until = time.monotonic() + request.grace
    while (left := until - time.monotonic()) > 0:
        pid, status = os.waitpid(request.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        # The signal may be of another worker. That of a worker that ended before `waitpid` is still pending.
        signal.sigtimedwait({signal.SIGCHLD}, left)
    os.kill(request.pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(request.pid, 0)[1])


def _load_worker() -> WorkerMain:
    """Load what workers need, without garbage collection: loading leaves hardly any garbage.

    The loaded objects are frozen: a collection would touch, and so copy, the memory pages that workers share.
    """
    gc.disable()
    from s3mover.workers.process.worker import worker_main  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    return worker_main


def _exit_now() -> NoReturn:
    """End this process without the interpreter's cleanup, which takes 10 ms and more and has no use here."""
    os._exit(ExitCode.OK)


def main() -> NoReturn:
    """Run the fork server: the entry point of its process, which is given the descriptor of its control socket."""
    # A terminal's Ctrl-C and a service manager's TERM reach the whole process group, but only the supervisor acts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # `_reap` waits for this signal, and nothing else handles it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    serve_forks(Connection(int(sys.argv[1])), _load_worker())
    _exit_now()


if __name__ == "__main__":
    main()
