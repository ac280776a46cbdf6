"""How fast requests and bytes may go: the gate that threads pass, and the limit that finds what a store gives.

Who shares a limit among processes is not said here.
"""

import threading
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol

# What was not used in so short a time may be caught up on, so that a bound is reached and not only approached.
BURST_SECONDS = 0.1
# Whoever waits looks again after so long: a rate next to nothing would have it wait for longer than clocks can tell.
LONGEST_WAIT_SECONDS = 60.0
# So little of a unit is not waited for: sums of fractions are not exact.
SLACK = 1e-3

# A store that says so was asked too often (503 and 429; the phrases stand for answers without a body).
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
    """What requests, or bytes, pass one after the other."""

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""


class TokenBucket:
    """Lets `rate` units through per second, counted over all threads and in the order of their coming; inf: any.

    `clock` counts seconds steadily; `wait` waits so many (None: for ever), or until `set_rate` is called.
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
        # Units that were let through by now, and units that were asked for: who comes waits for those before.
        self._allowed = self._asked = 0.0
        self._passed = 0.0
        self.waiting = 0

    @property
    def is_open(self) -> bool:
        """Whether everything passes at once."""
        return self._rate == inf

    def set_rate(self, rate: float) -> None:
        """Let `rate` units per second through from now on, those who wait already included."""
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
                self._queue_up(place)
            self._passed += units

    def take_passed(self) -> float:
        """Return how many units have passed since the last call; those that passed while it was open do not count."""
        with self._changed:
            passed, self._passed = self._passed, 0.0
            return passed

    def _queue_up(self, place: float) -> None:
        self.waiting += 1
        try:
            while place - self._allowed > SLACK:
                self._wait(
                    min((place - self._allowed) / self._rate, LONGEST_WAIT_SECONDS) if self._rate else None
                )
                self._refill()
        finally:
            self.waiting -= 1

    def _refill(self) -> None:
        now = self._clock()
        if self._rate == inf:
            self._allowed = self._asked
        else:
            most = self._asked + self._rate * BURST_SECONDS
            self._allowed = min(self._allowed + self._rate * (now - self._at), most)
        self._at = now


UNBOUNDED = TokenBucket()


class ChainedLimiter:
    """Several gates as one: they are passed one after the other."""

    def __init__(self, gates: Sequence[Limiter]) -> None:
        self._gates = gates

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        for gate in self._gates:
            gate.take(units)


class AdaptiveLimit:
    """Finds the rate that a store gives, in requests per second: additive increase, multiplicative decrease.

    It begins low and grows fast (slow start) until a request is refused, or nobody waits for the limit any more: then
    it is open. From the first refusal on, it falls to a little less than what the store carried out while it refused,
    and climbs by equal steps. Few refusals are borne, because the limit is best used just where they begin; and so are
    those that go on whatever the rate, because others cause them.

    Source of the principle: V. Jacobson, "Congestion Avoidance and Control" (1988).
    """

    LEAST = 1.0
    # Slow start: so many requests per second, and so much more after each so short a time. S3 gives a new prefix 3,500
    # writes per second; beginning with 200 cost a sweep of 20,000 objects a tenth of its time.
    START, START_GROWTH, SLOW_START_SECONDS = 500.0, 2.0, 0.1
    # What is measured between two decisions: so long, longer where that is too few requests to tell.
    WINDOW_SECONDS, LONGEST_WINDOW_SECONDS = 0.25, 1.0
    ENOUGH_REQUESTS = 30
    # Reports come every so often, so that nothing shorter can be measured.
    MOMENT_SECONDS = 0.05
    # After such a silence the answers that come are new, and not those of a long time.
    LULL_SECONDS = 1.0
    # So long after a fall the answers are to requests that were sent before it.
    ECHO_SECONDS = 0.25
    TOLERATED = 0.01
    FALL = 0.95
    # Growth per second: a part of the rate after the last fall, or boldly of the rate itself where no limit is known.
    STEP, BOLD_STEP = 0.03, 0.4
    NEAR = 0.8
    # After so long without refusals the store has grown, too (S3 splits a prefix that stays busy).
    QUIET_SECONDS = 60.0
    # So many falls in a row end the refusals that the rate causes; a store that refuses more is overloaded anyhow.
    FALLS_IN_A_ROW = 3
    MOST_NOISE = 0.2
    NOISE_MARGIN = 2.5
    NOISE_WINDOWS = 40

    def __init__(self, now: float) -> None:
        self.rate = self.START
        self._is_starting = True
        self._step = 0.0
        self._refused_at = -inf
        self._falls = 0
        self._noise = 0.0
        self._heard_at = self._deaf_until = now
        self._waited_for = False
        self._begin_window(now)

    def observe(self, now: float, carried_out: int, refused: int, *, has_waiters: bool) -> None:
        """Take note of answers, and set `rate`; `has_waiters` says that requests wait for this limit."""
        if now - self._heard_at > self.LULL_SECONDS:
            self._begin_window(now - self.WINDOW_SECONDS)
        self._heard_at = now
        if now < self._deaf_until:
            return self._begin_window(now)
        self._carried_out += carried_out
        self._refused += refused
        self._waited_for = self._waited_for or has_waiters
        if refused:
            self._refused_at = now
        return self._judge(now, now - self._since)

    def _judge(self, now: float, age: float) -> None:
        share = self._refused / max(1, self._refused + self._carried_out)
        too_many = share > self.TOLERATED + self.NOISE_MARGIN * self._noise
        if too_many and self._is_starting:
            self._end_start(age)
            self._deaf_until = now + self.ECHO_SECONDS
        elif not self._has_seen_enough(age):
            return
        elif too_many:
            self._fall(age, share)
            self._deaf_until = now + self.ECHO_SECONDS
        else:
            self._falls = 0
            self._noise += (share - self._noise) / self.NOISE_WINDOWS
            self._grow(age, share, quiet=now - self._refused_at > self.QUIET_SECONDS)
        self._begin_window(now)

    def _has_seen_enough(self, age: float) -> bool:
        if self._is_starting:
            return age >= self.SLOW_START_SECONDS
        requests = self._refused + self._carried_out
        return age >= (
            self.WINDOW_SECONDS if requests >= self.ENOUGH_REQUESTS else self.LONGEST_WINDOW_SECONDS
        )

    def _end_start(self, age: float) -> None:
        offered = (self._refused + self._carried_out) / max(age, self.MOMENT_SECONDS)
        self._is_starting = False
        self.rate = max((self.rate if self.rate < inf else offered) / 2, self.LEAST)

    def _fall(self, age: float, share: float) -> None:
        goodput = self.FALL * self._carried_out / age / (1 - self._noise)
        # A fall to less than the half is not made at once, and proves nothing yet.
        self._falls = self._falls + 1 if goodput > self.rate / 2 else 0
        if self._falls > self.FALLS_IN_A_ROW and share <= self.MOST_NOISE:
            self._noise = share
            return
        fallen = min(max(goodput, self.rate / 2), self.FALL * self.rate) if self.rate < inf else goodput
        fallen = max(fallen, self.LEAST)
        # After a deep fall nobody knows how far below the store's limit the rate is now.
        self._step = max(self.STEP * fallen, self.LEAST) if fallen > self.NEAR * self.rate else 0.0
        self.rate = fallen

    def _grow(self, age: float, share: float, *, quiet: bool) -> None:
        if not self._waited_for:
            # Those who ask are slower than the limit by themselves.
            if quiet and self._carried_out >= self.rate * age / 4:
                self.rate = inf
        elif self._is_starting:
            self.rate *= self.START_GROWTH
        elif share <= self._noise:
            self.rate += age * (self._step if self._step and not quiet else self.BOLD_STEP * self.rate)

    def _begin_window(self, now: float) -> None:
        self._since = now
        self._carried_out = self._refused = 0
        self._waited_for = False
