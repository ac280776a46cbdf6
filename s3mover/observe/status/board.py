"""The status board: follows the events and the heartbeat of the daemon, and answers `/status` and the probes."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from s3mover.events import (
    DeletionsEnded,
    Event,
    ObjectFailed,
    ObjectMoved,
    ObjectsInPlace,
    SweepFinished,
    SweepStarted,
    ThrottleChanged,
)
from s3mover.observe.handlers import Handlers
from s3mover.observe.leader import SeenLeader
from s3mover.observe.status.cluster import ClusterState
from s3mover.observe.status.costs import CostState
from s3mover.observe.status.history import History
from s3mover.observe.status.recent import RecentResults
from s3mover.observe.status.source_events import SourceEventState
from s3mover.observe.status.state import DaemonState
from s3mover.observe.sweep_counter import SweepCounter
from s3mover.observe.text import utc_moment

Exposition = Callable[[str], tuple[bytes, str]]


class StatusBoard:
    """A `Notify`, and the `StatusSource` of the HTTP server; safe to use from several threads.

    Args:
        metrics: returns the response to `/metrics`, for an Accept header.
        hang_after: seconds without a heartbeat after which the process is unhealthy.
        monotonic: a clock that never goes back, for the heartbeat and the rates.
        clock: returns seconds since the epoch, for the times that are shown.
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
        self._last_heartbeat = monotonic()
        self._overdue: Callable[[], float] = lambda: 0.0
        self._lock = Lock()
        self._counter = SweepCounter(monotonic)
        self._cluster = ClusterState(clock)
        self._state = DaemonState(clock, self._cluster)
        self._recent = RecentResults(clock)
        self._history = History()
        self._events = SourceEventState()
        self._costs = CostState()
        self._limits: dict[str, int] = {}
        # What another instance, which leads, last reported; None if it is not known, or this one leads.
        self.leader: SeenLeader | None = None
        self._handlers = _combined(
            self._state.handlers(),
            self._cluster.handlers(),
            self._costs.handlers(),
            self._events.handlers(),
            self._own_handlers(),
        )

    def __call__(self, event: Event) -> None:
        """Follow `event`."""
        self._counter(event)
        handler = self._handlers.get(type(event))
        if handler is not None:
            with self._lock:
                handler(event)

    def heartbeat(self) -> None:
        """Record that the sweep loop is alive; the loop calls this at least every few seconds."""
        self._last_heartbeat = self._monotonic()

    def watch_requests(self, overdue: Callable[[], float]) -> None:
        """Call `overdue` for the seconds by which a request of this process is beyond its deadline, 0 for none."""
        self._overdue = overdue

    def healthy(self) -> tuple[bool, str]:
        """Return whether the sweep loop and the requests of this process make progress, and if not, why."""
        silence = self._monotonic() - self._last_heartbeat
        if silence > self._hang_after:
            return False, f"no heartbeat from the sweep loop for {silence:.0f} s"
        overdue = self._overdue()
        if overdue > 0:
            return False, f"a request to S3 is {overdue:.0f} s beyond its deadline"
        return True, "ok"

    def ready(self) -> tuple[bool, str]:
        """Return whether the daemon has connected, and leads or stands by; with its state and its problem.

        Readiness stays 200 during an outage, because a Service would otherwise stop routing /metrics and /status.
        """
        with self._lock:
            state, problem = self._state.state, self._state.problem
            return self._state.ready, f"{state}: {problem}" if problem else state.value

    def status(self) -> dict[str, object]:
        """Return the content of `/status`; lists have the newest entry first."""
        snapshot = self._counter.snapshot()
        healthy, health = self.healthy()
        with self._lock:
            return {
                "state": self._state.state.value,
                "healthy": healthy,
                "health": health,
                "ready": self._state.ready,
                **self._state.as_dict(sweeping=snapshot.running),
                **self._recent.as_dict(snapshot),
                "limits": dict(self._limits),
                "cost": self._costs.as_dict(),
                "cluster": self._cluster.as_dict(),
                "events": self._events.as_dict(),
                "leader": leader.as_dict(self._monotonic()) if (leader := self.leader) else None,
                "now": utc_moment(self._clock()),
                "history": self._history.as_dict(self._monotonic()),
            }

    def about(self) -> dict[str, object]:
        """Return what concerns all routes of a daemon: state, version, workers, whether it is paused, machines."""
        with self._lock:
            return self._state.about() | {"cluster": self._cluster.as_dict()}

    def _own_handlers(self) -> Handlers:
        return {
            SweepStarted: self._sweep_started,
            SweepFinished: self._sweep_finished,
            ObjectsInPlace: self._recent.in_place,
            DeletionsEnded: self._recent.deletions_ended,
            ObjectMoved: self._moved,
            ObjectFailed: self._failed,
            ThrottleChanged: self._throttle_changed,
        }

    def _sweep_started(self, _event: SweepStarted) -> None:
        self._state.sweep_started()
        self._recent.sweep_started()

    def _sweep_finished(self, event: SweepFinished) -> None:
        self._state.sweep_finished(event)
        self._recent.sweep_finished(event)

    def _moved(self, event: ObjectMoved) -> None:
        self._history.moved(self._monotonic(), event.method, event.size)

    def _failed(self, event: ObjectFailed) -> None:
        self._history.failed(self._monotonic())
        self._recent.failed(event)

    def _throttle_changed(self, event: ThrottleChanged) -> None:
        self._limits[event.side] = event.limit


def _combined(*tables: Handlers) -> Handlers:
    """Return the handlers of all tables; where several have one of an event, all of them are called, in order."""
    combined: Handlers = {}
    for table in tables:
        for kind, handler in table.items():
            combined[kind] = _both(combined[kind], handler) if kind in combined else handler
    return combined


def _both(first: Callable[[Any], None], second: Callable[[Any], None]) -> Callable[[Any], None]:
    def handle(event: Event) -> None:
        first(event)
        second(event)

    return handle
