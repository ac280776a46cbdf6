"""Waiting and trying again: full jitter, and the loop around one read.

Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (Marc Brooker). Which errors are worth another
attempt is said by the errors themselves.
"""

import random as chance
import time
from collections.abc import Callable
from typing import TypeVar

from s3mover.errors import MoverError

T = TypeVar("T")

BASE_SECONDS = 0.1
CAP_SECONDS = 20.0
ATTEMPTS = 8


def backoff(attempt: int, random: Callable[[], float] = chance.random) -> float:
    """Return how many seconds to wait after failed attempt number `attempt` (from 1): anything up to a bound.

    The bound doubles with each attempt, from 0.2 seconds to 20.
    """
    return random() * min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, 32))


def retrying(
    call: Callable[[], T],
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = chance.random,
) -> T:
    """Return what `call` returns, calling again after a temporary error; the last error is raised as it is."""
    for attempt in range(1, attempts):
        try:
            return call()
        except MoverError as error:
            if not error.temporary:
                raise
            sleep(backoff(attempt, random))
    return call()
