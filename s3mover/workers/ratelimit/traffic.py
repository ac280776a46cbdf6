"""The requests of one route that one process makes: the valves they pass, their count, the budget of repetitions.

Who shares the limits among processes is said in `limits.py`.
"""

import threading
from collections import Counter
from collections.abc import Callable

from s3mover.model import Side
from s3mover.s3.retry import RetryBudget
from s3mover.s3.throttle import THROTTLING_CODES, TokenBucket
from s3mover.workers.messages import BYTES, REQUESTS, Usage

# Repetitions beyond a fifth of all requests, of one route in all workers: so many at once, and so many per second.
RESERVED_RETRIES = 200.0
FREE_RETRIES = 20.0

# What was asked (side, operation) and answered (code), and how often.
Requests = dict[tuple[Side, str, str], int]


class Traffic:
    """What threads pass on their way to the store, and what is to be told of it.

    `share` is this process's part of the repetitions, `alarm` is called when the store refuses a request for its rate.
    """

    def __init__(self, share: float, alarm: Callable[[], None]) -> None:
        self._valves = {valve: TokenBucket() for valve in (*Side, REQUESTS, BYTES)}
        self._requests = RequestCounter(alarm)
        self._budget = RetryBudget(RESERVED_RETRIES * share, FREE_RETRIES * share)

    def requests_to(self, side: Side) -> list[TokenBucket]:
        """Return what requests to `side` pass, one after the other."""
        return [self._valves[REQUESTS], self._valves[side]]

    def bytes_read(self) -> list[TokenBucket]:
        """Return what the bytes of objects pass."""
        return [self._valves[BYTES]]

    def counter(self, side: Side) -> Callable[[str, str], None]:
        """Return what a bucket of `side` calls with the operation and code of each answered request."""
        return self._requests.counter(side)

    def set_rate(self, valve: str, rate: float) -> None:
        """Let `rate` units per second through a valve from now on."""
        self._valves[valve].set_rate(rate)

    def repeat(self) -> float:
        """Take one repetition of a request, and return how many seconds to wait for it."""
        return self._budget.spend()

    def take_account(self) -> tuple[Requests, list[Usage]]:
        """Return what was asked since the last call, and what those valves tell that do not let everything through."""
        requests = self._requests.take()
        self._budget.earn(sum(count for (_, _, code), count in requests.items() if code == "200"))
        usage = [
            Usage(valve, pace.take_passed(), pace.waiting)
            for valve, pace in self._valves.items()
            if not pace.is_open
        ]
        return requests, usage


class RequestCounter:
    """Counts requests from many threads until they are taken; `alarm` is called for those refused for their rate."""

    def __init__(self, alarm: Callable[[], None]) -> None:
        self._alarm = alarm
        self._lock = threading.Lock()
        self._counts: Counter[tuple[Side, str, str]] = Counter()

    def counter(self, side: Side) -> Callable[[str, str], None]:
        """Return what a bucket of `side` calls with the operation and code of each answered request."""

        def count(operation: str, code: str) -> None:
            with self._lock:
                self._counts[side, operation, code] += 1
            if code in THROTTLING_CODES:
                self._alarm()

        return count

    def take(self) -> Requests:
        """Return the counts since the last call."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return dict(counts)


def is_used(usage: list[Usage]) -> bool:
    """Tell whether anything passed a valve, or waits at one."""
    return any(one.passed or one.waiting for one in usage)
