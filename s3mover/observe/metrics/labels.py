"""Limits the number of series of a metric, whatever a store responds. Pure."""

import re

OTHER = "other"
_PLAIN = re.compile(r"[A-Za-z0-9_. -]{1,64}")


class BoundedLabel:
    """Accepts the first `limit` distinct values; further ones, and those not shaped like a code, become `other`.

    Two threads that race may accept one value too many, which does no harm.
    """

    def __init__(self, limit: int = 50) -> None:
        self._limit = limit
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the label for `value`."""
        if value in self._seen:
            return value
        if len(self._seen) >= self._limit or not _PLAIN.fullmatch(value):
            return OTHER
        self._seen.add(value)
        return value
