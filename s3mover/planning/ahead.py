"""Reading ahead: an iterator advanced by a thread of its own, so that two listings are on their way at once."""

import threading
from collections.abc import Iterator
from queue import Full, Queue
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")

# How often a thread that waits for room looks whether its reader has gone.
GONE_CHECK_SECONDS = 0.2


class _End:
    """Marks the end of the items; carries what ended them early."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(Generic[T], Iterator[T]):
    """Iterates over `items`, of which up to `depth` are fetched before they are asked for.

    An error raised by `items` is raised here in its place. Close it (or leave its `with`) to let the thread go.
    """

    def __init__(self, items: Iterator[T], depth: int, name: str) -> None:
        self._queue: Queue[T | _End] = Queue(depth)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fetch, args=(items,), name=name, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> T:
        item = self._queue.get()
        if isinstance(item, _End):
            self._queue.put(item)
            if item.error is not None:
                raise item.error
            raise StopIteration
        return item

    def close(self) -> None:
        """Let the fetching thread end after the item that it is fetching; returns at once."""
        self._closed.set()

    def _fetch(self, items: Iterator[T]) -> None:
        end = _End(None)
        try:
            for item in items:
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
