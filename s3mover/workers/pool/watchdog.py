"""When a worker that lives must be replaced all the same: it is silent, or one of its threads is stuck. Pure.

And how long its place stays empty when the ones before it died, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class WatchdogTimeouts:
    """Bounds in seconds.

    `silence`: the main thread beats every second, so that so long without a beat means that the process is stopped or
    hangs; `start` is for processes that are not up yet. `stuck`: a thread at work gives a sign at every request and
    every piece of a body; S3 may take minutes for one copy of 5 GiB.
    """

    silence: float = 30.0
    start: float = 120.0
    stuck: float = 900.0


class Watchdog:
    """Watches one worker; `poll` is to be called about every `every` seconds.

    Time is counted by looks, and one look counts for two at most: when the supervisor itself was stopped, or the
    machine slept, nobody was silent.
    """

    def __init__(self, timeouts: WatchdogTimeouts, every: float, now: float) -> None:
        self._patience = timeouts
        self._longest_step = 2 * every
        self._looked_at = now
        self._beats = 0
        self._silent = 0.0
        self._signs: list[int] = []
        self._stuck: list[float] = []

    def poll(self, now: float, beats: int, signs: Sequence[int]) -> str:
        """Return why the worker must be replaced, `silent` or `stuck`, or nothing."""
        step = min(now - self._looked_at, self._longest_step)
        self._looked_at = now
        self._silent = 0.0 if beats != self._beats else self._silent + step
        self._stuck = self._stuck_since(step, signs)
        self._beats, self._signs = beats, list(signs)
        if self._silent > (self._patience.silence if beats else self._patience.start):
            return "silent"
        return "stuck" if max(self._stuck, default=0.0) > self._patience.stuck else ""

    def _stuck_since(self, step: float, signs: Sequence[int]) -> list[float]:
        before = self._signs or [0] * len(signs)
        since = self._stuck or [0.0] * len(signs)
        return [
            waited + step if sign and sign == last else 0.0
            for sign, last, waited in zip(signs, before, since, strict=True)
        ]


def pause_after(deaths: int) -> float:
    """Return how many seconds a place stays empty after so many deaths in a row: none at first, then 1, 2, 4 … 60."""
    return 0.0 if deaths <= 1 else min(LONGEST_PAUSE_SECONDS, 2.0 ** (min(deaths, 32) - 2))
