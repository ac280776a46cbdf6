"""Which keys the events and the sweep have in hand, so that no object is worked on twice at once. It does nothing else.

A key that is in hand waits until it is free, and is then looked at again, with all messages that came meanwhile.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class KeyWork:
    """One look at a key: the messages that it answers, and when the newest change that they announce happened.

    `changed_at` is in seconds since the epoch, 0 where no message says it.
    """

    changed_at: float = 0.0
    messages: list[int] = field(default_factory=list)


class KeysInHand:
    """The keys that wait for a look, that the events have in hand, and that the sweep has in hand."""

    def __init__(self) -> None:
        self._waiting: dict[str, KeyWork] = {}
        self._ready: deque[str] = deque()
        self._in_hand: dict[str, KeyWork] = {}
        self._swept: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_hand)

    def add(self, key: str, changed_at: float = 0.0, message: int | None = None) -> None:
        """Let a key wait for a look."""
        work = self._waiting.get(key)
        if work is None:
            work = self._waiting[key] = KeyWork()
            self._make_ready(key)
        work.changed_at = max(work.changed_at, changed_at)
        if message is not None:
            work.messages.append(message)

    def take(self, limit: int) -> list[str]:
        """Take up to `limit` keys that wait and are free into hand."""
        taken: list[str] = []
        while self._ready and len(taken) < limit:
            key = self._ready.popleft()
            self._in_hand[key] = self._waiting.pop(key)
            taken.append(key)
        return taken

    def work(self, key: str) -> KeyWork:
        """Return the look at a key that is in hand."""
        return self._in_hand[key]

    def release(self, key: str) -> KeyWork:
        """Give a key out of hand, and return what was done with it; what came meanwhile is ready for the next look."""
        work = self._in_hand.pop(key)
        self._make_ready(key)
        return work

    def drop_waiting(self) -> list[KeyWork]:
        """Forget the keys that wait, and return the looks that do not take place."""
        dropped = list(self._waiting.values())
        self._waiting.clear()
        self._ready.clear()
        return dropped

    def holds(self, key: str) -> bool:
        """Return whether the events have a key in hand, or are to look at it."""
        return key in self._in_hand or key in self._waiting

    def begin_sweeping(self, keys: Iterable[str]) -> None:
        """Note that the sweep has these keys in hand."""
        self._swept.update(keys)

    def end_sweeping(self, keys: Iterable[str]) -> None:
        """Note that the sweep has these keys no longer in hand."""
        for key in keys:
            self._swept.discard(key)
            self._make_ready(key)

    def _make_ready(self, key: str) -> None:
        if key in self._waiting and key not in self._in_hand and key not in self._swept:
            self._ready.append(key)
