"""The last sweeps and failures, and the current sweep, as `/status` shows them.

Not safe to use from several threads: the board holds a lock.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict

from s3mover.events import DeletionsEnded, ObjectFailed, ObjectsInPlace, SweepFinished
from s3mover.model import WAITING, DeletionCounts
from s3mover.observe.redaction import redactor
from s3mover.observe.sweep_counter import Snapshot
from s3mover.observe.text import utc_moment

KEPT = 20
"""The number of sweeps, and of failures, that are kept."""


class RecentResults:
    """The last sweeps and failures, newest first; `clock` returns seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started_at = ""
        self._postponed = 0
        self._deletions: DeletionCounts | None = None
        self._sweeps: deque[dict[str, object]] = deque(maxlen=KEPT)
        self._failures: deque[dict[str, object]] = deque(maxlen=KEPT)

    def as_dict(self, snapshot: Snapshot) -> dict[str, object]:
        """Return the current sweep, None between sweeps, the last sweeps and the last failures."""
        return {
            "sweep": _current_sweep(snapshot, self._started_at) if snapshot.running else None,
            "sweeps": list(self._sweeps),
            "failures": list(self._failures),
        }

    def sweep_started(self) -> None:
        """Note the start of a sweep."""
        self._postponed = 0
        self._deletions = None
        self._started_at = utc_moment(self._clock())

    def in_place(self, event: ObjectsInPlace) -> None:
        """Count the objects that the sweep leaves out because they failed before and wait for a retry."""
        if event.reason == WAITING:
            self._postponed += event.objects

    def deletions_ended(self, event: DeletionsEnded) -> None:
        """Note what became of the objects that only the destination has."""
        self._deletions = event.counts

    def sweep_finished(self, event: SweepFinished) -> None:
        """Keep a finished sweep."""
        self._sweeps.appendleft(
            {
                "sweep": event.sweep,
                "status": event.status,
                "ended_at": utc_moment(event.ended_at),
                "seconds": round(event.seconds, 6),
                "outage_seconds": round(event.outage_seconds or 0.0, 6),
                **asdict(event.tally),
                "postponed": self._postponed,
                "deletions": None if self._deletions is None else asdict(self._deletions),
                "cost_usd": event.cost_usd,
                "summary": event.summary,
                "message": redactor.clean(event.message),
            }
        )

    def failed(self, event: ObjectFailed) -> None:
        """Keep a failure."""
        self._failures.appendleft(
            {
                "at": utc_moment(self._clock()),
                "sweep": event.sweep,
                "key": event.key,
                "method": event.method,
                "size": event.size,
                "attempts": event.attempts,
                "code": event.code,
                "message": redactor.clean(event.message),
            }
        )


def _current_sweep(snapshot: Snapshot, started_at: str) -> dict[str, object]:
    eta, progress = snapshot.eta_seconds, snapshot.progress
    return {
        "sweep": snapshot.sweep,
        "started_at": started_at,
        "seconds": round(snapshot.seconds, 3),
        "listing": snapshot.listing,
        **asdict(snapshot.tally),
        "waiting": snapshot.waiting,
        "waiting_bytes": snapshot.waiting_bytes,
        "objects_per_second": round(snapshot.objects_per_second, 2),
        "bytes_per_second": round(snapshot.bytes_per_second),
        "eta_seconds": None if eta is None else round(eta, 1),
        "progress": None if progress is None else round(progress, 4),
    }
