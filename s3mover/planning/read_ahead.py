"""Iterators that are each advanced by a thread of their own, so that several listings are under way at once."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from queue import SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class FeedEnded(NamedTuple):
    """The end of a feed: all sources were read to their end (`whole`), one raised `error`, or the feed was closed."""

    whole: bool
    error: BaseException | None = None


class Feed(Generic[T]):
    """Delivers the items of all `sources` as they come; at most `depth` are delivered and not released.

    The items of one source keep their order. Exactly one `FeedEnded` is delivered, and nothing after it: when all
    sources have ended, on the first error, or by `close`. `deliver` is called from the sources' threads and must not
    block. Each source is closed by its own thread.
    """

    def __init__(
        self,
        *sources: Generator[T, Any, Any],
        depth: int,
        deliver: Callable[[T | FeedEnded], None],
        name: str,
    ) -> None:
        self._changed = threading.Condition()
        self._deliver = deliver
        self._room = depth
        self._running = len(sources)
        self._ended = False
        for source in sources:
            threading.Thread(target=self._read, args=(source,), name=name, daemon=True).start()

    def release(self, items: int = 1) -> None:
        """Make room for that many further items."""
        with self._changed:
            self._room += items
            self._changed.notify_all()

    def close(self) -> None:
        """End the feed; each thread ends after the item that it is fetching. Returns at once."""
        with self._changed:
            self._end(FeedEnded(whole=False))

    def _read(self, source: Generator[T, Any, Any]) -> None:
        error: BaseException | None = None
        try:
            with closing(source):
                for item in source:
                    if not self._put(item):
                        return
        except BaseException as raised:  # noqa: BLE001 - carried to the consumer, which raises it
            error = raised
        with self._changed:
            self._running -= 1
            if error is not None or not self._running:
                self._end(FeedEnded(whole=error is None, error=error))

    def _put(self, item: T) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._room > 0 or self._ended)
            if not self._ended:
                self._room -= 1
                self._deliver(item)
            return not self._ended

    def _end(self, ended: FeedEnded) -> None:
        if not self._ended:
            self._ended = True
            self._deliver(ended)
            self._changed.notify_all()


class ReadAhead(Generic[T], Iterator[T]):
    """Iterates over the items of all `sources` as they come; up to `depth` are fetched before they are asked for.

    The items of one source keep their order. An error that a source raises is raised here after the items that came
    before it. Close it to end the threads.
    """

    def __init__(self, *sources: Generator[T, Any, Any], depth: int, name: str) -> None:
        self._queue: SimpleQueue[T | FeedEnded] = SimpleQueue()
        self._ended: FeedEnded | None = None
        self._feed = Feed(*sources, depth=depth, deliver=self._queue.put, name=name)

    def __next__(self) -> T:
        if self._ended is None:
            item = self._queue.get()
            if not isinstance(item, FeedEnded):
                self._feed.release()
                return item
            self._ended = item
        if self._ended.error is not None:
            raise self._ended.error
        raise StopIteration

    def close(self) -> None:
        """End the threads after the items that they are fetching; returns at once."""
        self._feed.close()
