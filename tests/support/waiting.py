"""Waiting for what another process does: a condition and a deadline, never a guess."""

import time
from collections.abc import Callable

TOO_LONG = 60.0


def past_this_second() -> None:
    """Return in the next second of the clock: S3 tells times in whole ones, and what is of the same may be newer."""
    time.sleep(1.0 - time.time() % 1.0)


def eventually(holds: Callable[[], bool], seconds: float = TOO_LONG) -> None:
    """Return once `holds` says so; fail where it does not within so many seconds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.02)
