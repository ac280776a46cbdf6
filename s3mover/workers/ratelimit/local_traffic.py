"""The supervisor's own requests of one route: those that list, delete, look up and compare.

The supervisor shares the limits as one more participant beside the workers, and its threads pass limits as a worker's
do. When its usage is read is decided in `coordinator.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf

from s3mover.model import Side
from s3mover.s3.request_watch import RequestWatch
from s3mover.s3.throttle import Limiter, TokenBucket
from s3mover.workers.messages import Report
from s3mover.workers.ratelimit.traffic import Traffic, is_used

# The supervisor's fraction of the retries, on top of those of all workers: its requests are few.
RETRY_SHARE = 0.1


class LocalTraffic:
    """The requests of one route that this process makes itself; threads share it.

    `wake` is called when there is something to report again after a silence. `watch` knows of requests that hang.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._has_activity = False
        self.watch = RequestWatch()
        self._traffic = Traffic(RETRY_SHARE, self._note_activity)
        self.set_rate, self.spend_retry = self._traffic.set_rate, self._traffic.spend_retry

    def apply_bounds(self, bounds: Mapping[str, float]) -> None:
        """Pass no more than the user's bounds, by limit, until they are shared; 0 for none."""
        for limit, bound in bounds.items():
            self.set_rate(limit, bound or inf)

    @property
    def has_activity(self) -> bool:
        """Whether there may be something to report."""
        return self._has_activity

    def requests_to(self, side: Side) -> Limiter:
        """Return the limiter that requests to `side` pass."""
        return NotifyingLimiter(self._traffic.requests_to(side), self._note_activity)

    def bytes_read(self) -> Limiter:
        """Return the limiter that the bytes of objects pass."""
        return NotifyingLimiter(self._traffic.bytes_read(), self._note_activity)

    def counter(self, side: Side) -> Callable[[str, str], None]:
        """Return a callback for a bucket of `side`, called with the operation and code of each answered request."""
        count_request = self._traffic.counter(side)

        def count(operation: str, code: str) -> None:
            count_request(operation, code)
            self._note_activity()

        return count

    def report(self, route: str) -> Report:
        """Return the requests and usage since the last report; an empty report begins a silence."""
        # Reset first: activity from here on calls `wake`, whether the counts below include it or not.
        self._has_activity = False
        requests, usage = self._traffic.take_counts()
        if requests or is_used(usage):
            self._has_activity = True
        return Report(route, [], [], requests, usage)

    def _note_activity(self) -> None:
        if not self._has_activity:
            self._has_activity = True
            self._wake()


class NotifyingLimiter:
    """Passes several limits one after the other, and says so before it waits.

    A request is counted only when it is answered. A thread that waits here after a silence would not be noticed, and
    its share of the limit would stay that of an idle participant.
    """

    def __init__(self, limits: Sequence[TokenBucket], note_activity: Callable[[], None]) -> None:
        self._limits = limits
        self._note_activity = note_activity

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        self._note_activity()
        for limit in self._limits:
            limit.take(units)


def unlimited() -> LocalTraffic:
    """Return traffic without limits, for the few requests of `check`."""
    return LocalTraffic(lambda: None)
