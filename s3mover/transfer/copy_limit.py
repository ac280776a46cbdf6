"""The size up to which one CopyObject copies an object: S3's limit, or less where the store shows that it is less.

Some stores copy up to 5,000,000,000 bytes, or are silent for so long over a large copy that it seems lost. Then objects
of that size are copied in parts for a while.
"""

from collections.abc import Callable

from s3mover.errors import S3Error
from s3mover.transfer.parts import MAX_SINGLE_COPY

# Refusals may have another cause, and stores may be mended.
LOWERED_SECONDS = 600.0
# No store is known to refuse smaller ones, in bytes; an `InvalidRequest` for them has another reason.
SMALLEST_LIMIT = 1_000_000_000
# The limit of most stores that have a smaller one than S3, in bytes.
COMMON_LIMIT = 5_000_000_000
_REFUSALS = frozenset({"EntityTooLarge", "InvalidArgument", "InvalidRequest"})


class CopyLimit:
    """The limit, lowered by refusals and by silence; threads may share it. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float], largest: int = MAX_SINGLE_COPY) -> None:
        self._clock = clock
        self._largest = largest
        self._lowered: tuple[int, float] | None = None

    def is_exceeded(self, size: int) -> bool:
        """Return whether an object of `size` bytes is copied in parts."""
        if size > self._largest:
            return True
        return self._lowered is not None and size > self._lowered[0] and self._clock() < self._lowered[1]

    def is_refusal(self, error: S3Error, size: int) -> bool:
        """Return whether the copy of an object of `size` bytes may have been refused for its size."""
        return error.code in _REFUSALS and size > SMALLEST_LIMIT

    def lower(self, size: int) -> None:
        """Copy objects of `size` bytes and more in parts from now on."""
        limit = COMMON_LIMIT if size > COMMON_LIMIT else size - 1
        if self._lowered is not None and self._clock() < self._lowered[1]:
            limit = min(limit, self._lowered[0])
        self._lowered = limit, self._clock() + LOWERED_SECONDS
