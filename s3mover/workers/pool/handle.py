"""Handle of one worker: its process, its pipe, and the two threads that receive from and send to the pipe.

The pool's thread never waits for a pipe: a worker that does not read blocks only its own sender thread. Large messages
are also decoded on the listener thread.
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
    """A worker process, started at once.

    `on_message` is called on the listener thread with the worker's number and each message, and with None when the pipe
    has closed. `orders` are those that the worker has and has not reported; the dispatcher changes them.
    `started_at` is in seconds since the epoch.
    """

    def __init__(
        self,
        number: int,
        config: WorkerConfig,
        fork_server: ForkServer,
        on_message: Callable[[int, FromWorker | None], None],
    ) -> None:
        self.number = number
        self.started_at = time.time()
        self.config = config
        self.orders: dict[str, dict[OrderKey, Order]] = {route: {} for route in config.routes}
        self._on_message = on_message
        self._outbox: SimpleQueue[ToWorker | WorkerConfig | None] = SimpleQueue()
        self._outbox.put(config)
        memory = shared_memory_file()
        try:
            self.state = WorkerState(config.threads, list(config.routes), memory)
            self._process = fork_server.fork(memory)
        finally:
            os.close(memory)
        self.pid = self._process.pid
        name = f"worker-{number}"
        self._threads = [
            threading.Thread(target=self._listen, name=f"{name}-listener", daemon=True),
            threading.Thread(target=self._send_outbox, name=f"{name}-sender", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: ToWorker) -> None:
        """Send `message` after those sent before; if the worker has died, it is lost."""
        self._outbox.put(message)

    def kill(self) -> None:
        """Kill the process; the listener thread then calls `on_message` with None."""
        self._process.reap()

    def reap(self, grace: float = 0.0) -> int | None:
        """Wait for the process to end, kill it after `grace` seconds, and return its exit code."""
        # A worker whose pipe broke, or whose time is up, cannot report any more, even if it still runs.
        exit_code = self._process.reap(grace)
        self._outbox.put(None)
        # Both threads reach the end of the pipe now; the pipe must not be closed before that.
        for thread in self._threads:
            thread.join()
        self._process.pipe.close()
        return exit_code

    def _listen(self) -> None:
        try:
            while True:
                self._on_message(self.number, self._process.pipe.recv())
        except (EOFError, OSError):
            self._on_message(self.number, None)

    def _send_outbox(self) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                self._process.pipe.send(message)
            except (BrokenPipeError, ConnectionError):
                # The worker died: the listener thread reports it, and its orders are requeued.
                return


def order_key(route: str, order: Order) -> OrderKey:
    """Return the key of `order` among all routes."""
    return route, order.sweep, order.number
