"""A latch: callbacks wait at it until it is opened, once and for good."""

from collections.abc import Callable


class Latch:
    """Closed at first; open for good once it was opened."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self._is_open = False

    def run_when_open(self, callback: Callable[[], None]) -> None:
        """Run the callback at once if the latch is open, else when it is opened."""
        if self._is_open:
            callback()
        else:
            self._waiting.append(callback)

    def open(self) -> None:
        """Run the waiting callbacks in the order in which they came."""
        self._is_open = True
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()
