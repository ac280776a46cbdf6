"""What `/status` says of the source's events: how many, how fast they are worked off, and what prevents it.

Not safe to use from several threads: the board holds a lock.
"""

from collections import deque
from collections.abc import Sequence

from s3mover.events import EventsFailed, EventsReceived, LagMeasured, QueueCounted, SweepAwaited
from s3mover.observe.handlers import Handlers

# The lag is that of so many objects.
KEPT = 1000
_EVENT = "event"


class SourceEventState:
    """The state of the events; there is none until the queue was counted, which begins with receiving."""

    def __init__(self) -> None:
        self._queue: QueueCounted | None = None
        self._received = self._moved = 0
        self._lags: deque[float] = deque(maxlen=KEPT)
        self._problem = ""
        self._interval: float | None = None

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        return {
            EventsReceived: self._events_received,
            LagMeasured: self._lag_measured,
            QueueCounted: self._counted,
            EventsFailed: self._failed,
            SweepAwaited: self._awaited,
        }

    def as_dict(self) -> dict[str, object] | None:
        """Return what `/status` shows; None where no events are received."""
        if self._queue is None:
            return None
        lags = sorted(self._lags)
        return {
            "received": self._received,
            "moved": self._moved,
            "lag_seconds": _at(lags, 0.5),
            "lag_p99_seconds": _at(lags, 0.99),
            "waiting": self._queue.visible,
            "dead_letters": self._queue.dead_letter,
            "oldest_seconds": round(self._queue.oldest, 3),
            "sweep_interval_seconds": self._interval,
            "problem": self._problem,
        }

    def _events_received(self, event: EventsReceived) -> None:
        self._received += event.events
        self._problem = ""

    def _lag_measured(self, event: LagMeasured) -> None:
        if event.via == _EVENT:
            self._moved += len(event.seconds)
            self._lags.extend(event.seconds)

    def _counted(self, event: QueueCounted) -> None:
        self._queue = event
        if event.visible is not None:
            self._problem = ""

    def _failed(self, event: EventsFailed) -> None:
        self._problem = event.message

    def _awaited(self, event: SweepAwaited) -> None:
        if not event.failed_in_a_row:
            self._interval = event.seconds


def _at(lags: Sequence[float], share: float) -> float | None:
    return round(lags[min(len(lags) - 1, int(share * len(lags)))], 3) if lags else None
