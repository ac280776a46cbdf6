"""Reading ahead changes when items are fetched, never which."""

import threading
from collections.abc import Generator
from contextlib import closing

import pytest

from s3mover.planning.read_ahead import ReadAhead


def test_all_items_come_in_order() -> None:
    """The reader sees what the iterator yields."""
    with closing(ReadAhead((n for n in range(100)), depth=3, name="t")) as ahead:
        assert list(ahead) == list(range(100))


def test_an_error_comes_in_its_place() -> None:
    """Items before the error arrive; then the error is raised, again and again."""

    def items() -> Generator[int]:
        yield 1
        raise LookupError("gone")

    with closing(ReadAhead(items(), depth=3, name="t")) as ahead:
        assert next(ahead) == 1
        for _ in range(2):
            with pytest.raises(LookupError, match="gone"):
                next(ahead)


def test_a_reader_that_leaves_lets_the_thread_go() -> None:
    """Closing early ends the fetching thread although items are left."""

    def endless() -> Generator[int]:
        while True:
            yield 0

    before = set(threading.enumerate())
    ahead = ReadAhead(endless(), depth=1, name="t")
    [thread] = set(threading.enumerate()) - before
    assert next(ahead) == 0
    ahead.close()
    thread.join(timeout=60)
    assert not thread.is_alive()
