"""Whether the completion of a multipart upload states the checksum of the whole object.

Some stores know a checksum of the parts' checksums only, and refuse the one of the whole with BadDigest, as all do if
a part is wrong. So an object whose completion was refused so twice is completed without; after a second such object
that succeeds, all are completed without for a while. Each part still carries its own checksum.
"""

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from s3mover.errors import S3Error
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.suspicions import FAILURES, Suspicions

Completed = TypeVar("Completed")
# The code of a completion whose checksum differs from that of the parts.
WRONG_CHECKSUM = "BadDigest"


class WholeChecksums:
    """Decides it for one destination, from what its completions showed; threads may share it."""

    def __init__(self, features: StoreFeatures) -> None:
        self._features = features
        self._lock = Lock()
        self._suspicions = Suspicions(features)

    def complete(
        self, key: str, checksum: dict[str, str], call: Callable[[dict[str, str]], Completed]
    ) -> Completed:
        """Call `call` with the headers `checksum`, or with none, and record what comes of it."""
        stated = bool(checksum) and self.is_stated(key)
        try:
            completed = call(checksum if stated else {})
        except S3Error as error:
            if stated:
                self.record_error(key, error)
            raise
        self.record_success(key, stated=stated)
        return completed

    def is_stated(self, key: str) -> bool:
        """Return whether the next completion of the object `key` states its checksum."""
        refusals = self._suspicions.failures_of(key)
        return self._features.has(Feature.OBJECT_CHECKSUM) and (
            refusals is None or refusals.in_a_row < FAILURES
        )

    def record_error(self, key: str, error: S3Error) -> None:
        """Record that a completion that stated the checksum failed."""
        if error.code == WRONG_CHECKSUM:
            with self._lock:
                self._suspicions.record_failure(key, error.code)

    def record_success(self, key: str, *, stated: bool) -> None:
        """Record that a completion succeeded."""
        if not self._suspicions:
            return
        with self._lock:
            refusals = self._suspicions.forget(key)
            if stated:
                self._suspicions.acquit((Feature.OBJECT_CHECKSUM,))
            elif refusals:
                self._suspicions.confirm(Feature.OBJECT_CHECKSUM, refusals.code, key)
