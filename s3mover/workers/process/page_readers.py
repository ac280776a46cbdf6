"""In a worker: threads that read pages of listings for the supervisor, beside those that transfer.

A page waits for the network and then takes milliseconds of an interpreter, of which the supervisor has only one. Who
asks for which page, and what is made of it, is not known here.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from s3mover.errors import MoverError
from s3mover.s3.records import Page
from s3mover.workers.messages import PageRead, ReadPage

# A page, and what reads it.
Task = tuple[ReadPage, Callable[[ReadPage], Page]]

# A reader that was asked for nothing for so long closes its connections and ends: between sweeps there is none.
REST_SECONDS = 5.0


class PageReaders:
    """Threads that are started when one more is needed: as many as pages are asked for at a time.

    `tell` sends what was read, `leave` closes the connections of the calling thread; each reader calls them.
    """

    def __init__(
        self,
        tell: Callable[[PageRead], None],
        leave: Callable[[], None],
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._tell = tell
        self._leave = leave
        self._rest_seconds = rest_seconds
        self._asked: SimpleQueue[Task] = SimpleQueue()
        self._lock = threading.Lock()
        # There are at least as many readers as pages that are open: asked for and not read yet.
        self._readers = self._open = 0

    def put(self, asked: ReadPage, read: Callable[[ReadPage], Page]) -> None:
        """Have a page read by `read`, which may raise a `MoverError`: the supervisor is told that instead."""
        with self._lock:
            self._asked.put((asked, read))
            self._open += 1
            if self._open > self._readers:
                self._readers += 1
                threading.Thread(target=self._work, name="reader", daemon=True).start()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            answer = _answer(*task)
            with self._lock:
                self._open -= 1
            self._tell(answer)
        self._leave()

    def _next(self) -> Task | None:
        """Wait for a page; None where none came for long: then the calling thread is one of the readers no more."""
        while True:
            try:
                return self._asked.get(timeout=self._rest_seconds)
            except Empty:
                with self._lock:
                    # A page that was asked for in this very moment counts on every reader.
                    if self._asked.empty():
                        self._readers -= 1
                        return None


def _answer(asked: ReadPage, read: Callable[[ReadPage], Page]) -> PageRead:
    try:
        return PageRead(asked.route, asked.number, read(asked))
    except MoverError as error:
        return PageRead(asked.route, asked.number, error)
