"""Decides the rates: one limit for all participants, found or set by the user, and shared by what each one uses.

The participants are the supervisor and its workers. Pure: reports and time are passed in, and the rates to send are
returned. `coordinator.py` sends them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from s3mover.events import Event, RequestLimitMoved, ThrottleChanged
from s3mover.model import Side
from s3mover.s3.adaptive_limit import AdaptiveLimit
from s3mover.s3.throttle import THROTTLING_CODES
from s3mover.workers.messages import BYTES, REQUESTS, Report, SetRate

# The supervisor's number among the participants: workers are numbered from 1.
SUPERVISOR = 0
# A rate is sent again when it differs by this fraction from the one sent before.
RESEND_CHANGE = 0.03
# A participant that does not wait gets a little more than it uses, so that it can go faster.
HEADROOM = 1.25
# Those that use nothing may begin with this fraction of a limit among them, on top of it.
IDLE_SHARE = 0.05
# A participant that has not reported for so long uses nothing: those that wait report ten times a second.
SILENCE_SECONDS = 3.0
SEND_SECONDS = 0.1
EVENT_SECONDS = 0.5
# A rate is announced when it differs by this fraction from the one announced before.
ANNOUNCED_CHANGE = 0.1


class Demand(NamedTuple):
    """What a participant demands: units per second that it uses, and threads that wait."""

    used: float = 0.0
    waiting: int = 0


def allocate(rate: float, demands: Mapping[int, Demand]) -> dict[int, float]:
    """Divide `rate` among the participants.

    A participant that does not wait gets what it uses; those that wait divide the rest by their waiting threads. If
    none waits, all get equal parts of the rest. Each one gets enough to begin with.
    """
    if rate == inf or not demands:
        return dict.fromkeys(demands, inf)
    waiting = sum(demand.waiting for demand in demands.values())
    satisfied = {one: HEADROOM * demand.used for one, demand in demands.items() if not demand.waiting}
    used = sum(satisfied.values())
    scale = min(1.0, rate / (2 if waiting else 1) / used) if used else 1.0
    rest = rate - scale * used
    idle = rate * IDLE_SHARE / len(demands)
    if not waiting:
        return {one: max(scale * use + rest / len(demands), idle) for one, use in satisfied.items()}
    return {
        one: rest * demand.waiting / waiting if demand.waiting else max(scale * satisfied[one], idle)
        for one, demand in demands.items()
    }


@dataclass(slots=True)
class SharedLimit:
    """One limit and its participants. `side` is None for a bound that the user sets, which does not adapt."""

    name: str
    rate: float
    side: Side | None = None
    adaptive: AdaptiveLimit | None = None
    demands: dict[int, Demand] = field(default_factory=dict)
    reported_at: dict[int, float] = field(default_factory=dict)
    sent: dict[int, float] = field(default_factory=dict)
    refused: int = 0
    announced_at: float = -inf
    announced_rate: float = inf
    shown_rate: float | None = None

    def take_report(self, participant: int, now: float, report: Report) -> None:
        """Update the participant's demand, and the rate from what the store answered."""
        for usage in report.usage:
            if usage.limit == self.name:
                seconds = max(now - self.reported_at.get(participant, now - 0.1), 0.01)
                self.demands[participant] = Demand(usage.passed / seconds, usage.waiting)
                self.reported_at[participant] = now
        if self.adaptive is not None:
            refused, answered = _answers(report, self.side)
            self.refused += refused
            waiting = self.rate < inf and any(demand.waiting for demand in self._fresh(now).values())
            self.adaptive.observe(now, answered, refused, has_waiters=waiting)
            self.rate = self.adaptive.rate

    def due(self, now: float) -> Iterator[tuple[int, float]]:
        """Yield the participants whose rate is to be sent, and the rate."""
        for participant, share in allocate(self.rate, self._fresh(now)).items():
            before = self.sent.get(participant, 0.0)
            if share != before and (inf in (share, before) or abs(share - before) > RESEND_CHANGE * before):
                self.sent[participant] = share
                yield participant, share

    def changes(self, now: float, threads: int) -> Iterator[Event]:
        """Yield the events that are due."""
        yield from self._throttling(now, threads)
        yield from self._moved()

    def register(self, participant: int) -> None:
        """Add a participant without a demand."""
        self.demands[participant] = Demand()

    def unregister(self, participant: int) -> None:
        """Remove a participant."""
        for by_participant in (self.demands, self.reported_at, self.sent):
            by_participant.pop(participant, None)

    def _fresh(self, now: float) -> dict[int, Demand]:
        return {
            one: demand if now - self.reported_at.get(one, -inf) < SILENCE_SECONDS else Demand()
            for one, demand in self.demands.items()
        }

    def _throttling(self, now: float, threads: int) -> Iterator[ThrottleChanged]:
        """Yield rarely, and only for a limit that has refused requests."""
        moved = (
            self.announced_rate != inf
            and abs(self.rate - self.announced_rate) > ANNOUNCED_CHANGE * self.announced_rate
        )
        if self.side is not None and (self.refused or moved) and now - self.announced_at >= EVENT_SECONDS:
            waiting = sum(demand.waiting for demand in self.demands.values()) if self.rate < inf else 0
            yield ThrottleChanged(
                self.side, max(1, threads - waiting), self.refused, _announced_rate(self.rate)
            )
            self.announced_at, self.announced_rate, self.refused = now, self.rate, 0

    def _moved(self) -> Iterator[RequestLimitMoved]:
        if self.side is not None and self.rate != self.shown_rate:
            yield RequestLimitMoved(self.side, _announced_rate(self.rate))
            self.shown_rate = self.rate


