"""Waiting and trying again: full jitter, the loop around one read, and the budget of all repetitions.

Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (Marc Brooker). Which errors are worth another
attempt is said by the errors themselves.
"""

import random as chance
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from s3mover.errors import MoverError

T = TypeVar("T")

BASE_SECONDS = 0.1
CAP_SECONDS = 20.0
ATTEMPTS = 8


def backoff(attempt: int, random: Callable[[], float] = chance.random) -> float:
    """Return how many seconds to wait after failed attempt number `attempt` (from 1): anything up to a bound.

    The bound doubles with each attempt, from 0.2 seconds to 20.
    """
    return random() * min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, 32))


def retrying(
    call: Callable[[], T],
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = chance.random,
) -> T:
    """Return what `call` returns, calling again after a temporary error; the last error is raised as it is."""
    for attempt in range(1, attempts):
        try:
            return call()
        except MoverError as error:
            if not error.temporary:
                raise
            sleep(backoff(attempt, random))
    return call()


class RetryBudget:
    """Bounds repeated requests to a part of all requests, so that a store that ails is not hammered.

    Each request that is carried out earns `RATIO` of a repetition, at most `reserve` of which are saved; beyond that
    `floor` repetitions per second are free. Threads share it; `clock` counts seconds steadily. Source of the
    principle: Google SRE Book, "Handling Overload" (retry budgets).
    """

    RATIO = 0.2

    def __init__(self, reserve: float, floor: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._reserve = self._saved = reserve
        self._floor = floor
        self._clock = clock
        self._next_free = clock()

    def earn(self, carried_out: int) -> None:
        """Take note of requests that were carried out."""
        with self._lock:
            self._saved = min(self._saved + carried_out * self.RATIO, self._reserve)

    def spend(self) -> float:
        """Take one repetition, and return how many seconds to wait for it."""
        with self._lock:
            if self._saved >= 1.0:
                self._saved -= 1.0
                return 0.0
            now = self._clock()
            self._next_free = max(self._next_free, now) + 1.0 / self._floor
            return self._next_free - now
