"""The limit on requests that finds the rate which a store gives. How processes share it is `workers/ratelimit/`'s."""

from math import inf


class AdaptiveLimit:
    """Finds the rate that a store permits, in requests per second: additive increase, multiplicative decrease.

    `rate` begins low and grows fast (slow start) until a request is throttled, or no request waits for the limit any
    more: then it is unlimited. From the first throttled request on it falls to a little less than what the store
    carried out meanwhile, and climbs by equal steps. A few throttled requests are tolerated, because the rate is best
    where they begin; so are those that persist at any rate, because other clients cause them (noise).

    Source of the principle: V. Jacobson, "Congestion Avoidance and Control" (1988).
    """

    MIN_RATE = 1.0
    # Slow start: requests per second, the factor of growth, and the seconds between two steps. S3 permits 3,500
    # writes per second on a new prefix; starting with 200 cost a sweep of 20,000 objects a tenth of its time.
    START, START_GROWTH, SLOW_START_SECONDS = 500.0, 2.0, 0.1
    # Seconds between two decisions, extended to the second value while there are fewer than MIN_REQUESTS requests.
    WINDOW_SECONDS, MAX_WINDOW_SECONDS = 0.25, 1.0
    MIN_REQUESTS = 30
    # The interval of reports: nothing shorter can be measured.
    RESOLUTION_SECONDS = 0.05
    # After so long without a report, the next one covers a new window only.
    IDLE_SECONDS = 1.0
    # For so long after a fall, responses belong to requests sent before it, and are ignored.
    ECHO_SECONDS = 0.25
    TOLERATED = 0.01
    FALL = 0.95
    # Growth per second: as a share of the rate after the last fall, or of the current rate where no limit is known.
    STEP, BOLD_STEP = 0.03, 0.4
    NEAR = 0.8
    # After so long without throttling the store may permit more (S3 splits a prefix that stays busy).
    QUIET_SECONDS = 60.0
    # After so many falls in a row, what is still throttled, up to MAX_NOISE, is noise; more is an overloaded store.
    FALLS_IN_A_ROW = 3
    MAX_NOISE = 0.2
    NOISE_MARGIN = 2.5
    NOISE_WINDOWS = 40

    def __init__(self, now: float) -> None:
        self.rate = self.START
        self._is_starting = True
        self._step = 0.0
        self._refused_at = -inf
        self._falls = 0
        self._noise = 0.0
        self._observed_at = self._ignored_until = now
        self._has_waiters = False
        self._begin_window(now)

    def observe(self, now: float, carried_out: int, refused: int, *, has_waiters: bool) -> None:
        """Count responses and set `rate`; `now` is in seconds, `has_waiters` says that requests wait for this limit."""
        if now - self._observed_at > self.IDLE_SECONDS:
            self._begin_window(now - self.WINDOW_SECONDS)
        self._observed_at = now
        if now < self._ignored_until:
            return self._begin_window(now)
        self._carried_out += carried_out
        self._refused += refused
        self._has_waiters = self._has_waiters or has_waiters
        if refused:
            self._refused_at = now
        return self._decide(now, now - self._since)

    def _decide(self, now: float, age: float) -> None:
        share = self._refused / max(1, self._refused + self._carried_out)
        too_many = share > self.TOLERATED + self.NOISE_MARGIN * self._noise
        if too_many and self._is_starting:
            self._end_start(age)
            self._ignored_until = now + self.ECHO_SECONDS
        elif not self._has_seen_enough(age):
            return
        elif too_many:
            self._fall(age, share)
            self._ignored_until = now + self.ECHO_SECONDS
        else:
            self._falls = 0
            self._noise += (share - self._noise) / self.NOISE_WINDOWS
            self._grow(age, share, quiet=now - self._refused_at > self.QUIET_SECONDS)
        self._begin_window(now)

    def _has_seen_enough(self, age: float) -> bool:
        if self._is_starting:
            return age >= self.SLOW_START_SECONDS
        requests = self._refused + self._carried_out
        return age >= (self.WINDOW_SECONDS if requests >= self.MIN_REQUESTS else self.MAX_WINDOW_SECONDS)

    def _end_start(self, age: float) -> None:
        offered = (self._refused + self._carried_out) / max(age, self.RESOLUTION_SECONDS)
        self._is_starting = False
        self.rate = max((self.rate if self.rate < inf else offered) / 2, self.MIN_RATE)

    def _fall(self, age: float, share: float) -> None:
        goodput = self.FALL * self._carried_out / age / (1 - self._noise)
        # A fall below half the rate is made in steps, and does not count yet.
        self._falls = self._falls + 1 if goodput > self.rate / 2 else 0
        if self._falls > self.FALLS_IN_A_ROW and share <= self.MAX_NOISE:
            self._noise = share
            return
        fallen = min(max(goodput, self.rate / 2), self.FALL * self.rate) if self.rate < inf else goodput
        fallen = max(fallen, self.MIN_RATE)
        # After a deep fall the distance to the store's limit is unknown: grow by BOLD_STEP.
        self._step = max(self.STEP * fallen, self.MIN_RATE) if fallen > self.NEAR * self.rate else 0.0
        self.rate = fallen

    def _grow(self, age: float, share: float, *, quiet: bool) -> None:
        if not self._has_waiters:
            # Requests are slower than the limit by themselves.
            if quiet and self._carried_out >= self.rate * age / 4:
                self.rate = inf
        elif self._is_starting:
            self.rate *= self.START_GROWTH
        elif share <= self._noise:
            self.rate += age * (self._step if self._step and not quiet else self.BOLD_STEP * self.rate)

    def _begin_window(self, now: float) -> None:
        self._since = now
        self._carried_out = self._refused = 0
        self._has_waiters = False
