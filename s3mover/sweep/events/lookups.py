"""Looks at objects at both ends and compares them as a sweep does, on threads of its own.

S3 is strongly consistent: a HEAD after an event shows the object as of the event, or a newer version.
"""

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from s3mover.model import ObjectEntry, page_of
from s3mover.planning.page_diff import Lookup, PageDiff, Rules, compare_page
from s3mover.s3.bucket import Bucket, Head
from s3mover.s3.retry import Retry
from s3mover.s3.values import http_time
from s3mover.sweep.recovery import head_of

THREADS = 16
# An object of unknown age counts as newer than any copy: one copy too many is harmless, one too few is not.
_NEWEST = "9999-12-31T23:59:59.000Z"


class Look(NamedTuple):
    """What both ends have of a key.

    `diff` compares them, None where the source has no object; `copy` is the object of the destination. `error` is what
    was met instead.
    """

    key: str
    diff: PageDiff | None = None
    copy: ObjectEntry | None = None
    error: Exception | None = None


class Lookups:
    """Looks at keys in the background; `deliver` takes each look, on any thread. `retry` repeats requests."""

    def __init__(
        self, source: Bucket, destination: Bucket, retry: Retry, deliver: Callable[[Look], None]
    ) -> None:
        self._source = source
        self._destination = destination
        self._retry = retry
        self._deliver = deliver
        self._keys: SimpleQueue[tuple[str, Rules] | None] = SimpleQueue()
        self._started = 0

    def begin(self, keys: Iterable[str], rules: Rules) -> None:
        """Look at these keys of the source, by these rules."""
        for key in keys:
            self._keys.put((key, rules))
        while self._started < min(THREADS, self._keys.qsize()):
            self._started += 1
            threading.Thread(target=self._work, name="events-lookup", daemon=True).start()

    def close(self) -> None:
        """End the threads after the look that each has in hand; returns at once."""
        for _ in range(self._started):
            self._keys.put(None)

    def _work(self) -> None:
        try:
            while (item := self._keys.get()) is not None:
                self._deliver(self._look(*item))
        finally:
            self._source.close_thread()
            self._destination.close_thread()

    def _look(self, key: str, rules: Rules) -> Look:
        try:
            return self._compared(key, rules)
        except Exception as error:  # noqa: BLE001 - carried to the loop, which raises an internal error
            return Look(key, error=error)

    def _compared(self, key: str, rules: Rules) -> Look:
        target = rules.pair.destination_key(key)
        found = self._retry(partial(head_of, self._source, key))
        there = self._retry(partial(head_of, self._destination, target))
        copy = None if there is None else _entry(target, there, "")
        if found is None:
            return Look(key, None, copy)
        copies = Lookup(iter([page_of([copy])] if copy else []))
        return Look(key, compare_page(page_of([_entry(key, found, _NEWEST)]), copies, rules), copy)


def _entry(key: str, head: Head, unknown: str) -> ObjectEntry:
    """Return the object as a listing shows it; `unknown` stands for a time that the store does not say."""
    moment = http_time(head.last_modified)
    modified = (
        unknown if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    )
    storage_class = head.headers.get("x-amz-storage-class", "STANDARD")
    return ObjectEntry(key, head.size, head.etag, modified, storage_class)
