"""A gate: what comes to it waits there until it is opened."""

from collections.abc import Callable


class Gate:
    """Closed at first, and open for good once it was opened."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self._is_open = False

    def enter(self, go_on: Callable[[], None]) -> None:
        """Go on at once where the gate is open, else when it is opened."""
        if self._is_open:
            go_on()
        else:
            self._waiting.append(go_on)

    def open(self) -> None:
        """Let everything go on, in the order in which it came."""
        self._is_open = True
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on()
