"""The sweep under way as metrics, status and progress show it: its counts, how fast it goes, how long it will take.

The numbers are counted by `sweep_counts.py`; times and rates are added here. Nothing is shown here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from s3mover.events import (
    Event,
    EventBatchEnded,
    EventBatchStarted,
    LeaseLost,
    ObjectFailed,
    ObjectMoved,
    ObjectSkipped,
    SweepFinished,
    SweepListed,
    SweepStarted,
    TransfersPlanned,
)
from s3mover.model import SweepStatus, Tally
from s3mover.observe.rate import Rate
from s3mover.sweep_counts import SweepCounts

_NEARLY = 0.99  # the most that a sweep can be done which may find more objects than the last one
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


class SweepCounter:
    """A `Notify` that follows one sweep after the other; safe to use from several threads.

    `clock` gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._rate = Rate()
        self._counts = SweepCounts()
        self._sweep: int | None = None
        self._started_at = 0.0
        self._ended_at: float | None = 0.0
        self._listing = True
        self._oldest: float | None = None
        # How many objects the last complete sweep listed, 0 before it.
        self._usual = 0
        # The batches of events that are open: what they move is no part of the sweep.
        self._batches: set[int] = set()
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            EventBatchStarted: lambda event: self._batches.add(event.batch),
            EventBatchEnded: lambda event: self._batches.discard(event.batch),
            ObjectMoved: self._moved,
            TransfersPlanned: self._planned,
            SweepStarted: self._start,
            SweepListed: self._listing_ended,
            SweepFinished: self._finish,
            LeaseLost: self._lost,
        }

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        if self._is_of_another_batch(event):
            return
        handler = self._handlers.get(type(event))
        with self._lock:
            if handler is not None:
                handler(event)
            self._counts.count(event)

    def snapshot(self) -> Snapshot:
        """Return the counts as they are now; after a sweep's end its last counts, with nothing waiting."""
        with self._lock:
            return self._snapshot(self._clock())

    def _is_of_another_batch(self, event: Event) -> bool:
        """Return whether the event is about an object that the source's events moved, beside the sweep."""
        if not self._batches or not isinstance(event, ObjectMoved | ObjectFailed | ObjectSkipped):
            return False
        return event.sweep in self._batches

    def _snapshot(self, now: float) -> Snapshot:
        counts, running = self._counts, self._ended_at is None
        seconds = (now if self._ended_at is None else self._ended_at) - self._started_at
        rates = self._rate.per_second(now, seconds)
        progress = self._progress() if running else None
        return Snapshot(
            sweep=self._sweep,
            running=running,
            listing=running and self._listing,
            tally=counts.tally(),
            waiting=counts.waiting if running else 0,
            waiting_bytes=counts.waiting_bytes if running else 0,
            oldest=self._oldest if running and counts.waiting else None,
            seconds=seconds,
            objects_per_second=rates[0],
            bytes_per_second=rates[1],
            eta_seconds=self._eta(progress, seconds, *rates) if running else None,
            progress=progress,
        )

    def _moved(self, event: ObjectMoved) -> None:
        self._rate.add(self._clock(), event.size)

    def _planned(self, event: TransfersPlanned) -> None:
        self._oldest = self._oldest_with(event.oldest)

    def _listing_ended(self, _event: SweepListed) -> None:
        self._listing = False

    def _start(self, event: SweepStarted) -> None:
        self._rate.clear()
        self._counts = SweepCounts()
        self._sweep, self._started_at, self._ended_at = event.sweep, self._clock(), None
        self._listing, self._oldest = True, None

    def _finish(self, event: SweepFinished) -> None:
        self._ended_at = self._clock()
        if event.status is SweepStatus.COMPLETED:
            self._usual = event.tally.listed

    def _lost(self, _event: LeaseLost) -> None:
        """End the sweep here: another instance took over, and ends it in the trail."""
        if self._ended_at is None:
            self._ended_at = self._clock()

    def _oldest_with(self, last_modified: str) -> float | None:
        # Which object ended is not known here, so the oldest is kept until nothing waits: never too young.
        known = self._oldest if self._counts.waiting else None
        return min(filter(None, (known, _seconds_since_epoch(last_modified))), default=None)

    def _progress(self) -> float | None:
        """Listing and moving go hand in hand through the keys, so the share of compared objects is the share done."""
        counts = self._counts
        done = counts.in_place + counts.ended
        if not self._listing:
            return min(1.0, done / max(1, done + counts.waiting))
        return min(_NEARLY, done / max(self._usual, counts.listed)) if self._usual else None

    def _eta(
        self, progress: float | None, seconds: float, objects_per_second: float, bytes_per_second: float
    ) -> float | None:
        if self._listing:
            return None if progress is None or progress < _TELLING else seconds * (1 - progress) / progress
        return _time_left(self._counts, objects_per_second, bytes_per_second)


def _time_left(counts: SweepCounts, objects_per_second: float, bytes_per_second: float) -> float | None:
    """Return the longer of two estimates: small objects are bound by requests, large ones by bytes."""
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
