"""Updates the metrics of the daemon from events: workers, lease, audit database, pause, window, reloads."""

import math
from threading import Lock

from s3mover.events import (
    AnchorFailed,
    AuditRestored,
    AuditRowsWritten,
    AuditUnavailable,
    DaemonPaused,
    DaemonResumed,
    DaemonStarted,
    DaemonStopped,
    LeaseAcquired,
    LeaseWaiting,
    MachineStarted,
    RouteFailed,
    SealsAnchored,
    SealWritten,
    SettingsInvalid,
    SettingsReloaded,
    WindowClosed,
    WindowOpened,
    WorkerDied,
    WorkerStarted,
)
from s3mover.model import Side, Status
from s3mover.observe.handlers import Handlers
from s3mover.observe.metrics.definitions import Metrics
from s3mover.observe.metrics.labels import BoundedLabel


class DaemonMetrics:
    """The handlers of events that concern the daemon; safe to use from several threads."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._restart = BoundedLabel()
        self._lock = Lock()
        self._threads: dict[int, int] = {}  # by worker
        self._audit_up = self._holds_lease = self._is_machine = False
        metrics.window_open.set(1)
        metrics.threads.set_function(self.threads)
        metrics.processes.set_function(lambda: len(self._threads))
        metrics.audit_up.set_function(lambda: self._audit_up)
        # The lease is held by the connection that writes the trail, so it is lost with the database.
        metrics.leader.set_function(
            lambda: math.nan if self._is_machine else self._holds_lease and self._audit_up
        )

    def threads(self) -> int:
        """Return the number of threads of all workers."""
        with self._lock:
            return sum(self._threads.values())

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        metrics = self._metrics
        return {
            WorkerStarted: self._worker_started,
            WorkerDied: self._worker_died,
            AuditRowsWritten: self._rows_written,
            SealWritten: lambda _: metrics.seals.inc(),
            SealsAnchored: self._seals_anchored,
            AnchorFailed: self._seals_anchored,
            AuditUnavailable: self._audit_unavailable,
            AuditRestored: self._audit_restored,
            LeaseAcquired: self._lease_acquired,
            LeaseWaiting: self._lease_waiting,
            MachineStarted: self._machine_started,
            RouteFailed: self._route_failed,
            DaemonStarted: self._daemon_started,
            DaemonStopped: self._daemon_stopped,
            DaemonPaused: lambda _: metrics.paused.set(1),
            DaemonResumed: lambda _: metrics.paused.set(0),
            WindowClosed: lambda _: metrics.window_open.set(0),
            WindowOpened: lambda _: metrics.window_open.set(1),
            SettingsReloaded: lambda _: metrics.reloads.labels(Status.SUCCESS).inc(),
            SettingsInvalid: lambda _: metrics.reloads.labels(Status.ERROR).inc(),
        }

    def _worker_started(self, event: WorkerStarted) -> None:
        with self._lock:
            self._threads[event.worker] = event.threads

    def _worker_died(self, event: WorkerDied) -> None:
        with self._lock:
            self._threads.pop(event.worker, None)
        self._metrics.restarts.labels(self._restart(event.code)).inc()

    def _rows_written(self, event: AuditRowsWritten) -> None:
        self._audit_up = True
        self._metrics.audit_rows.inc(event.rows)

    def _seals_anchored(self, event: SealsAnchored | AnchorFailed) -> None:
        self._metrics.seals_waiting.set(event.waiting)

    def _audit_unavailable(self, _event: AuditUnavailable) -> None:
        self._audit_up = False

    def _audit_restored(self, _event: AuditRestored) -> None:
        self._audit_up = True

    def _lease_acquired(self, _event: LeaseAcquired) -> None:
        self._audit_up = self._holds_lease = True
        self._metrics.failing.set(0)

    def _lease_waiting(self, _event: LeaseWaiting) -> None:
        self._audit_up, self._holds_lease = True, False
        # A standby fails at nothing and is held back by nothing: what it counted were its sweeps as the leader.
        self._metrics.failing.set(0)
        self._metrics.cost_limit.set(0)

    def _machine_started(self, _event: MachineStarted) -> None:
        """Alerts on leaders are not about a machine, nor those on a database that it has not needed yet."""
        self._audit_up = self._is_machine = True

    def _route_failed(self, _event: RouteFailed) -> None:
        self._holds_lease = False

    def _daemon_started(self, event: DaemonStarted) -> None:
        for side in Side:
            self._metrics.limit.labels(side).set(event.threads)

    def _daemon_stopped(self, _event: DaemonStopped) -> None:
        self._holds_lease = False
        with self._lock:
            self._threads.clear()
