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
    DaemonPaused,
    DaemonResumed,
    DaemonStarted,
    DaemonStopping,
    Event,
    LeaseAcquired,
    LeaseWaiting,
    ObjectFailed,
    ObjectMoved,
    ObjectsInPlace,
    RouteFailed,
    SweepAwaited,
    SweepFinished,
    SweepStarted,
    ThrottleChanged,
    WindowClosed,
    WindowOpened,
)
from s3mover.model import WAITING, Method, SweepStatus
from s3mover.observe.redaction import redactor
from s3mover.observe.status.history import History
from s3mover.observe.sweep_counter import Snapshot, SweepCounter
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
    PAUSED = "paused"


_READY = frozenset({State.STANDBY, State.IDLE, State.SWEEPING, State.PAUSED})


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
        self._paused = self._window_closed = False
        self._window_opens_at: str | None = None
        self._next_sweep_at: str | None = None
        self._failed_in_a_row = 0
        self._outage = self._failure = ""
        self._sweeps: deque[dict[str, object]] = deque(maxlen=HISTORY)
        self._failures: deque[dict[str, object]] = deque(maxlen=HISTORY)
        self._postponed = 0
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            ObjectMoved: self._moved,
            ThrottleChanged: self._throttled,
            DaemonStarted: self._daemon_started,
            LeaseWaiting: lambda event: self._connected(event, State.STANDBY),
            LeaseAcquired: lambda event: self._connected(event, State.IDLE),
            SweepStarted: self._sweep_started,
            SweepFinished: self._sweep_finished,
            ObjectsInPlace: self._left_out,
            DaemonStopping: lambda _: self._enter(State.STOPPING),
            DaemonPaused: lambda _: self._pause(paused=True),
            DaemonResumed: lambda _: self._pause(paused=False),
            WindowClosed: self._close_window,
            WindowOpened: self._open_window,
            SweepAwaited: self._awaited,
            RouteFailed: self._route_failed,
            ObjectFailed: self._failed,
            AuditUnavailable: lambda event: self._audit(event.message),
            AuditRestored: lambda _: self._audit(""),
        }

    def __call__(self, event: Event) -> None:
        """Follow `event`."""
        self._counter(event)
        handler = self._handlers.get(type(event))
        if handler is not None:
            with self._lock:
                handler(event)

    def heartbeat(self) -> None:
        """Say that the loop is alive; called by the loop, at least every few seconds."""
        self._last_beat = self._monotonic()

    def healthy(self) -> tuple[bool, str]:
        """Tell whether the loop still moves, and why not."""
        silence = self._monotonic() - self._last_beat
        if silence <= self._hang_after:
            return True, "ok"
        return False, f"the loop last moved {silence:.0f} s ago"

    def ready(self) -> tuple[bool, str]:
        """Tell whether the daemon was connected and leads or stands by; its state, and what stands in its way.

        An outage leaves it ready: who asks for its metrics and status through a service needs them most then.
        """
        with self._lock:
            state, problem = self._shown_state(), self._problem()
        return state in _READY, f"{state}: {problem}" if problem else state.value

    def status(self) -> dict[str, object]:
        """Return everything that `/status` shows; newest first in lists."""
        snapshot = self._counter.snapshot()
        healthy, why = self.healthy()
        with self._lock:
            return {
                "state": self._shown_state().value,
                "healthy": healthy,
                "health": why,
                "ready": self._state in _READY,
                **self._about,
                "audit_available": not self._outage,
                "problem": self._problem(),
                "failed_in_a_row": self._failed_in_a_row,
                "paused": self._paused,
                "window_open": not self._window_closed,
                "window_opens_at": self._window_opens_at,
                "next_sweep_at": None if snapshot.running else self._next_sweep_at,
                "sweep": _under_way(snapshot, self._started_at) if snapshot.running else None,
                "sweeps": list(self._sweeps),
                "failures": list(self._failures),
                "limits": dict(self._limits),
                "now": utc_moment(self._clock()),
                "history": self._history.told(self._monotonic()),
            }

    def about(self) -> dict[str, object]:
        """Return what concerns all routes of a daemon: state, version, workers, whether it is paused."""
        with self._lock:
            return {"state": self._shown_state().value, **self._about, "paused": self._paused}

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

    def _shown_state(self) -> State:
        return State.PAUSED if self._paused and self._state is State.IDLE else self._state

    def _problem(self) -> str:
        return self._outage or self._failure

    def _connected(self, event: LeaseAcquired | LeaseWaiting, state: State) -> None:
        self._about = {**self._about, "pair": event.pair}
        self._failure = ""
        self._enter(state)

    def _route_failed(self, event: RouteFailed) -> None:
        self._failure = redactor.clean(event.message)
        self._enter(State.STARTING)

    def _audit(self, outage: str) -> None:
        self._outage = redactor.clean(outage)

    def _pause(self, *, paused: bool) -> None:
        self._paused = paused

    def _close_window(self, event: WindowClosed) -> None:
        self._window_closed = True
        self._window_opens_at = None if event.opens_at is None else utc_moment(event.opens_at)

    def _open_window(self, _event: WindowOpened) -> None:
        self._window_closed, self._window_opens_at = False, None

    def _awaited(self, event: SweepAwaited) -> None:
        self._failed_in_a_row = event.failed_in_a_row
        self._next_sweep_at = utc_moment(self._clock() + event.seconds)

    def _left_out(self, event: ObjectsInPlace) -> None:
        if event.reason == WAITING:
            self._postponed += event.objects

    def _sweep_started(self, _event: SweepStarted) -> None:
        self._postponed = 0
        self._started_at = utc_moment(self._clock())
        self._enter(State.SWEEPING)

    def _sweep_finished(self, event: SweepFinished) -> None:
        self._enter(State.IDLE)
        failed = event.status is SweepStatus.FAILED
        self._failure = redactor.clean(event.message) if failed else ""
        self._sweeps.appendleft(
            {
                "sweep": event.sweep,
                "status": event.status,
                "ended_at": utc_moment(event.ended_at),
                "seconds": round(event.seconds, 6),
                **asdict(event.tally),
                "postponed": self._postponed,
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
