"""Whether objects are asked about before a server-side copy, which loses website redirects and Object Lock settings.

It matters only where the source's bucket has Object Lock, or where one of the buckets is a website (Amazon S3 API
Reference: CopyObject; User Guide, "Configuring a webpage redirect"). That is asked once for many objects; where it is
not told, each object is asked about. What becomes of the answers is `server_side.py`'s.
"""

from collections.abc import Callable
from threading import Lock

from s3mover.errors import S3Error
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry, no_retry

# Buckets get configured while a daemon runs.
LOOK_AGAIN_SECONDS = 600.0


class PreCopyCheck:
    """Decides by `mode`: `always`, `never`, or `auto`, which looks at the buckets; threads may share it.

    `clock` is in seconds.
    """

    def __init__(
        self,
        mode: str,
        source: Bucket,
        destination: Bucket,
        clock: Callable[[], float],
        retry: Retry = no_retry,
    ) -> None:
        self._mode = mode
        self._polls = (source.has_object_lock, source.is_website, destination.is_website)
        self._clock = clock
        self._retry = retry
        self._lock = Lock()
        self._until = float("-inf")
        self._matters = True

    def is_needed(self) -> bool:
        """Tell whether the next object is to be asked about."""
        if self._mode != "auto":
            return self._mode == "always"
        with self._lock:
            if self._clock() >= self._until:
                self._matters = any(self._may_be(poll) for poll in self._polls)
                self._until = self._clock() + LOOK_AGAIN_SECONDS
            return self._matters

    def _may_be(self, poll: Callable[[], bool]) -> bool:
        try:
            return self._retry(poll)
        except S3Error:
            return True
