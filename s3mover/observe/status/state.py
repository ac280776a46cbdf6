"""The state of the daemon, followed by events: starting, leading, sweeping, paused, what prevents its work.

Not safe to use from several threads: the board holds a lock.
"""

from collections.abc import Callable
from enum import StrEnum

from s3mover.events import (
    AuditRestored,
    AuditUnavailable,
    DaemonPaused,
    DaemonResumed,
    DaemonStarted,
    DaemonStopping,
    LeaseAcquired,
    LeaseWaiting,
    MachineRegistered,
    RouteFailed,
    SealsAnchored,
    SealWritten,
    SweepAwaited,
    SweepFinished,
    WindowClosed,
    WindowOpened,
)
from s3mover.model import SweepStatus
from s3mover.observe.handlers import Handlers
from s3mover.observe.redaction import redactor
from s3mover.observe.status.cluster import ClusterState
from s3mover.observe.text import summary_line, utc_moment


class State(StrEnum):
    """What the daemon is doing."""

    STARTING = "starting"
    STANDBY = "standby"
    IDLE = "idle"
    SWEEPING = "sweeping"
    STOPPING = "stopping"
    PAUSED = "paused"


_READY = frozenset({State.STANDBY, State.IDLE, State.SWEEPING, State.PAUSED})


class DaemonState:
    """The state of the daemon; `clock` returns seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], cluster: ClusterState) -> None:
        self._clock = clock
        self._cluster = cluster
        self._state = State.STARTING
        self._about: dict[str, object] = {"version": "", "pair": ""}
        self._pause: dict[str, object] | None = None
        self._window_open = True
        self._window_opens_at: str | None = None
        self._next_sweep_at: str | None = None
        self._failed_in_a_row = 0
        self._outage = self._failure = ""
        self._seal: dict[str, object] | None = None
        self._anchored: int | None = None

    @property
    def state(self) -> State:
        """The state that is shown: a pause shows only between sweeps."""
        return State.PAUSED if self._pause and self._state is State.IDLE else self._state

    @property
    def ready(self) -> bool:
        """Whether the daemon has connected, and leads or stands by; an outage of the database leaves it ready."""
        return self.state in _READY

    @property
    def problem(self) -> str:
        """What prevents the work, on one line; empty if nothing does. The log has the whole message."""
        return self._outage or self._failure or self._cluster.problem

    def about(self) -> dict[str, object]:
        """Return what `/status` shows once for all routes."""
        return {"state": self.state.value, **self._about, "paused": self._pause is not None}

    def as_dict(self, *, sweeping: bool) -> dict[str, object]:
        """Return what `/status` shows of the state, apart from its name."""
        return {
            **self._about,
            "audit_available": not self._outage,
            "problem": self.problem,
            "failed_in_a_row": self._failed_in_a_row,
            "paused": self._pause is not None,
            "pause": self._pause,
            "window_open": self._window_open,
            "window_opens_at": self._window_opens_at,
            "next_sweep_at": None if sweeping else self._next_sweep_at,
            "seal": self._seal,
            "anchored_seal": self._anchored,
        }

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        return {
            DaemonStarted: self._daemon_started,
            LeaseWaiting: lambda event: self._connected(event, State.STANDBY),
            LeaseAcquired: lambda event: self._connected(event, State.IDLE),
            DaemonStopping: lambda _: self._enter(State.STOPPING),
            DaemonPaused: self._paused,
            DaemonResumed: self._resumed,
            WindowClosed: self._window_closed,
            WindowOpened: self._window_opened,
            SweepAwaited: self._sweep_awaited,
            RouteFailed: self._route_failed,
            AuditUnavailable: lambda event: self._set_outage(event.message),
            AuditRestored: lambda _: self._set_outage(""),
            SealWritten: self._sealed,
            SealsAnchored: self._seals_anchored,
            MachineRegistered: lambda _: self._enter(State.STANDBY),
        }

    def sweep_started(self) -> None:
        """Enter the state of a running sweep."""
        self._enter(State.SWEEPING)

    def sweep_finished(self, event: SweepFinished) -> None:
        """Enter the idle state; a sweep that failed is the problem until one does not."""
        self._enter(State.IDLE)
        failed = event.status is SweepStatus.FAILED
        self._failure = _one_line(event.message) if failed else ""

    def _enter(self, state: State) -> None:
        """Enter `state`, unless the daemon is stopping, which is final."""
        if self._state is not State.STOPPING:
            self._state = state

    def _daemon_started(self, event: DaemonStarted) -> None:
        self._about = {
            "version": event.version,
            "pair": event.pair,
            "processes": event.processes,
            "threads": event.threads,
        }

    def _connected(self, event: LeaseAcquired | LeaseWaiting, state: State) -> None:
        self._about = {**self._about, "pair": event.pair}
        self._failure, self._failed_in_a_row = "", 0
        self._enter(state)

    def _route_failed(self, event: RouteFailed) -> None:
        self._failure = _one_line(event.message)
        self._enter(State.STARTING)

    def _set_outage(self, message: str) -> None:
        self._outage = _one_line(message)

    def _sealed(self, event: SealWritten) -> None:
        self._seal = {name: getattr(event, name) for name in event.__match_args__}

    def _seals_anchored(self, event: SealsAnchored) -> None:
        self._anchored = event.number or None

    def _paused(self, event: DaemonPaused) -> None:
        self._pause = {
            "paused_at": utc_moment(event.paused_at),
            "by": redactor.clean(event.by),
            "reason": redactor.clean(event.reason),
        }

    def _resumed(self, _event: DaemonResumed) -> None:
        self._pause = None

    def _window_closed(self, event: WindowClosed) -> None:
        self._window_open = False
        self._window_opens_at = None if event.opens_at is None else utc_moment(event.opens_at)

    def _window_opened(self, _event: WindowOpened) -> None:
        self._window_open, self._window_opens_at = True, None

    def _sweep_awaited(self, event: SweepAwaited) -> None:
        self._failed_in_a_row = event.failed_in_a_row
        self._next_sweep_at = utc_moment(self._clock() + event.seconds)


def _one_line(message: str) -> str:
    return summary_line(redactor.clean(message))
