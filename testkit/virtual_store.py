"""A store and its limit in virtual time: what the limit's rules make of a store, without any process or request."""

import random
from math import inf

from s3mover.s3.adaptive_limit import AdaptiveLimit


class Store:
    """A store that carries out `rate` requests a second, saves up a tenth of a second, and refuses the others."""

    def __init__(self, rate: float, noise: float = 0.0) -> None:
        self.rate = rate
        self._level = rate / 10
        self._chance = random.Random(4)  # noqa: S311 - chance, not a secret
        self._noise = noise

    def ask(self, requests: int, seconds: float) -> int:
        """Return how many are carried out."""
        self._level = min(self._level + self.rate * seconds, self.rate / 10 + self.rate * seconds)
        carried_out = min(requests, int(self._level))
        self._level -= carried_out
        return sum(self._chance.random() >= self._noise for _ in range(carried_out))


class Run:
    """What a limit makes of a store, in steps of virtual time; `most` is what the asking side can do by itself."""

    def __init__(self, store: Store, most: float = inf, limit: AdaptiveLimit | None = None) -> None:
        self.store = store
        self.most = most
        self.limit = limit or AdaptiveLimit(0.0)
        self.now = 0.0
        self.rest = 0.0
        # Time, carried out and refused per second, and the limit.
        self.history: list[tuple[float, float, float, float]] = []

    def go_on(self, seconds: float, step: float = 0.05) -> tuple[float, float]:
        """Return the goodput per second, and the part of all requests that was refused."""
        asked = done = 0
        for _ in range(round(seconds / step)):
            self.now += step
            self.rest += min(self.limit.rate, self.most) * step
            requests, self.rest = int(self.rest), self.rest % 1
            carried_out = self.store.ask(requests, step)
            waits = self.limit.rate < self.most
            self.history.append(
                (self.now, carried_out / step, (requests - carried_out) / step, self.limit.rate)
            )
            self.limit.observe(self.now, carried_out, requests - carried_out, has_waiters=waits)
            asked, done = asked + requests, done + carried_out
        return done / seconds, 1 - done / asked
