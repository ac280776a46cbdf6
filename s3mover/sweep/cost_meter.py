"""Counts what one process does for a route: requests as they are announced, and objects as they are settled."""

import threading
from collections import Counter
from collections.abc import Iterable

from s3mover.costs.bill import Moved, Usage
from s3mover.events import Event, Notify, RequestsMade
from s3mover.model import Method, Order, Outcome, Side, Status


class CostMeter:
    """Counts usage since its creation. Any thread may announce requests; one thread does all else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[Side, str, str]] = Counter()
        self._moved: dict[tuple[Method, str], Moved] = {}
        # Size and storage class of the orders that are out, by sweep and number.
        self._out: dict[tuple[int, int], tuple[int, str]] = {}

    def listening(self, notify: Notify) -> Notify:
        """Return a `Notify` that counts the requests which are announced, and passes every event on."""

        def count(event: Event) -> None:
            if isinstance(event, RequestsMade):
                with self._lock:
                    self._requests[event.side, event.operation, event.code] += event.requests
            notify(event)

        return count

    def intended(self, orders: Iterable[Order]) -> None:
        """Take orders that are about to be handed out: their bytes are as good as spent."""
        for order in orders:
            self._out[order.sweep, order.number] = (order.size, order.storage_class)

    def withdrawn(self, orders: Iterable[Order]) -> None:
        """Take back orders that no worker began."""
        for order in orders:
            self._out.pop((order.sweep, order.number), None)

    def settled(self, outcomes: Iterable[Outcome]) -> None:
        """Count the objects that were moved."""
        for outcome in outcomes:
            _, storage_class = self._out.pop((outcome.sweep, outcome.number), (0, ""))
            if outcome.status is Status.SUCCESS and outcome.method is not None:
                key = (outcome.method, storage_class)
                before = self._moved.get(key, Moved())
                self._moved[key] = Moved(before.objects + 1, before.bytes + outcome.size)

    def usage(self) -> Usage:
        """Return what was done so far."""
        with self._lock:
            return Usage(dict(self._requests), dict(self._moved))

    def on_its_way(self) -> dict[str, Moved]:
        """Return the objects that are out, by storage class."""
        found: dict[str, Moved] = {}
        for size, storage_class in self._out.values():
            before = found.get(storage_class, Moved())
            found[storage_class] = Moved(before.objects + 1, before.bytes + size)
        return found
