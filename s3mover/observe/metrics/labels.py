"""Keeps the number of a metric's series bounded, whatever a store answers. Pure."""

import re

OTHER = "other"
_PLAIN = re.compile(r"[A-Za-z0-9_. -]{1,64}")


class BoundedLabel:
    """Admits the first `limit` distinct values; later ones, and those that look like no code, are `other`.

    Two threads that race may admit one value too many, which does no harm.
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
