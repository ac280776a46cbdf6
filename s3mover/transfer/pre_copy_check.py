"""Whether a HeadObject precedes a server-side copy, which drops website redirects and Object Lock settings.

It is needed only where the source's bucket has Object Lock, or where one of the buckets is a website (Amazon S3 API
Reference: CopyObject; User Guide, "Configuring a webpage redirect"). The buckets are asked once for many objects; where
they do not say, a HeadObject is needed for each object. `server_side.py` sends it and uses its response.

Some stores have left the framing of requests (`aws-chunked`) in the Content-Encoding of their objects, which a copy
keeps unless other headers are sent. One object of the source is looked at: if it has that, each is.
"""

from collections.abc import Callable
from threading import Lock

from s3mover.errors import S3Error
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry, no_retry
from s3mover.stores import store_of
from s3mover.transfer.properties import names_chunked_coding

# Buckets may be reconfigured while a daemon runs.
RECHECK_SECONDS = 600.0


class PreCopyCheck:
    """Decides by `mode`: `always`, `never`, or `auto`, which asks the buckets; threads may share it.

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
        self._source = source
        self._bucket_checks = (source.has_object_lock, source.is_website, destination.is_website)
        self._clock = clock
        self._retry = retry
        self._lock = Lock()
        self._until = float("-inf")
        self._needed = True

    def is_needed(self, key: str) -> bool:
        """Return whether the copy of `key` needs a HeadObject before it."""
        if self._mode != "auto":
            return self._mode == "always"
        with self._lock:
            if self._clock() >= self._until:
                self._needed = any(map(self._is_possible, self._bucket_checks)) or self._is_coded(key)
                self._until = self._clock() + RECHECK_SECONDS
            return self._needed

    def _is_coded(self, key: str) -> bool:
        """Return whether the source's store leaves the framing of requests in objects, as far as one object shows."""
        if store_of(self._source.address).is_aws:
            return False
        try:
            return names_chunked_coding(self._retry(lambda: self._source.head(key)).headers)
        except S3Error:
            return False

    def _is_possible(self, check: Callable[[], bool]) -> bool:
        """Return what `check` returns, True where the bucket does not say."""
        try:
            return self._retry(check)
        except S3Error:
            return True
