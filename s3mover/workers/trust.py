"""How long a worker may go on by itself: no request begins once its supervisor may have lost the lease.

A supervisor that is stopped, or whose database is away, can neither recall its workers nor know that another
instance has taken over. So it lends them trust for a little while at a time, and only while it holds the lease.
"""

import math
import threading
import time
from collections.abc import Callable

from s3mover.s3.throttle import Pace

# Trust lasts so long from the instant at which the lease was last known to be held.
TRUST_SECONDS = 2.0
# What a request that began in time may need until S3 has acted on it; who takes over waits for both.
LANDING_SECONDS = 1.0


class Trust:
    """Lets requests begin until it ends; endless until it is first limited.

    `clock` counts seconds steadily, the same for all processes of a machine.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = math.inf
        self._extended = threading.Condition()

    def extend(self, until: float) -> None:
        """Let requests begin until then, and wake those that wait."""
        with self._extended:
            self._until = until
            self._extended.notify_all()

    def wait(self) -> None:
        """Return at once while trust lasts, else when it is extended."""
        if self._clock() < self._until:
            return
        with self._extended:
            while self._clock() >= self._until:
                self._extended.wait()


class TrustedPace(Pace):
    """A pace at which only what is trusted goes."""

    def __init__(self, rate: float, trust: Trust) -> None:
        super().__init__(rate)
        self._trust = trust

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass, and trust lasts."""
        super().take(units)
        self._trust.wait()