class RateShares:
    """The limits of all routes, each with its own, and their participants, which come and go.

    `threads` are those of all workers.
    """

    def __init__(self, routes: Iterable[str], threads: int, now: float) -> None:
        self._threads = threads
        self._limits = {route: list(_limits(now)) for route in routes}
        self._due_at = now
        self.register(SUPERVISOR)

    def register(self, participant: int) -> None:
        """Add a participant to all limits."""
        for limit in self._all():
            limit.register(participant)
        self._due_at = 0.0

    def unregister(self, participant: int) -> None:
        """Leave a participant's share to the others."""
        for limit in self._all():
            limit.unregister(participant)

    def configure(self, route: str, bounds: Mapping[str, float], now: float) -> None:
        """Apply the bounds that the user sets for a route, by limit; 0 for none."""
        for limit in self._limits[route]:
            if limit.name in bounds:
                limit.rate = bounds[limit.name] or inf
        self._due_at = now

    def take_report(self, participant: int, now: float, report: Report) -> None:
        """Update the limits of the report's route."""
        for limit in self._limits[report.route]:
            before = limit.rate
            limit.take_report(participant, now, report)
            if limit.rate < before:
                self._due_at = now

    def due(self, now: float) -> Iterator[tuple[int, SetRate]]:
        """Yield the rates to send, and to which participant: periodically, and at once after a rate has fallen."""
        if now < self._due_at:
            return
        self._due_at = now + SEND_SECONDS
        for route, limits in self._limits.items():
            for limit in limits:
                for participant, share in limit.due(now):
                    yield participant, SetRate(route, limit.name, share)

    def changes(self, now: float) -> Iterator[tuple[str, Event]]:
        """Yield the events that are due, and the route of each."""
        for route, limits in self._limits.items():
            for limit in limits:
                for event in limit.changes(now, self._threads):
                    yield route, event

    def _all(self) -> Iterable[SharedLimit]:
        return (limit for limits in self._limits.values() for limit in limits)


def _limits(now: float) -> Iterator[SharedLimit]:
    for side in Side:
        adaptive = AdaptiveLimit(now)
        yield SharedLimit(side, adaptive.rate, side, adaptive)
    for name in (REQUESTS, BYTES):
        yield SharedLimit(name, inf)


def _announced_rate(rate: float) -> float:
    """Return a rate as events state it: 0 where there is no limit."""
    return rate if rate < inf else 0.0


def _answers(report: Report, side: Side | None) -> tuple[int, int]:
    """Return how many requests to `side` were refused for their rate, and how many were not."""
    refused = answered = 0
    for (asked, _, code), count in report.requests.items():
        if asked is side and code in THROTTLING_CODES:
            refused += count
        elif asked is side:
            answered += count
    return refused, answered
