"""What a helper process of the supervisor does that reads requests from a pipe: it ends with its client."""

import os
import select
import signal
import threading


def end_with_client(requests: int) -> None:
    """Start a thread that kills this process group, with every child process, when the client closes the pipe.

    A `credential_process` may hang, and then the thread that reads `requests` does not notice the end. The process must
    lead a process group of its own.
    """
    threading.Thread(target=_kill_at_end, args=(requests,), name="watch", daemon=True).start()


def _kill_at_end(requests: int) -> None:
    poller = select.poll()
    # POLLHUP is always reported.
    poller.register(requests, 0)
    poller.poll()
    os.killpg(0, signal.SIGKILL)
