"""The status board: what the daemon is doing, for people and probes; `http.py` hands it out.

It follows events and a heartbeat, and decides nothing.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from threading import Lock
from typing import Any

from s3mover.events import (
    AuditRestored,
    AuditUnavailable,
    DaemonStarted,
    DaemonStopping,
    Event,
    LeaseAcquired,
    LeaseWaiting,
    ObjectFailed,
    ObjectMoved,
    SweepFinished,
    SweepStarted,
    ThrottleChanged,
)
from s3mover.model import Method
from s3mover.observe.counting import Snapshot, SweepCounter
from s3mover.observe.history import History
from s3mover.observe.redaction import redactor
from s3mover.observe.text import utc_moment

HISTORY = 20
"""How many sweeps and how many failures are remembered."""

Exposition = Callable[[str], tuple[bytes, str]]


class State(StrEnum):
    """What the daemon is doing."""

    STARTING = "starting"
    STANDBY = "standby"
    IDLE = "idle"
    SWEEPING = "sweeping"
    STOPPING = "stopping"


_READY = frozenset({State.STANDBY, State.IDLE, State.SWEEPING})


class StatusBoard:
    """A `Notify`, and the `StatusSource` of the HTTP server; safe to use from several threads.

    Args:
        metrics: what answers `/metrics`, given an Accept header.
        hang_after: seconds without a heartbeat after which the loop counts as hanging.
        monotonic: seconds that never go back, for the heartbeat and the rates.
        clock: seconds since the epoch, for what is shown.
    """

    def __init__(
        self,
        metrics: Exposition,
        hang_after: float,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.metrics = metrics
        self._hang_after = hang_after
        self._monotonic = monotonic
        self._clock = clock
        self._lock = Lock()
        self._counter = SweepCounter(monotonic)
        self._history = History()
        self._limits: dict[str, int] = {}
        self._state = State.STARTING
        self._last_beat = monotonic()
        self._started_at = ""
        self._about: dict[str, object] = {"version": "", "pair": ""}
        self._audit_available = True
        self._sweeps: deque[dict[str, object]] = deque(maxlen=HISTORY)
        self._failures: deque[dict[str, object]] = deque(maxlen=HISTORY)
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            ObjectMoved: self._moved,
            ThrottleChanged: self._throttled,
            DaemonStarted: self._daemon_started,
            LeaseWaiting: lambda _: self._enter(State.STANDBY),
            LeaseAcquired: lambda _: self._enter(State.IDLE),
            SweepStarted: self._sweep_started,
            SweepFinished: self._sweep_finished,
            DaemonStopping: lambda _: self._enter(State.STOPPING),
            ObjectFailed: self._failed,
            AuditUnavailable: lambda _: self._audit(available=False),
            AuditRestored: lambda _: self._audit(available=True),
        }

    def __call__(self, event: Event) -> None:
        """Follow `event`."""
        self._counter(event)
        handler = self._handlers.get(type(event))
        if handler is not None:
            with self._lock:
                handler(event)

    def beat(self) -> None:
        """Say that the loop is alive; called by the loop, at least every few seconds."""
        self._last_beat = self._monotonic()

    def healthy(self) -> tuple[bool, str]:
        """Tell whether the loop still moves, and why not."""
        silence = self._monotonic() - self._last_beat
        if silence <= self._hang_after:
            return True, "ok"
        return False, f"the loop last moved {silence:.0f} s ago"

    def ready(self) -> tuple[bool, str]:
        """Tell whether the daemon is connected and leads or stands by, and its state."""
        return self._state in _READY, self._state.value

    def status(self) -> dict[str, object]:
        """Return everything that `/status` shows; newest first in lists."""
        snapshot = self._counter.snapshot()
        healthy, why = self.healthy()
        with self._lock:
            return {
                "state": self._state.value,
                "healthy": healthy,
                "health": why,
                "ready": self._state in _READY,
                **self._about,
                "audit_available": self._audit_available,
                "sweep": _under_way(snapshot, self._started_at) if snapshot.running else None,
                "sweeps": list(self._sweeps),
                "failures": list(self._failures),
                "limits": dict(self._limits),
                "now": utc_moment(self._clock()),
                "history": self._history.told(self._monotonic()),
            }

    def _enter(self, state: State) -> None:
        """Go to `state`; what is stopping stays so, whatever ends meanwhile."""
        if self._state is not State.STOPPING:
            self._state = state

    def _throttled(self, event: ThrottleChanged) -> None:
        self._limits[event.side] = event.limit

    def _daemon_started(self, event: DaemonStarted) -> None:
        self._about = {
            "version": event.version,
            "pair": event.pair,
            "processes": event.processes,
            "threads": event.threads,
        }

    def _audit(self, *, available: bool) -> None:
        self._audit_available = available

    def _sweep_started(self, _event: SweepStarted) -> None:
        self._started_at = utc_moment(self._clock())
        self._enter(State.SWEEPING)

    def _sweep_finished(self, event: SweepFinished) -> None:
        self._enter(State.IDLE)
        self._sweeps.appendleft(
            {
                "sweep": event.sweep,
                "status": event.status,
                "ended_at": utc_moment(event.ended_at),
                "seconds": round(event.seconds, 6),
                **asdict(event.tally),
                "summary": event.summary,
                "message": redactor.clean(event.message),
            }
        )

    def _moved(self, event: ObjectMoved) -> None:
        count = self._history.streamed if event.method is Method.STREAMING else self._history.copied
        count(self._monotonic(), event.size)

    def _failed(self, event: ObjectFailed) -> None:
        self._history.failed(self._monotonic())
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


def _under_way(snapshot: Snapshot, started_at: str) -> dict[str, object]:
    eta = snapshot.eta_seconds
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
        "progress": None if snapshot.progress is None else round(snapshot.progress, 4),
    }
