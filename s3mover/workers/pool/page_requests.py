"""Which worker reads which page of a listing. How a worker reads one is in `process/page_readers.py`.

A page that a worker does not deliver, because it died or there is none, is not lost: the supervisor reads it itself.
"""

import time
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue

from s3mover.errors import MoverError
from s3mover.model import Side
from s3mover.s3.bucket import Bucket, ListPage
from s3mover.s3.records import Page
from s3mover.workers.messages import PageRead, ReadPage
from s3mover.workers.pool.handle import WorkerHandle

# How often a thread that waits for a page checks whether the pool still runs.
POLL_SECONDS = 1.0
# After so long without an answer the thread reads the page itself: no request of a worker takes that long.
MAX_WAIT_SECONDS = 900.0


class PageRequest:
    """One page that a thread waits for; `message` has no number yet."""

    def __init__(self, message: ReadPage) -> None:
        self.message = message
        self._answer: SimpleQueue[PageRead | None] = SimpleQueue()

    def resolve(self, answer: PageRead | None) -> None:
        """Wake the thread that waits; None: no worker can read the page."""
        self._answer.put(answer)

    def wait(self, is_stopped: Callable[[], bool]) -> Page | None:
        """Return the page, or None if no worker can read it, or does in time, or the pool `is_stopped`.

        Raises:
            MoverError: the error that the worker met.
        """
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while True:
            try:
                answer = self._answer.get(timeout=POLL_SECONDS)
            except Empty:
                if is_stopped() or time.monotonic() > deadline:
                    return None
                continue
            if answer is None:
                return None
            if isinstance(answer.page, MoverError):
                raise answer.page
            return answer.page


class PageRequests:
    """The open page requests of all routes. Belongs to the pool's thread; `handles` returns the workers that live."""

    def __init__(self, handles: Callable[[], list[WorkerHandle]]) -> None:
        self._handles = handles
        self._numbers = count(1)
        self._open: dict[int, dict[int, PageRequest]] = {}

    def submit(self, request: PageRequest) -> None:
        """Send a request to the worker with the fewest open ones."""
        handle = min(self._handles(), key=lambda one: len(self._open.get(one.number, ())), default=None)
        if handle is None:
            request.resolve(None)
            return
        number = next(self._numbers)
        self._open.setdefault(handle.number, {})[number] = request
        handle.send(request.message._replace(number=number))

    def take_answer(self, worker: int, answer: PageRead) -> None:
        """Resolve the request that a worker answers."""
        request = self._open.get(worker, {}).pop(answer.number, None)
        if request is not None:
            request.resolve(answer)

    def cancel(self, worker: int) -> None:
        """Resolve the requests of a worker that is gone, without a page."""
        for request in self._open.pop(worker, {}).values():
            request.resolve(None)


def worker_page_reader(
    read_page: Callable[[Side, str, str, str], Page | None], side: Side, bucket: Bucket
) -> ListPage:
    """Return a function that reads pages of one side by `read_page` of the route's client, or else by `bucket`.

    Until the listing is cut into ranges it is read by `bucket`: most buckets have few pages, and need not wait for a
    worker. Then all ranges are read by workers, so that this process has time to compare them.
    """
    is_cut = False

    def list_page(prefix: str, start_after: str, token: str) -> Page:
        nonlocal is_cut
        is_cut = is_cut or bool(start_after)
        page = read_page(side, prefix, start_after, token) if is_cut else None
        return page or bucket.list_page(prefix, start_after, token)

    return list_page
