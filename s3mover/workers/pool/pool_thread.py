"""The thread `pool`: runs the calls that other threads submit, one at a time, and the periodic tasks that are due.

Only this thread changes the pool's state, so that the state needs no lock and routes on several threads may share one
pool. What the calls do is not known here.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol


class Periodic(Protocol):
    """A task that is repeated; `due_at` is finite, on the monotonic clock."""

    @property
    def due_at(self) -> float:
        """When `poll` has something to do."""

    def poll(self) -> None:
        """Do what is due."""


class PoolThread:
    """Runs submitted calls in their order, and polls the periodic tasks.

    An error of a call or a task goes to `on_error`, and the thread goes on.
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self._on_error = on_error
        self._calls: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.is_stopped = False

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Submit a call, from any thread; calls before `start` wait for it."""
        self._calls.put(partial(function, *args))

    def start(self, periodic: Sequence[Periodic]) -> None:
        """Start the thread, unless it was started."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(periodic,), name="pool", daemon=True)
                self._thread.start()

    def stop(self, last_call: Callable[[], object]) -> None:
        """Run `last_call` after the calls before it, and wait until the thread has ended."""
        self.call(self._end, last_call)
        if self._thread is not None:
            self._thread.join()

    def _end(self, last_call: Callable[[], object]) -> None:
        self.is_stopped = True
        last_call()

    def _run(self, periodic: Sequence[Periodic]) -> None:
        while not self.is_stopped:
            try:
                for task in periodic:
                    task.poll()
                self._run_next(min(task.due_at for task in periodic))
            except Exception as error:  # noqa: BLE001 - carried to the routes' loops, which raise it
                self._on_error(error)

    def _run_next(self, until: float) -> None:
        try:
            call = self._calls.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return
        call()
