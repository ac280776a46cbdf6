"""One worker process as the supervisor sees it: the process, its pipe, and two threads that listen and speak.

Nobody waits for a pipe but these two threads: a worker that does not read holds up nobody else.
"""

import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from s3mover.model import Order
from s3mover.workers.messages import FromWorker, OrderKey, ToWorker, WorkerConfig
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.shared_state import WorkerState, shared_memory_file


class WorkerHandle:
    """A worker process, started at once; `hear` takes what it says, and None when its pipe has closed.

    `orders` are what it has and has not reported yet; its owner keeps them. `started_at` is in seconds since the epoch.
    """

    def __init__(
        self,
        number: int,
        config: WorkerConfig,
        fork_server: ForkServer,
        hear: Callable[[int, FromWorker | None], None],
    ) -> None:
        self.number = number
        self.started_at = time.time()
        self.config = config
        self.orders: dict[str, dict[OrderKey, Order]] = {route: {} for route in config.routes}
        self._hear = hear
        self._outbox: SimpleQueue[ToWorker | WorkerConfig | None] = SimpleQueue()
        self._outbox.put(config)
        memory = shared_memory_file()
        try:
            self.state = WorkerState(config.threads, list(config.routes), memory)
            self._child = fork_server.start(memory)
        finally:
            os.close(memory)
        self.pid = self._child.pid
        name = f"worker-{number}"
        self._threads = [
            threading.Thread(target=self._listen, name=f"{name}-listener", daemon=True),
            threading.Thread(target=self._speak, name=f"{name}-speaker", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: ToWorker) -> None:
        """Send `message` after what was sent before; to a worker that has died it is lost."""
        self._outbox.put(message)

    def kill(self) -> None:
        """End the process at once; its listener will tell."""
        self._child.end()

    def wait(self, seconds: float) -> None:
        """Wait so long for the process to end, then end it."""
        self._child.end(seconds)

    def end(self) -> int | None:
        """See to it that the process has gone, and give back its exit code."""
        # A worker whose pipe broke, or whose time is up, cannot report any more, whatever it still does.
        code = self._child.end()
        self._outbox.put(None)
        # Both threads come to the pipe's end now; only then may the pipe be closed under them.
        for thread in self._threads:
            thread.join()
        self._child.pipe.close()
        return code

    def _listen(self) -> None:
        try:
            while True:
                self._hear(self.number, self._child.pipe.recv())
        except (EOFError, OSError):
            self._hear(self.number, None)

    def _speak(self) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                self._child.pipe.send(message)
            except (BrokenPipeError, ConnectionError):
                # The worker died: its listener tells, and its orders are handed on.
                return


def order_key(route: str, order: Order) -> OrderKey:
    """Name `order` among all routes."""
    return route, order.sweep, order.number
