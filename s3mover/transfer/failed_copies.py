"""Remembers which kinds of objects a store cannot copy, although they can be streamed.

A store may answer 404 for keys that end in `/`, 412 for ETags of multipart uploads, or InternalError for ever. Each
kind is remembered apart, and only after several objects in a row: one object says nothing about the others.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

from s3mover.model import Order

MIN_FAILED_OBJECTS = 3
# The kind is tried again after this time: the store may have been mended.
RETRY_SECONDS = 300.0


class Kind(NamedTuple):
    """What distinguishes objects for a store that fails to copy some of them."""

    is_marker: bool
    is_multipart: bool


class _Failures(NamedTuple):
    code: str
    objects: int
    until: float


class FailedCopies:
    """The kinds of objects whose copies failed; threads may share it. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[Kind, _Failures] = {}

    def code_for(self, order: Order) -> str:
        """Return the code with which a copy would fail, empty where it is worth trying."""
        if not self._failures:
            return ""
        failures = self._failures.get(kind_of(order))
        return failures.code if failures and self._clock() < failures.until else ""

    def record_failure(self, order: Order, code: str) -> None:
        """Record that a copy failed with `code`, and that the object could be streamed."""
        kind = kind_of(order)
        with self._lock:
            known = self._failures.get(kind)
            objects = known.objects + 1 if known and known.code == code else 1
            until = self._clock() + RETRY_SECONDS if objects >= MIN_FAILED_OBJECTS else float("-inf")
            self._failures[kind] = _Failures(code, objects, until)

    def record_success(self, order: Order) -> None:
        """Record that an object of this kind was copied."""
        if self._failures:
            with self._lock:
                self._failures.pop(kind_of(order), None)


def kind_of(order: Order) -> Kind:
    """Return the kind of an object."""
    return Kind(order.key.endswith("/"), "-" in order.etag)
