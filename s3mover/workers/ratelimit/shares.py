"""Who may go how fast: one limit for all, found or set, shared by what each worker and the supervisor asks for.

The foreman's book-keeping: it hears reports and says which rates are to be sent. Time is passed in.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from s3mover.events import Event, RequestLimitMoved, ThrottleChanged
from s3mover.model import Side
from s3mover.s3.throttle import THROTTLING_CODES, AdaptiveLimit
from s3mover.workers.messages import BYTES, REQUESTS, Rates, Report

# The supervisor among those who share: workers are numbered from 1.
OWN = 0
# Rates are sent anew where they are off by so much.
NOTEWORTHY = 0.03
# A worker that does not wait gets a little more than it uses, so that it can go faster.
HEADROOM = 1.25
# Those that use nothing may begin with so much of a limit among them, on top of it.
IDLE_SHARE = 0.05
# Who has not told anything for so long asks for nothing any more: those who wait tell ten times a second.
SILENCE_SECONDS = 3.0
SPREAD_SECONDS = 0.1
EVENT_SECONDS = 0.5
# A rate of which the public is told must differ by so much from the one before.
NEWSWORTHY = 0.1


class Demand(NamedTuple):
    """What one of them asks for: units per second that it uses, and threads that wait."""

    used: float = 0.0
    waiting: int = 0


def allocate(limit: float, demands: Mapping[int, Demand]) -> dict[int, float]:
    """Share `limit` among all: who does not wait gets what it uses, the others the rest, by their waiting threads.

    Where nobody waits, all have the rest in equal parts. Nobody who may begin at any time is left without a share.
    """
    if limit == inf or not demands:
        return dict.fromkeys(demands, inf)
    waiting = sum(demand.waiting for demand in demands.values())
    sated = {one: HEADROOM * demand.used for one, demand in demands.items() if not demand.waiting}
    taken = sum(sated.values())
    scale = min(1.0, limit / (2 if waiting else 1) / taken) if taken else 1.0
    rest = limit - scale * taken
    idle = limit * IDLE_SHARE / len(demands)
    if not waiting:
        return {one: max(scale * use + rest / len(demands), idle) for one, use in sated.items()}
    return {
        one: rest * demand.waiting / waiting if demand.waiting else max(scale * sated[one], idle)
        for one, demand in demands.items()
    }


@dataclass(slots=True)
class SharedLimit:
    """One limit and those who share it. `side` is None for a bound that a user set, which does not change."""

    valve: str
    rate: float
    side: Side | None = None
    adaptive: AdaptiveLimit | None = None
    demands: dict[int, Demand] = field(default_factory=dict)
    heard_at: dict[int, float] = field(default_factory=dict)
    sent: dict[int, float] = field(default_factory=dict)
    refused: int = 0
    told_at: float = -inf
    told_rate: float = inf
    shown_rate: float | None = None

    def hear(self, worker: int, now: float, report: Report) -> None:
        """Take note of what one worker, or the supervisor, asked for, and of what the store answered."""
        for usage in report.usage:
            if usage.valve == self.valve:
                seconds = max(now - self.heard_at.get(worker, now - 0.1), 0.01)
                self.demands[worker] = Demand(usage.passed / seconds, usage.waiting)
                self.heard_at[worker] = now
        if self.adaptive is not None:
            refused, answered = _answers(report, self.side)
            self.refused += refused
            waiting = self.rate < inf and any(demand.waiting for demand in self._fresh(now).values())
            self.adaptive.observe(now, answered, refused, has_waiters=waiting)
            self.rate = self.adaptive.rate

    def due(self, now: float) -> Iterator[tuple[int, float]]:
        """Yield those whose rate is to be sent, and the rate."""
        for worker, share in allocate(self.rate, self._fresh(now)).items():
            before = self.sent.get(worker, 0.0)
            if share != before and (inf in (share, before) or abs(share - before) > NOTEWORTHY * before):
                self.sent[worker] = share
                yield worker, share

    def _fresh(self, now: float) -> dict[int, Demand]:
        return {
            one: demand if now - self.heard_at.get(one, -inf) < SILENCE_SECONDS else Demand()
            for one, demand in self.demands.items()
        }

    def news(self, now: float, threads: int) -> Iterator[ThrottleChanged]:
        """Yield what the public should know, seldom: only of limits that have refused something."""
        moved = self.told_rate != inf and abs(self.rate - self.told_rate) > NEWSWORTHY * self.told_rate
        if self.side is not None and (self.refused or moved) and now - self.told_at >= EVENT_SECONDS:
            waiting = sum(demand.waiting for demand in self.demands.values()) if self.rate < inf else 0
            yield ThrottleChanged(self.side, max(1, threads - waiting), self.refused, _told(self.rate))
            self.told_at, self.told_rate, self.refused = now, self.rate, 0

    def step(self) -> Iterator[RequestLimitMoved]:
        """Yield where the limit stands, if it has moved."""
        if self.side is not None and self.rate != self.shown_rate:
            yield RequestLimitMoved(self.side, _told(self.rate))
            self.shown_rate = self.rate


class RateShares:
    """The limits of all routes, each with its own, for the supervisor, and for workers that come and go.

    `threads` are those of all workers.
    """

    def __init__(self, routes: Iterable[str], threads: int, now: float) -> None:
        self._threads = threads
        self._channels = {route: list(_channels(now)) for route in routes}
        self._due_at = now
        self.register(OWN)

    def register(self, worker: int) -> None:
        """Count a worker in."""
        for channel in self._all():
            channel.demands[worker] = Demand()
        self._due_at = 0.0

    def configure(self, route: str, bounds: Mapping[str, float], now: float) -> None:
        """Take over the bounds that the user set for a route, by valve; 0 for none."""
        for channel in self._channels[route]:
            if channel.valve in bounds:
                channel.rate = bounds[channel.valve] or inf
        self._due_at = now

    def forget(self, worker: int) -> None:
        """Let a worker's share go to the others."""
        for channel in self._all():
            for book in (channel.demands, channel.heard_at, channel.sent):
                book.pop(worker, None)

    def hear(self, worker: int, now: float, report: Report) -> None:
        """Take note of a report."""
        for channel in self._channels[report.route]:
            before = channel.rate
            channel.hear(worker, now, report)
            if channel.rate < before:
                self._due_at = now

    def due(self, now: float) -> Iterator[tuple[int, Rates]]:
        """Yield which rates are to be sent to whom: now and then, at once where one has fallen."""
        if now < self._due_at:
            return
        self._due_at = now + SPREAD_SECONDS
        for route, channels in self._channels.items():
            for channel in channels:
                for worker, share in channel.due(now):
                    yield worker, Rates(route, channel.valve, share)

    def news(self, now: float) -> Iterator[tuple[str, Event]]:
        """Yield what is to be announced, and of which route."""
        for route, channels in self._channels.items():
            for channel in channels:
                for event in (*channel.news(now, self._threads), *channel.step()):
                    yield route, event

    def _all(self) -> Iterable[SharedLimit]:
        return (channel for channels in self._channels.values() for channel in channels)


def _channels(now: float) -> Iterator[SharedLimit]:
    for side in Side:
        limit = AdaptiveLimit(now)
        yield SharedLimit(side, limit.rate, side, limit)
    for valve in (REQUESTS, BYTES):
        yield SharedLimit(valve, inf)


def _told(rate: float) -> float:
    """Return a rate as events tell it: 0 where there is no limit."""
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
