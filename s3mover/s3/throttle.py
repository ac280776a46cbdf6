"""Upper bounds that a user sets: so many requests, or bytes, per second and no more."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

# What was not used in so short a time may be caught up on, so that a bound is reached and not only approached.
BURST_SECONDS = 0.1


class Gate(Protocol):
    """What requests, or bytes, pass one after the other."""

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""


class Pace:
    """Lets `rate` units through per second, counted over all threads; 0 is no bound.

    `clock` counts seconds steadily, `sleep` waits so many.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return not self._rate

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            start = max(self._free_at, now - BURST_SECONDS)
            self._free_at = start + units / self._rate
        if start > now:
            self._sleep(start - now)


UNBOUNDED = Pace(0)
