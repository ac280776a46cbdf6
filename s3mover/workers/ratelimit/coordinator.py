"""Puts the limits into effect: takes reports of workers and of this process, and sends each participant its rate.

How a limit is found and shared is decided in `shares.py`, which is apart because it is pure: time is passed in, and its
tests play seconds of traffic without waiting.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf

from s3mover.events import Event
from s3mover.workers.messages import Report, SetRate
from s3mover.workers.ratelimit.local_traffic import LocalTraffic
from s3mover.workers.ratelimit.shares import SUPERVISOR, RateShares

# How often this process's own usage is read while it makes requests.
LOCAL_REPORT_SECONDS = 0.1
# How often changes of limits are announced in a silence.
ANNOUNCE_SECONDS = 1.0


class RateCoordinator:
    """Limits the requests of `routes`, which `threads` of workers and this process make.

    Belongs to one thread; only `local_traffic` is used by others. `wake` is called, on any thread, when `poll` has
    something to read again after a silence; `send` takes the rates for a worker, by its number; `announce` takes events
    of a route.
    """

    def __init__(
        self,
        routes: Sequence[str],
        threads: int,
        wake: Callable[[], None],
        send: Callable[[int, SetRate], None],
        announce: Callable[[str, Event], None],
    ) -> None:
        self._shares = RateShares(routes, threads, time.monotonic())
        self._local = {route: LocalTraffic(wake) for route in routes}
        self._reported_at = -inf
        self._announce_at = 0.0
        self._send = send
        self._announce = announce

    def local_traffic(self, route: str) -> LocalTraffic:
        """Return what this process's own requests of a route pass."""
        return self._local[route]

    @property
    def due_at(self) -> float:
        """When `poll` has something to do next, on the monotonic clock."""
        return min(self._local_due_at(), self._announce_at)

    def poll(self) -> None:
        """Take the reports of this process's own requests, and announce changes, when they are due."""
        now = time.monotonic()
        for report in self.local_reports(now):
            self.take_report(SUPERVISOR, report)
        if now >= self._announce_at:
            self._announce_changes(now)

    def local_reports(self, now: float) -> Iterator[Report]:
        """Yield the report of each route with activity, when they are due."""
        if now < self._local_due_at():
            return
        self._reported_at = now
        for route, traffic in self._local.items():
            if traffic.has_activity:
                yield traffic.report(route)

    def take_report(self, participant: int, report: Report) -> None:
        """Update the limits from what a participant used, and from what the store answered."""
        now = time.monotonic()
        self._shares.take_report(participant, now, report)
        self._send_rates()
        self._announce_changes(now)

    def configure(self, route: str, bounds: Mapping[str, float]) -> None:
        """Apply the user's bounds on a route, by limit; 0 for none."""
        self._shares.configure(route, bounds, time.monotonic())
        self._send_rates()

    def register(self, worker: int) -> None:
        """Give a new worker its share."""
        self._shares.register(worker)
        self._send_rates()

    def unregister(self, worker: int) -> None:
        """Leave a worker's share to the others."""
        self._shares.unregister(worker)

    def _local_due_at(self) -> float:
        has_activity = any(traffic.has_activity for traffic in self._local.values())
        return self._reported_at + LOCAL_REPORT_SECONDS if has_activity else inf

    def _announce_changes(self, now: float) -> None:
        self._announce_at = now + ANNOUNCE_SECONDS
        for route, event in self._shares.changes(now):
            self._announce(route, event)

    def _send_rates(self) -> None:
        for participant, rate in self._shares.due(time.monotonic()):
            if participant == SUPERVISOR:
                self._local[rate.route].set_rate(rate.limit, rate.rate)
            else:
                self._send(participant, rate)
