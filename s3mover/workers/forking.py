"""The nursery's process: one thread that has loaded what workers need, forks workers and reaps them, on request.

Only this module runs there; the supervisor holds it by `nursery.py`.
"""

import gc
import os
import signal
import socket
import sys
import time
from multiprocessing.connection import Connection

from s3mover.workers.nursery import Await
from s3mover.workers.worker import serve

REAP_SECONDS = 0.01


def attend(control: Connection) -> None:
    """Fork and reap on request until the supervisor is gone; returns in each worker, too, once it is done.

    Workers that are left end by themselves when their pipes close, save those that are stopped: none outlives this.
    """
    workers: set[int] = set()
    while True:
        try:
            request = control.recv()
        except (EOFError, OSError):
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
            return
        if isinstance(request, Await):
            control.send(_reap(request))
            workers.discard(request.pid)
            continue
        pipe, memory = _received(control)
        pid = os.fork()
        if not pid:
            control.close()
            serve(pipe, memory)
            return
        pipe.close()
        os.close(memory)
        workers.add(pid)
        control.send(pid)


def _received(control: Connection) -> tuple[Connection, int]:
    with socket.socket(fileno=os.dup(control.fileno())) as carrier:
        _, (pipe, memory), _, _ = socket.recv_fds(carrier, 1, 2)
    return Connection(pipe), memory


def _reap(request: Await) -> int:
    until = time.monotonic() + request.grace
    while time.monotonic() < until:
        pid, status = os.waitpid(request.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(REAP_SECONDS)
    os.kill(request.pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(request.pid, 0)[1])


def main() -> None:
    """Be the nursery: the entry point of its process, which is given the number of its control socket."""
    # A terminal's Ctrl-C and a service manager's TERM reach the whole group; stopping is the supervisor's to order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What is loaded stays for ever: no collection may touch, and so copy, the pages that workers share.
    gc.collect()
    gc.freeze()
    attend(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
