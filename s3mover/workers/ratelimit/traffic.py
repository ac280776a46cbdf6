"""The requests of one route that one process makes: the limits that they pass, their counts, and the retry budget.

How the limits are shared among processes is decided in `shares.py`.
"""

import threading
from collections import Counter
from collections.abc import Callable

from s3mover.model import Side
from s3mover.s3.retry import RetryBudget
from s3mover.s3.throttle import THROTTLING_CODES, TokenBucket
from s3mover.workers.messages import BYTES, REQUESTS, Usage

# Retries of one route in all workers beyond a fifth of all requests: so many at once, and so many per second.
RESERVED_RETRIES = 200.0
FREE_RETRIES = 20.0

# Counts of requests by side, operation and code of the answer.
Requests = dict[tuple[Side, str, str], int]


class Traffic:
    """The limits and counters of one route in one process; its threads share them.

    `share` is this process's fraction of the retries. `on_throttled` is called when the store refuses a request because
    of its rate.
    """

    def __init__(self, share: float, on_throttled: Callable[[], None]) -> None:
        self._limits = {limit: TokenBucket() for limit in (*Side, REQUESTS, BYTES)}
        self._requests = RequestCounter(on_throttled)
        self._budget = RetryBudget(RESERVED_RETRIES * share, FREE_RETRIES * share)

    def requests_to(self, side: Side) -> list[TokenBucket]:
        """Return the limits that requests to `side` pass, in this order."""
        return [self._limits[REQUESTS], self._limits[side]]

    def bytes_read(self) -> list[TokenBucket]:
        """Return the limits that the bytes of objects pass."""
        return [self._limits[BYTES]]

    def counter(self, side: Side) -> Callable[[str, str], None]:
        """Return a callback for a bucket of `side`, called with the operation and code of each answered request."""
        return self._requests.counter(side)

    def set_rate(self, limit: str, rate: float) -> None:
        """Pass at most `rate` units per second through a limit from now on."""
        self._limits[limit].set_rate(rate)

    def spend_retry(self) -> float:
        """Take one retry from the budget, and return how many seconds to wait for it."""
        return self._budget.spend()

    def take_counts(self) -> tuple[Requests, list[Usage]]:
        """Return the requests since the last call, and the usage of the limits that are not open."""
        requests = self._requests.take()
        self._budget.earn(sum(count for (_, _, code), count in requests.items() if code == "200"))
        usage = [
            Usage(limit, bucket.take_passed(), bucket.waiting)
            for limit, bucket in self._limits.items()
            if not bucket.is_open
        ]
        return requests, usage


class RequestCounter:
    """Counts requests of many threads until they are taken; calls `on_throttled` for those refused for their rate."""

    def __init__(self, on_throttled: Callable[[], None]) -> None:
        self._on_throttled = on_throttled
        self._lock = threading.Lock()
        self._counts: Counter[tuple[Side, str, str]] = Counter()

    def counter(self, side: Side) -> Callable[[str, str], None]:
        """Return a callback for a bucket of `side`, called with the operation and code of each answered request."""

        def count(operation: str, code: str) -> None:
            with self._lock:
                self._counts[side, operation, code] += 1
            if code in THROTTLING_CODES:
                self._on_throttled()

        return count

    def take(self) -> Requests:
        """Return the counts since the last call."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return dict(counts)


def is_used(usage: list[Usage]) -> bool:
    """Return whether units passed a limit, or threads wait for one."""
    return any(one.passed or one.waiting for one in usage)
