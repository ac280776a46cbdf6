"""The lag of objects: from the time of their change at the source to the commit of their row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from s3mover.events import LagMeasured, Notify
from s3mover.model import Order, Outcome, Status
from s3mover.s3.values import iso_time

SWEEP, EVENT = "sweep", "event"
# Objects that were uploaded together have the same time, or one of few.
_seconds = lru_cache(maxsize=1024)(iso_time)


def modified_at(order: Order) -> float | None:
    """Return when the object was last modified, in seconds since the epoch; None where the store does not say."""
    return _seconds(order.last_modified)


@dataclass(slots=True)
class LagMeter:
    """Measures the lag of a sweep's objects; `via` says what led to their transfer: `sweep` or `event`.

    `changed_at` returns when the object of an order changed, in seconds since the epoch, None where that is not known.
    """

    notify: Notify
    clock: Callable[[], float]
    via: str = SWEEP
    changed_at: Callable[[Order], float | None] = modified_at
    _times: dict[int, float] = field(default_factory=dict)

    def handed_out(self, orders: Sequence[Order]) -> None:
        """Remember when these objects changed."""
        for order in orders:
            if (changed_at := self.changed_at(order)) is not None:
                self._times[order.number] = changed_at

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Announce the lag of those that were moved, and forget all of them."""
        now = self.clock()
        times = [(outcome, self._times.pop(outcome.number, None)) for outcome in outcomes]
        lags = [
            max(0.0, now - changed_at)
            for outcome, changed_at in times
            if changed_at is not None and outcome.status is Status.SUCCESS
        ]
        if lags:
            self.notify(LagMeasured(self.via, tuple(lags)))
