"""The messages that were received and are neither deleted nor given back: their handles, and when they come again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Condition

# How long a received message stays invisible to others, unless that is extended; in seconds.
VISIBILITY_SECONDS = 30
# It is extended once less than this is left.
EXTEND_BELOW_SECONDS = 20.0
# At most so many are held: SQS permits 120,000 per queue, and what is held is lost time after a kill.
MAX_HELD = 2000
# SQS gives at most so many at a time.
PER_RECEIVE = 10


@dataclass(slots=True)
class Held:
    """A message: its handle for requests, and when it becomes visible again (by the clock of `HeldMessages`)."""

    handle: str
    visible_at: float
    sent_at: float


class HeldMessages:
    """The messages that this process holds; threads may share it. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[int, Held] = {}
        self._changed = Condition()
        self._last = 0
        self._is_receiving = False
        # Messages that a poll under way may bring.
        self._expected = 0

    def receive(self, *, is_receiving: bool) -> None:
        """Begin or cease to receive."""
        with self._changed:
            self._is_receiving = is_receiving
            self._changed.notify_all()

    def wait_for_room(self) -> None:
        """Wait until messages are to be received, and there is room for as many as one poll may bring."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_receiving and len(self._held) + self._expected + PER_RECEIVE <= MAX_HELD
            )
            self._expected += PER_RECEIVE

    def received(self, handles: Iterable[tuple[str, float]], asked_at: float) -> list[int]:
        """Take what a poll has brought, as handles with the times of sending; return the numbers of the messages."""
        with self._changed:
            self._expected -= PER_RECEIVE
            numbers = []
            for handle, sent_at in handles:
                self._last += 1
                self._held[self._last] = Held(handle, asked_at + VISIBILITY_SECONDS, sent_at)
                numbers.append(self._last)
            self._changed.notify_all()
            return numbers

    def take(self, numbers: Iterable[int]) -> list[str]:
        """Hold these messages no longer, and return the handles of those that were held."""
        with self._changed:
            taken = [self._held.pop(number) for number in numbers if number in self._held]
            self._changed.notify_all()
            return [one.handle for one in taken]

    def expiring(self) -> dict[int, str]:
        """Return the handles of those that become visible soon."""
        limit = self._clock() + EXTEND_BELOW_SECONDS
        with self._changed:
            return {number: one.handle for number, one in self._held.items() if one.visible_at < limit}

    def extended(self, numbers: Iterable[int], asked_at: float) -> None:
        """Note that these stay invisible from `asked_at` on."""
        with self._changed:
            for number in numbers:
                if number in self._held:
                    self._held[number].visible_at = asked_at + VISIBILITY_SECONDS

    def oldest_sent_at(self) -> float | None:
        """Return when the oldest held message was sent, in seconds since the epoch; None without one."""
        with self._changed:
            return min((one.sent_at for one in self._held.values()), default=None)
