"""Readers of pages come and go with what is asked of them."""

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


def asked(number: int) -> ReadPage:
    return ReadPage("only", number, Side.SOURCE, "", "", "")


class RouteClient:
    """Where readers bring pages, which they read once they are let; who left has closed its connections."""

    def __init__(self, rest_seconds: float) -> None:
        self.told: SimpleQueue[PageRead] = SimpleQueue()
        self.begun: SimpleQueue[threading.Thread] = SimpleQueue()
        self.left: SimpleQueue[threading.Thread] = SimpleQueue()
        self.go_on = threading.Semaphore(0)
        self.readers = PageReaders(
            self.told.put, lambda: self.left.put(threading.current_thread()), rest_seconds=rest_seconds
        )

    def ask(self, number: int) -> None:
        self.readers.put(asked(number), self._read)

    def _read(self, _: ReadPage) -> Page:
        self.begun.put(threading.current_thread())
        self.go_on.acquire()
        return EMPTY

    def let(self, count: int) -> list[int]:
        """Let so many pages be read, and return their numbers."""
        self.go_on.release(count)
        return sorted(self.told.get(timeout=TOO_LONG).number for _ in range(count))

    def who(self, count: int) -> set[threading.Thread]:
        """Wait until so many more are at it, and return who."""
        return {self.begun.get(timeout=TOO_LONG) for _ in range(count)}


@pytest.fixture
def client() -> Iterator[RouteClient]:
    """A desk whose readers rest for no time at all."""
    opened = RouteClient(rest_seconds=0.001)
    yield opened
    opened.go_on.release(100)


def test_pages_that_are_asked_for_at_a_time_are_read_at_a_time() -> None:
    """Three readers for three pages; they are enough for the next three."""
    client = RouteClient(rest_seconds=TOO_LONG)
    for number in (1, 2, 3):
        client.ask(number)
    first = client.who(3)
    assert len(first) == 3
    assert client.let(3) == [1, 2, 3]
    for number in (4, 5, 6):
        client.ask(number)
    assert client.who(3) <= first
    assert client.let(3) == [4, 5, 6]


def test_who_is_asked_for_nothing_ends(client: RouteClient) -> None:
    """It closes its connections before; the next page finds another reader."""
    client.ask(1)
    [reader] = client.who(1)
    assert client.let(1) == [1]
    assert client.left.get(timeout=TOO_LONG) is reader
    wait_until(lambda: not reader.is_alive())
    client.ask(2)
    assert client.who(1) != {reader}
    assert client.let(1) == [2]


class Late(SimpleQueue[Any]):
    """A queue into which a page comes just when who waited for one has given up."""

    def __init__(self, come: Callable[[], None]) -> None:
        self._come = [come]

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return super().get(block, timeout)
        except Empty:
            while self._come:
                self._come.pop()()
            raise


def test_no_page_is_forgotten_while_readers_end(client: RouteClient) -> None:
    """What is asked for in the very moment in which the last one gives up is read all the same, and by it."""
    client.readers._asked = Late(lambda: client.ask(2))
    client.ask(1)
    [reader] = client.who(1)
    assert client.let(1) == [1]
    assert client.who(1) == {reader}
    assert client.let(1) == [2]


def test_what_a_page_contradicts_is_told() -> None:
    """The error comes in the page's place."""

    def contradict(_: ReadPage) -> Page:
        raise ListingError("odd")

    told: SimpleQueue[PageRead] = SimpleQueue()
    PageReaders(told.put, lambda: None).put(asked(7), contradict)
    answer = told.get(timeout=TOO_LONG)
    assert (answer.number, str(answer.page)) == (7, "odd")
