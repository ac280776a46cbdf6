"""The lease as a worker sees it: no request begins once the supervisor may have lost the lease.

A supervisor that is stopped, or whose database is away, can neither recall its workers nor know that another
instance has taken over. So it extends the lease of its workers for a short time at once, and only while it holds the
lease itself. How the supervisor holds the lease is not described here.
"""

import math
import threading
import time
from collections.abc import Callable

from s3mover.errors import S3Error
from s3mover.model import INTERRUPTED

# How long workers may begin requests after the instant at which the supervisor was last known to hold the lease.
LEASE_GUARD_SECONDS = 2.0
# How long S3 may take to act on a request that began in time. The next holder waits for both.
SETTLING_SECONDS = 1.0


class LeaseGuard:
    """Permits requests until the lease expires; does not expire until `extend` is first called.

    `clock` is monotonic, in seconds, and the same for all processes of a machine.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expires_at = math.inf
        self._is_revoked = False
        self._changed = threading.Condition()

    def extend(self, until: float) -> None:
        """Permit requests until `until`, and wake the threads that wait."""
        with self._changed:
            self._expires_at = until
            self._changed.notify_all()

    def revoke(self) -> None:
        """Refuse all requests from now on: the supervisor gave up the lease, and the next holder has a new guard."""
        with self._changed:
            self._is_revoked = True
            self._changed.notify_all()

    @property
    def is_valid(self) -> bool:
        """Whether requests may begin now."""
        return not self._is_revoked and self._clock() < self._expires_at

    def wait(self) -> None:
        """Wait until requests may begin.

        Raises:
            S3Error: the lease was revoked.
        """
        with self._changed:
            while not self.is_valid:
                if self._is_revoked:
                    raise S3Error(INTERRUPTED, "the lease was lost before this request began")
                self._changed.wait()
