"""On the supervisor's side: which worker reads which page of a listing. What a worker does for it is `readers.py`'s.

A page that a worker does not bring, because it died or there is none, is nobody's loss: whoever asked reads it itself.
"""

from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue

from s3mover.errors import MoverError
from s3mover.model import Side
from s3mover.s3.bucket import Bucket, ListPage
from s3mover.s3.records import Page
from s3mover.workers.messages import PageRead, ReadPage
from s3mover.workers.pool.handle import WorkerHandle

# How often whoever waits for a page looks whether there is a crew at all.
POLL_SECONDS = 1.0


class PageRequest:
    """One page that somebody waits for; `asked` has no number yet."""

    def __init__(self, asked: ReadPage) -> None:
        self.asked = asked
        self._answer: SimpleQueue[PageRead | None] = SimpleQueue()

    def end(self, answer: PageRead | None) -> None:
        """Give what was read to whoever waits; None: no worker can read it."""
        self._answer.put(answer)

    def wait(self, is_hopeless: Callable[[], bool]) -> Page | None:
        """Return the page, or None where no worker can read it; looks now and then whether it `is_hopeless`.

        Raises:
            MoverError: what the worker met.
        """
        while True:
            try:
                answer = self._answer.get(timeout=POLL_SECONDS)
            except Empty:
                if is_hopeless():
                    return None
                continue
            if answer is None:
                return None
            if isinstance(answer.page, MoverError):
                raise answer.page
            return answer.page


class PageRequests:
    """The errands of all routes; belongs to the foreman's thread. `handles` tells who lives."""

    def __init__(self, handles: Callable[[], list[WorkerHandle]]) -> None:
        self._handles = handles
        self._numbers = count(1)
        self._open: dict[int, dict[int, PageRequest]] = {}

    def give(self, request: PageRequest) -> None:
        """Send a worker for a page, the one with fewest errands."""
        handle = min(self._handles(), key=lambda one: len(self._open.get(one.number, ())), default=None)
        if handle is None:
            request.end(None)
            return
        number = next(self._numbers)
        self._open.setdefault(handle.number, {})[number] = request
        handle.send(request.asked._replace(number=number))

    def hear(self, worker: int, answer: PageRead) -> None:
        """Take what a worker brings to whoever waits for it."""
        request = self._open.get(worker, {}).pop(answer.number, None)
        if request is not None:
            request.end(answer)

    def forget(self, worker: int) -> None:
        """Tell those who wait for a worker that it is gone."""
        for request in self._open.pop(worker, {}).values():
            request.end(None)


def worker_page_reader(
    read: Callable[[ReadPage], Page | None], route: str, side: Side, bucket: Bucket
) -> ListPage:
    """Return what reads pages of one side by workers, and those they cannot, or need not, by `bucket`.

    They need not those of the range that begins with the first key: most buckets are not cut into ranges at all, and
    where they are, it is one of several. `read` is the crew's.
    """

    def list_page(prefix: str, start_after: str, token: str) -> Page:
        page = read(ReadPage(route, 0, side, prefix, start_after, token)) if start_after else None
        return page or bucket.list_page(prefix, start_after, token)

    return list_page
