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

Completed = TypeVar("Completed")
# The code of a completion whose checksum differs from that of the parts.
WRONG_CHECKSUM = "BadDigest"
# So many refusals of one object, and so many objects, make a suspicion.
REFUSALS = 2
OBJECTS = 2
# Objects that fail for ever are forgotten at this number: memory stays bounded.
MAX_DOUBTS = 1000


class WholeChecksums:
    """Decides it for one destination, from what its completions showed; threads may share it."""

    def __init__(self, features: StoreFeatures) -> None:
        self._features = features
        self._lock = Lock()
        self._refusals: dict[str, int] = {}
        self._completed_without: set[str] = set()

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
        return self._features.has(Feature.OBJECT_CHECKSUM) and self._refusals.get(key, 0) < REFUSALS

    def record_error(self, key: str, error: S3Error) -> None:
        """Record that a completion that stated the checksum failed."""
        if error.code != WRONG_CHECKSUM:
            return
        with self._lock:
            if len(self._refusals) >= MAX_DOUBTS:
                self._refusals.clear()
            self._refusals[key] = self._refusals.get(key, 0) + 1

    def record_success(self, key: str, *, stated: bool) -> None:
        """Record that a completion succeeded."""
        if not self._refusals and not self._completed_without:
            return
        with self._lock:
            refused = self._refusals.pop(key, 0)
            if stated:
                self._completed_without.clear()
            elif refused:
                self._suspect(key)

    def _suspect(self, key: str) -> None:
        self._completed_without.add(key)
        if len(self._completed_without) >= OBJECTS:
            self._features.disable(Feature.OBJECT_CHECKSUM, WRONG_CHECKSUM)
            self._completed_without.clear()
