"""One worker process as the supervisor sees it: the process, its pipe, and two threads that listen and speak.

Nobody waits for a pipe but these two threads: a worker that does not read holds up nobody else.
"""

import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue

from s3mover.model import Order
from s3mover.workers.messages import Brief, Identity, Report, ToWorker
from s3mover.workers.slate import Slate
from s3mover.workers.worker import serve

# Clean processes: a fork would copy locks that the supervisor's threads hold at that instant.
_processes = multiprocessing.get_context("spawn")


class Member:
    """A worker process, started at once; `hear` takes its reports, and None when its pipe has closed.

    `orders` are what it has and has not reported yet; its owner keeps them.
    """

    def __init__(self, number: int, brief: Brief, hear: Callable[[int, Report | None], None]) -> None:
        self.number = number
        self.brief = brief
        self.orders: dict[str, dict[Identity, Order]] = {route: {} for route in brief.routes}
        self.slate = Slate(brief.threads, list(brief.routes))
        self._hear = hear
        self._outbox: SimpleQueue[ToWorker | None] = SimpleQueue()
        self._pipe, theirs = _processes.Pipe()
        name = f"s3mover-worker-{number}"
        self._process = _processes.Process(
            target=serve, args=(brief, self.slate, theirs), name=name, daemon=True
        )
        self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0
        self._threads = [
            threading.Thread(target=self._listen, args=(self._pipe,), name=f"{name}-listener", daemon=True),
            threading.Thread(target=self._speak, args=(self._pipe,), name=f"{name}-speaker", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: ToWorker) -> None:
        """Send `message` after what was sent before; to a worker that has died it is lost."""
        self._outbox.put(message)

    def kill(self) -> None:
        """End the process at once; its listener will tell."""
        self._process.kill()

    def wait(self, seconds: float) -> None:
        """Wait so long for the process to end."""
        self._process.join(seconds)

    def end(self) -> int | None:
        """See to it that the process has gone, and give back its exit code."""
        # A worker whose pipe broke, or whose time is up, cannot report any more, whatever it still does.
        self._process.kill()
        self._process.join()
        self._outbox.put(None)
        # Both threads come to the pipe's end now; only then may the pipe be closed under them.
        for thread in self._threads:
            thread.join()
        self._pipe.close()
        code = self._process.exitcode
        self._process.close()
        return code

    def _listen(self, pipe: Connection) -> None:
        try:
            while True:
                self._hear(self.number, pipe.recv())
        except (EOFError, OSError):
            self._hear(self.number, None)

    def _speak(self, pipe: Connection) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                pipe.send(message)
            except (BrokenPipeError, ConnectionError):
                # The worker died: its listener tells, and its orders are handed on.
                return


def identity(route: str, order: Order) -> Identity:
    """Name `order` among all routes."""
    return route, order.sweep, order.number
