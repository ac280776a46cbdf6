"""Threads of a worker that read pages of listings for the supervisor, beside those that transfer.

To read a page takes a wait for the network and then milliseconds of an interpreter, of which the supervisor has only
one. Which pages are read, and what for, is not known here.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from s3mover.errors import MoverError
from s3mover.s3.records import Page
from s3mover.workers.messages import PageRead, ReadPage

# A page to read, and the function that reads it.
Task = tuple[ReadPage, Callable[[ReadPage], Page]]

# A reader without a task for so long closes its connections and ends: between sweeps there are no readers.
IDLE_SECONDS = 5.0


class PageReaders:
    """Starts a thread whenever more pages are requested at once than there are threads.

    The threads call `send` with each page, and `close_connections`, which closes those of the calling thread.
    """

    def __init__(
        self,
        send: Callable[[PageRead], None],
        close_connections: Callable[[], None],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._send = send
        self._close_connections = close_connections
        self._idle_seconds = idle_seconds
        self._tasks: SimpleQueue[Task] = SimpleQueue()
        self._lock = threading.Lock()
        # There are at least as many threads as unread pages.
        self._threads = self._unread = 0

    def submit(self, message: ReadPage, read: Callable[[ReadPage], Page]) -> None:
        """Read a page by `read` on a thread, and send the page, or the `MoverError` that `read` raises."""
        with self._lock:
            self._tasks.put((message, read))
            self._unread += 1
            if self._unread > self._threads:
                self._threads += 1
                threading.Thread(target=self._work, name="page-reader", daemon=True).start()

    def _work(self) -> None:
        while (task := self._next_task()) is not None:
            answer = _answer(*task)
            with self._lock:
                self._unread -= 1
            self._send(answer)
        self._close_connections()

    def _next_task(self) -> Task | None:
        """Wait for a task; return None after a long idle time, when the calling thread no longer counts."""
        while True:
            try:
                return self._tasks.get(timeout=self._idle_seconds)
            except Empty:
                with self._lock:
                    # A page that was submitted since the timeout counts on every thread.
                    if self._tasks.empty():
                        self._threads -= 1
                        return None


def _answer(message: ReadPage, read: Callable[[ReadPage], Page]) -> PageRead:
    try:
        return PageRead(message.route, message.number, read(message))
    except MoverError as error:
        return PageRead(message.route, message.number, error)
