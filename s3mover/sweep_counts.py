"""The numbers of one sweep, counted from its events: the loop and all that shows a sweep count by this class alone.

It knows no clock and no lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from s3mover.events import (
    Event,
    ObjectFailed,
    ObjectMoved,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    SweepListed,
    TransfersPlanned,
)
from s3mover.model import Method, Side, Tally


@dataclass(slots=True)
class SweepCounts:
    """The counts so far.

    `in_place` are objects that a page skipped, `vanished` planned ones that turned out to need no transfer. `to_move`
    is known from the end of the listing on. `ended_bytes` counts the bytes of all transfers that ended, `moved_bytes`
    those that succeeded.
    """

    listed: int = 0
    in_place: int = 0
    planned: int = 0
    planned_bytes: int = 0
    to_move: int = 0
    copied: int = 0
    streamed: int = 0
    failed: int = 0
    vanished: int = 0
    moved_bytes: int = 0
    ended_bytes: int = 0

    @property
    def ended(self) -> int:
        """Planned transfers that have ended, one way or the other."""
        return self.copied + self.streamed + self.failed + self.vanished

    @property
    def waiting(self) -> int:
        """Transfers that are known to be needed and have not ended."""
        return max(0, max(self.planned, self.to_move) - self.ended)

    @property
    def waiting_bytes(self) -> int:
        """The bytes of the planned ones among them."""
        return max(0, self.planned_bytes - self.ended_bytes) if self.waiting else 0

    def tally(self) -> Tally:
        """Return the counts as the trail records them."""
        return Tally(
            listed=self.listed,
            skipped=self.in_place + self.vanished,
            planned=self.planned - self.vanished,  # its row was withdrawn
            succeeded=self.copied + self.streamed,
            failed=self.failed,
            bytes=self.moved_bytes,
            server_side_copies=self.copied,
            streamed=self.streamed,
        )

    def count(self, event: Event) -> None:
        """Count what `event` announces of the sweep."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def withdraw(self, objects: int, size: int) -> None:
        """Take back planned transfers, and their bytes, that no worker began."""
        self.planned -= objects
        self.planned_bytes -= size

    def _moved(self, event: ObjectMoved) -> None:
        if event.method is Method.STREAMING:
            self.streamed += 1
        else:
            self.copied += 1
        self.moved_bytes += event.size
        self.ended_bytes += event.size

    def _failed(self, event: ObjectFailed) -> None:
        self.failed += 1
        self.ended_bytes += event.size

    def _skipped(self, event: ObjectSkipped) -> None:
        self.vanished += 1
        self.ended_bytes += event.size

    def _listed(self, event: ObjectsListed) -> None:
        if event.side is Side.SOURCE:
            self.listed += event.objects

    def _in_place(self, event: ObjectsInPlace) -> None:
        self.in_place += event.objects
        # Once the listing has ended, only planned objects are left out: those that events deal with.
        self.to_move = max(0, self.to_move - event.objects)

    def _planned(self, event: TransfersPlanned) -> None:
        self.planned += event.objects
        self.planned_bytes += event.bytes

    def _listing_ended(self, event: SweepListed) -> None:
        self.to_move = event.planned


# By type, as the listeners do: each of the many other events costs one look-up.
_HANDLERS: dict[type[Event], Callable[[SweepCounts, Any], None]] = {
    ObjectMoved: SweepCounts._moved,
    ObjectFailed: SweepCounts._failed,
    ObjectSkipped: SweepCounts._skipped,
    ObjectsListed: SweepCounts._listed,
    ObjectsInPlace: SweepCounts._in_place,
    TransfersPlanned: SweepCounts._planned,
    SweepListed: SweepCounts._listing_ended,
}
