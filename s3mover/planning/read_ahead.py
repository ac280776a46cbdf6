"""Reading ahead: iterators advanced by a thread each, so that several listings are on their way at once."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from queue import Full, Queue
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# How often a thread that waits for room looks whether its reader has gone.
GONE_CHECK_SECONDS = 0.2


class _End:
    """Marks the end of one iterator; carries what ended it early."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(Generic[T], Iterator[T]):
    """Iterates over the items of all `sources` as they come; up to `depth` are fetched before they are asked for.

    The items of one source keep their order. An error that a source raises is raised here as soon as it comes. Close
    it to let the threads go; each closes its source.
    """

    def __init__(self, *sources: Generator[T, Any, Any], depth: int, name: str) -> None:
        self._queue: Queue[T | _End] = Queue(depth)
        self._closed = threading.Event()
        self._left = len(sources)
        self._error: BaseException | None = None
        for source in sources:
            threading.Thread(target=self._fetch, args=(source,), name=name, daemon=True).start()

    def __next__(self) -> T:
        while self._left and self._error is None:
            item = self._queue.get()
            if not isinstance(item, _End):
                return item
            self._left -= 1
            self._error = item.error
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        """Let the fetching threads end after the items that they are fetching; returns at once."""
        self._closed.set()

    def _fetch(self, source: Generator[T, Any, Any]) -> None:
        end = _End(None)
        try:
            with closing(source):
                for item in source:
                    if not self._put(item):
                        return
        except BaseException as error:  # noqa: BLE001 - carried to the reading thread, which raises it
            end = _End(error)
        self._put(end)

    def _put(self, item: T | _End) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=GONE_CHECK_SECONDS)
            except Full:
                continue
            return True
        return False
