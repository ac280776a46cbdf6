"""The limits at work: what workers and this process ask for is heard, and each is told how fast it may go.

How limits are found and shared is said in `limits.py`. A steward belongs to one thread; only the traffic that it hands
out is passed by others.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from s3mover.events import Event
from s3mover.workers.messages import Rates, Report
from s3mover.workers.ratelimit.local_traffic import LocalRequests, LocalTraffic
from s3mover.workers.ratelimit.shares import OWN, RateShares


class RateCoordinator:
    """Governs the requests of `routes`, which `threads` of workers and this process make.

    `wake` is called, on any thread, when `poll` has something to hear again after a silence; `send` takes the rates
    for a worker, by its number, and `announce` what the public should know of a route.
    """

    def __init__(
        self,
        routes: Sequence[str],
        threads: int,
        wake: Callable[[], None],
        send: Callable[[int, Rates], None],
        announce: Callable[[str, Event], None],
    ) -> None:
        self._shares = RateShares(routes, threads, time.monotonic())
        self._local = LocalRequests(routes, wake)
        self._send = send
        self._announce = announce

    def local_traffic(self, route: str) -> LocalTraffic:
        """Return what this process's own requests of a route pass."""
        return self._local.of(route)

    @property
    def due_at(self) -> float:
        """When `poll` has something to hear next, on the steady clock; endless in a silence."""
        return self._local.due_at

    def poll(self) -> None:
        """Hear, when it is time, what this process asks for itself."""
        for report in self._local.reports(time.monotonic()):
            self.hear(OWN, report)

    def hear(self, who: int, report: Report) -> None:
        """Take note of what a worker asked for, and of what the store answered."""
        self._shares.hear(who, time.monotonic(), report)
        self._tell_rates()
        self.tell_news()

    def configure(self, route: str, bounds: Mapping[str, float]) -> None:
        """Take over the user's bounds on a route, by valve; 0 for none."""
        self._shares.configure(route, bounds, time.monotonic())
        self._tell_rates()

    def register(self, worker: int) -> None:
        """Give a worker that has just come its share."""
        self._shares.register(worker)
        self._tell_rates()

    def forget(self, worker: int) -> None:
        """Let a worker's share go to the others."""
        self._shares.forget(worker)

    def tell_news(self) -> None:
        """Announce what is due."""
        for route, event in self._shares.news(time.monotonic()):
            self._announce(route, event)

    def _tell_rates(self) -> None:
        for who, rates in self._shares.due(time.monotonic()):
            if who == OWN:
                self._local.apply(rates)
            else:
                self._send(who, rates)
