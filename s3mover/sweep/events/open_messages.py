"""Which messages are done: all of their keys are. It does nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Open:
    left: int
    failed: bool = False


@dataclass(slots=True)
class DoneMessages:
    """Messages whose keys are all done: `succeeded` may be deleted, `failed` are to come again."""

    succeeded: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


class OpenMessages:
    """Counts the looks at keys that each message waits for."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._done = DoneMessages()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, message: int, keys: int) -> None:
        """Take a message that waits for so many keys."""
        self._open[message] = _Open(keys)

    def key_done(self, messages: Iterable[int], *, succeeded: bool) -> None:
        """Note that a key of each of these messages is done."""
        for message in messages:
            state = self._open[message]
            state.left -= 1
            state.failed = state.failed or not succeeded
            if not state.left:
                del self._open[message]
                (self._done.failed if state.failed else self._done.succeeded).append(message)

    def take_done(self) -> DoneMessages:
        """Return the messages that are done since the last call."""
        done, self._done = self._done, DoneMessages()
        return done
