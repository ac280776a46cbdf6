"""Retries: the backoff, the one loop that repeats a call, and the budget of all repetitions.

Errors themselves say whether another attempt may succeed (`MoverError.temporary`).
Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (Marc Brooker).
"""

import random as chance
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Protocol, TypeVar

from s3mover.errors import MoverError

T = TypeVar("T")
# Waits so many seconds; returns False, and at once, where the program is to stop.
Pause = Callable[[float], bool | None]

BASE_SECONDS = 0.1
CAP_SECONDS = 20.0
ATTEMPTS = 8


class Retry(Protocol):
    """Makes a call, perhaps several times, and returns what it returns."""

    def __call__(self, call: Callable[[], T]) -> T:
        """Call `call`, again after temporary errors."""


def no_retry(call: Callable[[], T]) -> T:
    """Call once."""
    return call()


def retry_policy(attempts: int, pause: Pause) -> Retry:
    """Return a `Retry` that calls up to `attempts` times; an error that outlasts all of them becomes permanent.

    It is for single requests of a large object, whose other attempts are the mover's: with one refusal in a thousand,
    an object of ten thousand parts would never arrive in one go. An object is not begun again for a part that
    never arrives.
    """

    def retry(call: Callable[[], T]) -> T:
        return retrying(permanent_after(attempts, call), attempts, pause)

    return retry


def retrying(
    call: Callable[[], T],
    attempts: int = ATTEMPTS,
    pause: Pause = time.sleep,
    random: Callable[[], float] = chance.random,
    *,
    is_retryable: Callable[[MoverError], bool] = lambda error: error.temporary,
) -> T:
    """Return what `call` returns; call it up to `attempts` times, with a `backoff` after each retryable error.

    Raises:
        MoverError: the last error, as it is: one that is not retryable, the last attempt's, or the one after which
            `pause` returned False.
    """
    for attempt in range(1, attempts):
        try:
            return call()
        except MoverError as error:
            if not is_retryable(error) or pause(backoff(attempt, random)) is False:
                raise
    return call()


def permanent_after(
    failures: int, call: Callable[[], T], counts: Callable[[MoverError], bool] = lambda error: error.temporary
) -> Callable[[], T]:
    """Return `call`, whose error is permanent once it has failed so many times with an error that `counts`."""
    failed = count(1)

    def bounded() -> T:
        try:
            return call()
        except MoverError as error:
            if counts(error) and next(failed) >= failures:
                error.temporary = False
            raise

    return bounded


def backoff(attempt: int, random: Callable[[], float] = chance.random) -> float:
    """Return how many seconds to wait after failed attempt number `attempt` (from 1): anything up to a bound.

    The bound doubles with each attempt, from 0.2 seconds to 20.
    """
    return random() * min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, 32))


class RetryBudget:
    """Bounds repetitions to a share of all requests, so that an overloaded store is not hammered.

    Each request that is carried out earns `RATIO` of a repetition, at most `reserve` of which are saved; beyond that
    `floor` repetitions per second are free. Threads share it; `clock` is a monotonic clock in seconds. Source of the
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
        """Count requests that were carried out."""
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
