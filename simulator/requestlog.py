"""The request log: what was asked by whom and what was answered. Bounded; the counts are not.

Read through the control port, for tests that judge a client by what it did.
"""

from collections import Counter, deque
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One answered (or never answered) request.

    `code` is S3's error code, "" for success, `Reset` or `Hang` where a fault kept the answer back; `detail` says
    which action was missing; `at` is in seconds since the epoch, `seconds` the server's own time;
    `source` is the copy source as sent; `received` and `sent` are bytes of bodies; `access_key` is the one that
    signed, by which a test tells two instances of one client apart.
    """

    number: int
    at: float
    operation: str
    bucket: str
    key: str
    principal: str
    status: int
    code: str
    seconds: float
    source: str
    detail: str
    received: int
    sent: int
    access_key: str = ""


class RequestLog:
    """The newest requests and the counts of all."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._counts: Counter[tuple[str, str, int, str]] = Counter()
        self.number = 0

    def add(self, entry: Entry) -> None:
        """Write one request down."""
        self._entries.append(entry)
        self._counts[entry.bucket, entry.operation, entry.status, entry.code] += 1

    def entries(self, operation: str = "", bucket: str = "", since: int = 0, limit: int = 0) -> list[Entry]:
        """Return the newest entries that match, oldest first; `since` is a number."""
        found = [
            entry
            for entry in self._entries
            if entry.number > since
            and (not operation or entry.operation == operation)
            and (not bucket or entry.bucket == bucket)
        ]
        return found[-limit:] if limit else found

    def counts(self, bucket: str = "") -> dict[str, int]:
        """Return how often each `Operation` or `Operation:Code` was answered."""
        counts: Counter[str] = Counter()
        for (name, operation, _, code), count in self._counts.items():
            if not bucket or name == bucket:
                counts[f"{operation}:{code}" if code else operation] += count
        return dict(counts)

    def clear(self) -> None:
        """Forget everything, except the numbering."""
        self._entries.clear()
        self._counts.clear()


def as_records(entries: list[Entry]) -> list[dict[str, Any]]:
    """Return entries as JSON objects."""
    return [entry._asdict() for entry in entries]
