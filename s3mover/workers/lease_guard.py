"""How long a worker may go on by itself: no request begins once its supervisor may have lost the lease.

A supervisor that is stopped, or whose database is away, can neither recall its workers nor know that another
instance has taken over. So it lends them trust for a little while at a time, and only while it holds the lease.
"""

import math
import threading
import time
from collections.abc import Callable

from s3mover.errors import S3Error
from s3mover.model import INTERRUPTED

# Trust lasts so long from the instant at which the lease was last known to be held.
LEASE_GUARD_SECONDS = 2.0
# What a request that began in time may need until S3 has acted on it; who takes over waits for both.
SETTLING_SECONDS = 1.0


class LeaseGuard:
    """Lets requests begin until it ends; endless until it is first limited.

    `clock` counts seconds steadily, the same for all processes of a machine.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = math.inf
        self._has_ended = False
        self._extended = threading.Condition()

    def extend(self, until: float) -> None:
        """Let requests begin until then, and wake those that wait."""
        with self._extended:
            self._until = until
            self._extended.notify_all()

    def end(self) -> None:
        """Let no request begin ever again: who held the lease has given up, and whoever holds it next trusts anew."""
        with self._extended:
            self._has_ended = True
            self._extended.notify_all()

    @property
    def lasts(self) -> bool:
        """Whether requests may begin now."""
        return not self._has_ended and self._clock() < self._until

    def wait(self) -> None:
        """Return once trust lasts.

        Raises:
            S3Error: it has ended.
        """
        with self._extended:
            while not self.lasts:
                if self._has_ended:
                    raise S3Error(INTERRUPTED, "the lease was lost before this request began")
                self._extended.wait()
