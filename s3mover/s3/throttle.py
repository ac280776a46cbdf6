"""Rate limits on requests and bytes for the threads of one process; `adaptive_limit.py` finds a store's rate."""

import threading
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol

# Units unused for so short a time may be used later, so that the rate is reached and not only approached.
BURST_SECONDS = 0.1
# The longest single wait: at a rate close to 0 the computed one would exceed what the clock can represent.
MAX_WAIT_SECONDS = 60.0
# The part of a unit that is not waited for: sums of fractions are not exact.
SLACK = 1e-3

# Codes of throttled requests (503 and 429; the phrases stand for responses without a body).
THROTTLING_CODES = frozenset(
    {
        "KMS.ThrottlingException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
    }
)


class Limiter(Protocol):
    """Limits the rate of requests or bytes."""

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""


class TokenBucket:
    """Permits `rate` units per second for all threads together, first come, first served; inf: unlimited.

    `clock` is a monotonic clock in seconds; `wait` waits so many (None: without limit), or until `set_rate` is called.
    """

    def __init__(
        self,
        rate: float = inf,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float | None], object] | None = None,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._changed = threading.Condition()
        self._wait = wait or self._changed.wait
        self._at = clock()
        # Units permitted so far, and units requested: a thread waits until all those before its own are permitted.
        self._allowed = self._asked = 0.0
        self._passed = 0.0
        self.waiting = 0

    @property
    def is_open(self) -> bool:
        """Whether nothing has to wait."""
        return self._rate == inf

    def set_rate(self, rate: float) -> None:
        """Permit `rate` units per second from now on, also for threads that already wait."""
        with self._changed:
            self._refill()
            self._rate = rate
            self._changed.notify_all()

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        if self._rate == inf:
            return
        with self._changed:
            self._refill()
            place = self._asked
            self._asked += units
            if place - self._allowed > SLACK:
                self._wait_for_turn(place)
            self._passed += units

    def take_passed(self) -> float:
        """Return the units that have passed since the last call, except those at an unlimited rate."""
        with self._changed:
            passed, self._passed = self._passed, 0.0
            return passed

    def _wait_for_turn(self, place: float) -> None:
        self.waiting += 1
        try:
            while place - self._allowed > SLACK:
                self._wait(
                    min((place - self._allowed) / self._rate, MAX_WAIT_SECONDS) if self._rate else None
                )
                self._refill()
        finally:
            self.waiting -= 1

    def _refill(self) -> None:
        now = self._clock()
        if self._rate == inf:
            self._allowed = self._asked
        else:
            ceiling = self._asked + self._rate * BURST_SECONDS
            self._allowed = min(self._allowed + self._rate * (now - self._at), ceiling)
        self._at = now


UNBOUNDED = TokenBucket()


class ChainedLimiter:
    """Several limiters as one: units pass one after the other."""

    def __init__(self, limiters: Sequence[Limiter]) -> None:
        self._limiters = limiters

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        for limiter in self._limiters:
            limiter.take(units)
