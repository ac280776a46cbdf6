"""The supervisor's own requests: what lists, deletes, looks and compares is one more participant in the limits.

Its threads pass valves as a worker's do. The foreman asks what passed, ten times a second while there is anything to
tell, and never waits itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf

from s3mover.model import Side
from s3mover.s3.throttle import ChainedLimiter, Limiter
from s3mover.workers.messages import Rates, Report
from s3mover.workers.ratelimit.traffic import Traffic, is_used

# How often the foreman asks while requests are made.
ASK_SECONDS = 0.1
# The supervisor's part of the repetitions, on top of those of all workers: its requests are few.
SHARE = 0.1


class LocalTraffic:
    """The requests of one route that this process makes itself; threads share it.

    `wake` is called when there is something to tell again after a silence.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._stirs = False
        self._traffic = Traffic(SHARE, self._note_activity)
        self.set_rate, self.repeat = self._traffic.set_rate, self._traffic.repeat

    def apply_bounds(self, bounds: Mapping[str, float]) -> None:
        """Pass no more than the user's bounds, by valve, until they are shared; 0 for none."""
        for valve, bound in bounds.items():
            self.set_rate(valve, bound or inf)

    @property
    def has_activity(self) -> bool:
        """Whether there may be something to tell."""
        return self._stirs

    def requests_to(self, side: Side) -> Limiter:
        """Return the gate that requests to `side` pass."""
        return NotifyingLimiter(ChainedLimiter(self._traffic.requests_to(side)), self._note_activity)

    def bytes_read(self) -> Limiter:
        """Return the gate that the bytes of objects pass."""
        return NotifyingLimiter(ChainedLimiter(self._traffic.bytes_read()), self._note_activity)

    def counter(self, side: Side) -> Callable[[str, str], None]:
        """Return what a bucket of `side` calls with the operation and code of each answered request."""
        note = self._traffic.counter(side)

        def count(operation: str, code: str) -> None:
            note(operation, code)
            self._note_activity()

        return count

    def report(self, route: str) -> Report:
        """Return what is to be told; where that is nothing, there will be a silence."""
        # Whoever asks for something from now on is heard of, whether it is counted below or not.
        self._stirs = False
        requests, usage = self._traffic.take_account()
        if requests or is_used(usage):
            self._stirs = True
        return Report(route, [], [], requests, usage)

    def _note_activity(self) -> None:
        if not self._stirs:
            self._stirs = True
            self._wake()


class NotifyingLimiter:
    """A gate at which it is noticed that somebody comes."""

    def __init__(self, gate: Limiter, stir: Callable[[], None]) -> None:
        self._gate = gate
        self._note_activity = stir

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        self._note_activity()
        self._gate.take(units)


class LocalRequests:
    """The supervisor's requests of all routes, as the foreman asks about them; `wake` makes it ask at once."""

    def __init__(self, routes: Sequence[str], wake: Callable[[], None]) -> None:
        self._traffic = {route: LocalTraffic(wake) for route in routes}
        self._asked_at = -inf

    def of(self, route: str) -> LocalTraffic:
        """Return the traffic of one route."""
        return self._traffic[route]

    @property
    def due_at(self) -> float:
        """When to ask next, on the clock that `reports` is told; endless in a silence."""
        has_activity = any(traffic.has_activity for traffic in self._traffic.values())
        return self._asked_at + ASK_SECONDS if has_activity else inf

    def reports(self, now: float) -> Iterator[Report]:
        """Yield what is to be told, where it is time."""
        if now < self.due_at:
            return
        self._asked_at = now
        for route, traffic in self._traffic.items():
            if traffic.has_activity:
                yield traffic.report(route)

    def apply(self, rates: Rates) -> None:
        """Let so much through from now on."""
        self._traffic[rates.route].set_rate(rates.valve, rates.rate)


def unlimited() -> LocalTraffic:
    """Return what lets everything pass: for the few requests of a test."""
    return LocalTraffic(lambda: None)
