"""Threads that read pages start and end with the demand."""

import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from s3mover.errors import ListingError
from s3mover.model import Side, page_of
from s3mover.s3.records import Page
from s3mover.workers.messages import PageRead, ReadPage
from s3mover.workers.process.page_readers import PageReaders
from testkit.waiting import TOO_LONG, wait_until

EMPTY = Page(page_of([]), "")


def message(number: int) -> ReadPage:
    return ReadPage("only", number, Side.SOURCE, "", "", "")


class Reading:
    """Page readers whose reads are held until `let`; `sent` has their pages, `closed` the threads that ended."""

    def __init__(self, idle_seconds: float) -> None:
        self.sent: SimpleQueue[PageRead] = SimpleQueue()
        self.begun: SimpleQueue[threading.Thread] = SimpleQueue()
        self.closed: SimpleQueue[threading.Thread] = SimpleQueue()
        self.go_on = threading.Semaphore(0)
        self.readers = PageReaders(
            self.sent.put, lambda: self.closed.put(threading.current_thread()), idle_seconds=idle_seconds
        )

    def submit(self, number: int) -> None:
        self.readers.submit(message(number), self._read)

    def _read(self, _: ReadPage) -> Page:
        self.begun.put(threading.current_thread())
        self.go_on.acquire()
        return EMPTY

    def let(self, count: int) -> list[int]:
        """Let so many reads go on, and return the numbers of their pages."""
        self.go_on.release(count)
        return sorted(self.sent.get(timeout=TOO_LONG).number for _ in range(count))

    def threads(self, count: int) -> set[threading.Thread]:
        """Wait until so many more reads have begun, and return their threads."""
        return {self.begun.get(timeout=TOO_LONG) for _ in range(count)}


@pytest.fixture
def reading() -> Iterator[Reading]:
    """Page readers that end as soon as they have no task."""
    opened = Reading(idle_seconds=0.001)
    yield opened
    opened.go_on.release(100)


def test_pages_requested_at_once_are_read_at_once() -> None:
    """Three threads read three pages; they also read the next three."""
    reading = Reading(idle_seconds=TOO_LONG)
    for number in (1, 2, 3):
        reading.submit(number)
    first = reading.threads(3)
    assert len(first) == 3
    assert reading.let(3) == [1, 2, 3]
    for number in (4, 5, 6):
        reading.submit(number)
    assert reading.threads(3) <= first
    assert reading.let(3) == [4, 5, 6]


def test_a_reader_without_a_task_ends(reading: Reading) -> None:
    """It closes its connections before; another thread reads the next page."""
    reading.submit(1)
    [reader] = reading.threads(1)
    assert reading.let(1) == [1]
    assert reading.closed.get(timeout=TOO_LONG) is reader
    wait_until(lambda: not reader.is_alive())
    reading.submit(2)
    assert reading.threads(1) != {reader}
    assert reading.let(1) == [2]


class Late(SimpleQueue[Any]):
    """A queue that gets a page just after the wait for one has timed out."""

    def __init__(self, come: Callable[[], None]) -> None:
        self._come = [come]

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return super().get(block, timeout)
        except Empty:
            while self._come:
                self._come.pop()()
            raise


def test_no_page_is_lost_while_readers_end(reading: Reading) -> None:
    """A page that is requested just when the last reader times out is read by that reader."""
    reading.readers._tasks = Late(lambda: reading.submit(2))
    reading.submit(1)
    [reader] = reading.threads(1)
    assert reading.let(1) == [1]
    assert reading.threads(1) == {reader}
    assert reading.let(1) == [2]


def test_the_error_of_a_page_is_sent() -> None:
    """It takes the place of the page."""

    def contradict(_: ReadPage) -> Page:
        raise ListingError("odd")

    sent: SimpleQueue[PageRead] = SimpleQueue()
    PageReaders(sent.put, lambda: None).submit(message(7), contradict)
    answer = sent.get(timeout=TOO_LONG)
    assert (answer.number, str(answer.page)) == (7, "odd")
