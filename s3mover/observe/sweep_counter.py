"""The running counts of the sweep under way: what waits, how fast it goes, how long it will take.

Metrics, status and progress each look at such a counter; none of them counts for itself. Nothing is shown here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from s3mover.events import (
    Event,
    ObjectFailed,
    ObjectMoved,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    SweepFinished,
    SweepListed,
    SweepStarted,
    TransfersPlanned,
)
from s3mover.model import Method, Side, SweepStatus, Tally
from s3mover.observe.rate import Rate

_NEARLY = 0.99  # as far as a sweep can be that may find more than the last one
_TELLING = 0.05  # the share of a sweep from which its time can be projected


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The sweep at one instant; `waiting` counts planned transfers that have not ended.

    `oldest` is when the oldest object that may still wait was last modified (seconds since the epoch).
    `progress` is the share of the sweep that is done, and `eta_seconds` the time to its end. How much there is to list
    is known only when the listing has ended; until then both are measured by the last complete sweep, and are None
    where there was none. `eta_seconds` is None, too, while nothing moves.
    """

    sweep: int | None
    running: bool
    listing: bool
    tally: Tally
    waiting: int
    waiting_bytes: int
    oldest: float | None
    seconds: float
    objects_per_second: float
    bytes_per_second: float
    eta_seconds: float | None
    progress: float | None = None


@dataclass(slots=True)
class _Counts:
    """The bare numbers of one sweep; `usual` is how many objects the last complete sweep listed, 0 before it."""

    usual: int = 0
    sweep: int | None = None
    started_at: float = 0.0
    ended_at: float | None = 0.0
    listing: bool = True
    listed: int = 0
    in_place: int = 0
    vanished: int = 0
    planned: int = 0
    planned_bytes: int = 0
    to_move: int = 0
    copied: int = 0
    streamed: int = 0
    failed: int = 0
    moved_bytes: int = 0
    ended_bytes: int = 0
    oldest: float | None = None

    @property
    def waiting(self) -> int:
        if self.ended_at is not None:
            return 0
        return max(0, max(self.planned, self.to_move) - self.ended)

    @property
    def ended(self) -> int:
        """Planned transfers that have ended, one way or the other."""
        return self.copied + self.streamed + self.failed + self.vanished

    @property
    def waiting_bytes(self) -> int:
        return max(0, self.planned_bytes - self.ended_bytes) if self.waiting else 0

    def tally(self) -> Tally:
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


class SweepCounter:
    """A `Notify` that follows one sweep after the other; safe to use from several threads.

    `clock` gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._rate = Rate()
        self._counts = _Counts()
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            ObjectMoved: self._moved,
            ObjectFailed: self._failed,
            ObjectSkipped: self._vanished,
            ObjectsListed: self._listed,
            ObjectsInPlace: self._in_place,
            TransfersPlanned: self._planned,
            SweepStarted: self._started,
            SweepListed: self._listing_ended,
            SweepFinished: self._finished,
        }

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            with self._lock:
                handler(event)

    def snapshot(self) -> Snapshot:
        """Return the counts as they are now; after a sweep's end its last counts, with nothing waiting."""
        with self._lock:
            counts, now = self._counts, self._clock()
            ended_at = now if counts.ended_at is None else counts.ended_at
            seconds = ended_at - counts.started_at
            objects_per_second, bytes_per_second = self._rate.per_second(now, seconds)
            progress = _progress(counts)
            return Snapshot(
                sweep=counts.sweep,
                running=counts.ended_at is None,
                listing=counts.ended_at is None and counts.listing,
                tally=counts.tally(),
                waiting=counts.waiting,
                waiting_bytes=counts.waiting_bytes,
                oldest=counts.oldest if counts.waiting else None,
                seconds=seconds,
                objects_per_second=objects_per_second,
                bytes_per_second=bytes_per_second,
                eta_seconds=_eta(counts, objects_per_second, bytes_per_second)
                if not counts.listing
                else _eta_of_listing(progress, seconds),
                progress=progress,
            )

    def _started(self, event: SweepStarted) -> None:
        self._rate.clear()
        self._counts = _Counts(
            usual=self._counts.usual, sweep=event.sweep, started_at=self._clock(), ended_at=None
        )

    def _listed(self, event: ObjectsListed) -> None:
        if event.side is Side.SOURCE:
            self._counts.listed += event.objects

    def _in_place(self, event: ObjectsInPlace) -> None:
        self._counts.in_place += event.objects

    def _planned(self, event: TransfersPlanned) -> None:
        counts = self._counts
        # Which object ended is not known here, so the oldest is kept until nothing waits: never too young.
        known = counts.oldest if counts.waiting else None
        counts.oldest = min(filter(None, (known, _seconds_since_epoch(event.oldest))), default=None)
        counts.planned += event.objects
        counts.planned_bytes += event.bytes

    def _listing_ended(self, event: SweepListed) -> None:
        self._counts.listing = False
        self._counts.to_move = event.planned

    def _moved(self, event: ObjectMoved) -> None:
        counts = self._counts
        if event.method is Method.STREAMING:
            counts.streamed += 1
        else:
            counts.copied += 1
        counts.moved_bytes += event.size
        counts.ended_bytes += event.size
        self._rate.add(self._clock(), event.size)

    def _failed(self, event: ObjectFailed) -> None:
        self._counts.failed += 1
        self._counts.ended_bytes += event.size

    def _vanished(self, event: ObjectSkipped) -> None:
        self._counts.vanished += 1
        self._counts.ended_bytes += event.size

    def _finished(self, event: SweepFinished) -> None:
        self._counts.ended_at = self._clock()
        if event.status is SweepStatus.COMPLETED:
            self._counts.usual = event.tally.listed


def _progress(counts: _Counts) -> float | None:
    """Listing and moving go hand in hand through the keys, so the share of objects looked at is the share done."""
    if counts.ended_at is not None or (counts.listing and not counts.usual):
        return None
    done = counts.in_place + counts.ended
    if not counts.listing:
        return min(1.0, done / max(1, done + counts.waiting))
    return min(_NEARLY, done / max(counts.usual, counts.listed))


def _eta_of_listing(progress: float | None, seconds: float) -> float | None:
    if progress is None or progress < _TELLING:
        return None
    return seconds * (1 - progress) / progress


def _eta(counts: _Counts, objects_per_second: float, bytes_per_second: float) -> float | None:
    """The slower of two: small objects are bound by requests, large ones by bytes."""
    if counts.ended_at is not None:
        return None
    if not counts.waiting:
        return 0.0
    if not objects_per_second:
        return None
    by_bytes = counts.waiting_bytes / bytes_per_second if bytes_per_second else 0.0
    return max(counts.waiting / objects_per_second, by_bytes)


def _seconds_since_epoch(last_modified: str) -> float | None:
    """Read S3's time; None for what is not one, because a store's odd answer must not stop the counting."""
    try:
        moment = datetime.fromisoformat(last_modified)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
