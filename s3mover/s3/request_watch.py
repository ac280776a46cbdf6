"""Requests that are under way, and how long one of them is beyond its deadline.

Each wait of a request is bounded (`wire.py`). A request that is under way for longer than all of them together hangs,
by a defect or in the operating system, and nothing but a restart of the process may help.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class RequestWatch:
    """Watches requests of many threads; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deadlines: dict[object, float] = {}

    @contextmanager
    def __call__(self, seconds: float) -> Iterator[None]:
        """Watch one request, which may take so many seconds, for the duration of the block."""
        request = object()
        self._deadlines[request] = self._clock() + seconds
        try:
            yield
        finally:
            del self._deadlines[request]

    def overdue(self) -> float:
        """Return by how many seconds a request is beyond its deadline, 0 where none is."""
        earliest = min(list(self._deadlines.values()), default=None)
        return 0.0 if earliest is None else max(0.0, self._clock() - earliest)
