"""Decides when a live worker must be replaced (it is silent, or a thread is stuck), and how long a restart waits. Pure.

Workers are killed and started in `worker_processes.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_RESTART_DELAY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class WatchdogTimeouts:
    """Timeouts in seconds.

    `silence`: the main thread counts a heartbeat every second, so that none for so long means that the process is
    stopped or hangs. `startup` replaces it for a process that is not up yet. `stuck`: a thread at work counts a
    heartbeat at every request and every piece of a body; S3 may take minutes for one copy of 5 GiB.
    """

    silence: float = 30.0
    startup: float = 120.0
    stuck: float = 900.0


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How workers are watched and restarted.

    Workers are polled every `poll_seconds`. Where they fail again and again before they are up, the pool gives up,
    unless `forever` is set.
    """

    forever: bool = False
    timeouts: WatchdogTimeouts = WatchdogTimeouts()
    poll_seconds: float = 1.0


class Watchdog:
    """Watches one worker; `poll` is to be called about every `poll_seconds`.

    Time is counted by polls, and one poll counts for at most two intervals: when the supervisor itself was stopped, or
    the machine slept, no worker was silent.
    """

    def __init__(self, timeouts: WatchdogTimeouts, poll_seconds: float, now: float) -> None:
        self._timeouts = timeouts
        self._longest_step = 2 * poll_seconds
        self._polled_at = now
        self._main_heartbeats = 0
        self._silent_seconds = 0.0
        self._thread_heartbeats: list[int] = []
        self._stuck_seconds: list[float] = []

    def poll(self, now: float, main_heartbeats: int, thread_heartbeats: Sequence[int]) -> str:
        """Return why the worker must be replaced, `silent` or `stuck`, or an empty string."""
        step = min(now - self._polled_at, self._longest_step)
        self._polled_at = now
        is_silent = main_heartbeats == self._main_heartbeats
        self._silent_seconds = self._silent_seconds + step if is_silent else 0.0
        self._stuck_seconds = self._count_stuck(step, thread_heartbeats)
        self._main_heartbeats, self._thread_heartbeats = main_heartbeats, list(thread_heartbeats)
        if self._silent_seconds > (self._timeouts.silence if main_heartbeats else self._timeouts.startup):
            return "silent"
        return "stuck" if max(self._stuck_seconds, default=0.0) > self._timeouts.stuck else ""

    def _count_stuck(self, step: float, thread_heartbeats: Sequence[int]) -> list[float]:
        before = self._thread_heartbeats or [0] * len(thread_heartbeats)
        stuck_seconds = self._stuck_seconds or [0.0] * len(thread_heartbeats)
        return [
            seconds + step if count and count == last else 0.0
            for count, last, seconds in zip(thread_heartbeats, before, stuck_seconds, strict=True)
        ]


def restart_delay(deaths: int) -> float:
    """Return the seconds before a restart after so many deaths in a row: none at first, then 1, 2, 4 … 60."""
    return 0.0 if deaths <= 1 else min(MAX_RESTART_DELAY_SECONDS, 2.0 ** (min(deaths, 32) - 2))
