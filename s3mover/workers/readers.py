"""In a worker: threads that read pages of listings for the supervisor, beside those that transfer.

A page waits for the network and then takes milliseconds of an interpreter, of which the supervisor has only one. Who
asks for which page, and what is made of it, is not known here.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from s3mover.errors import MoverError
from s3mover.s3.records import Page
from s3mover.workers.messages import PageRead, Read


class Readers:
    """Threads that are started when one more is needed; `tell` sends what was read, and is called by each of them.

    There are as many as pages were ever asked for at a time, which the supervisor's listers bound.
    """

    def __init__(self, tell: Callable[[PageRead], None]) -> None:
        self._tell = tell
        self._asked: SimpleQueue[tuple[Read, Callable[[Read], Page]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0

    def put(self, asked: Read, read: Callable[[Read], Page]) -> None:
        """Have a page read by `read`, which may raise a `MoverError`: the supervisor is told that instead."""
        with self._lock:
            self._idle -= 1
            if self._idle < 0:
                self._idle = 0
                threading.Thread(target=self._work, name="reader", daemon=True).start()
        self._asked.put((asked, read))

    def _work(self) -> None:
        while True:
            asked, read = self._asked.get()
            answer = _answer(asked, read)
            with self._lock:
                self._idle += 1
            self._tell(answer)


def _answer(asked: Read, read: Callable[[Read], Page]) -> PageRead:
    try:
        return PageRead(asked.route, asked.number, read(asked))
    except MoverError as error:
        return PageRead(asked.route, asked.number, error)
