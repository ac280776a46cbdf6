"""The metrics' values: the listener that keeps them, and how they are told. Their names are in `catalogue.py`.

Keys, ETags and messages are never labels. What waits and how many are in flight is asked of a `SweepCounter` at
the moment of the scrape.
"""

import math
import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from prometheus_client import Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from s3mover.events import (
    AuditRestored,
    AuditRowsWritten,
    AuditUnavailable,
    DaemonPaused,
    DaemonResumed,
    DaemonStarted,
    DaemonStopped,
    Event,
    LeaseAcquired,
    LeaseWaiting,
    ObjectFailed,
    ObjectFallback,
    ObjectMoved,
    ObjectReduced,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    RequestLimitMoved,
    RequestsMade,
    RouteFailed,
    SettingsInvalid,
    SettingsReloaded,
    SweepAwaited,
    SweepFinished,
    ThrottleChanged,
    WindowClosed,
    WindowOpened,
    WorkerDied,
    WorkerStarted,
)
from s3mover.model import Method, Side, Status
from s3mover.observe.metrics.content_negotiation import prefers_openmetrics
from s3mover.observe.metrics.definitions import NO_METHOD, MetricNames
from s3mover.observe.metrics.labels import BoundedLabel
from s3mover.observe.sweep_counter import SweepCounter


class MetricsListener:
    """A `Notify` that keeps the metrics of one run; safe to use from several threads.

    Args:
        version: the program's, for `s3mover_build_info`.
        clock: seconds since the epoch.
    """

    def __init__(self, version: str, clock: Callable[[], float] = time.time) -> None:
        self._catalogue = MetricNames()
        self._clock = clock
        self._counter = SweepCounter()
        self._lock = Lock()
        self._workers: dict[int, int] = {}
        self._audit_up = False
        self._holds_lease = False
        self._fallback, self._skip, self._restart = BoundedLabel(), BoundedLabel(), BoundedLabel()
        self._code, self._operation, self._failure = BoundedLabel(), BoundedLabel(), BoundedLabel()
        self._per_method = {method: _MethodSeries(self._catalogue, method) for method in Method}
        self._handlers = self._table()
        self._catalogue.build.info({"version": version})
        self._ask_at_scrape()

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        self._counter(event)
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, as OpenMetrics where the Accept header prefers it."""
        return exposition(self._catalogue.registry, accept)

    def collect(self) -> Iterable[Metric]:
        """Return the families with their values, always the same ones in the same order."""
        return self._catalogue.registry.collect()

    def _table(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            ObjectMoved: self._moved,
            ObjectFailed: self._failed,
            ObjectFallback: self._fell_back,
            ObjectReduced: self._reduced,
            ObjectSkipped: self._skipped,
            ObjectsInPlace: self._in_place,
            ObjectsListed: self._listed,
            SweepFinished: self._sweep_finished,
            WorkerStarted: self._worker_started,
            WorkerDied: self._worker_died,
            RequestsMade: self._requests,
            ThrottleChanged: self._throttled,
            RequestLimitMoved: self._limit_moved,
            AuditRowsWritten: self._rows,
            AuditUnavailable: self._audit_lost,
            AuditRestored: self._audit_found,
            RouteFailed: self._route_failed,
            LeaseAcquired: self._leads,
            LeaseWaiting: self._stands_by,
            DaemonPaused: lambda _: self._catalogue.paused.set(1),
            DaemonResumed: lambda _: self._catalogue.paused.set(0),
            WindowClosed: lambda _: self._catalogue.window_open.set(0),
            WindowOpened: lambda _: self._catalogue.window_open.set(1),
            SettingsReloaded: lambda _: self._catalogue.reloads.labels(Status.SUCCESS).inc(),
            SettingsInvalid: lambda _: self._catalogue.reloads.labels(Status.ERROR).inc(),
            SweepAwaited: self._awaited,
            DaemonStarted: self._daemon_started,
            DaemonStopped: self._daemon_stopped,
        }

    def _ask_at_scrape(self) -> None:
        catalogue, snapshot = self._catalogue, self._counter.snapshot
        catalogue.window_open.set(1)
        catalogue.backlog_objects.set_function(lambda: snapshot().waiting)
        catalogue.backlog_bytes.set_function(lambda: snapshot().waiting_bytes)
        catalogue.oldest.set_function(self._oldest_age)
        catalogue.progress.set_function(lambda: _number(snapshot().progress))
        catalogue.eta.set_function(lambda: _number(snapshot().eta_seconds))
        catalogue.inflight.set_function(lambda: min(snapshot().waiting, self._threads()))
        catalogue.threads.set_function(self._threads)
        catalogue.processes.set_function(lambda: len(self._workers))
        catalogue.audit_up.set_function(lambda: self._audit_up)
        # The lease lives in the connection that writes the trail, so it is not held while that is away.
        catalogue.leader.set_function(lambda: self._holds_lease and self._audit_up)

    def _oldest_age(self) -> float:
        oldest = self._counter.snapshot().oldest
        return 0.0 if oldest is None else max(0.0, self._clock() - oldest)

    def _threads(self) -> int:
        with self._lock:
            return sum(self._workers.values())

    def _moved(self, event: ObjectMoved) -> None:
        series = self._per_method[event.method]
        series.succeeded.inc()
        series.bytes.inc(event.size)
        series.duration.observe(event.seconds)

    def _failed(self, event: ObjectFailed) -> None:
        self._catalogue.objects.labels(event.method or NO_METHOD, Status.ERROR).inc()
        self._catalogue.failures.labels(self._failure(event.code)).inc()

    def _fell_back(self, event: ObjectFallback) -> None:
        self._catalogue.fallbacks.labels(self._fallback(event.code)).inc()

    def _reduced(self, event: ObjectReduced) -> None:
        for lost in event.properties:
            self._catalogue.lost.labels(lost).inc()

    def _skipped(self, event: ObjectSkipped) -> None:
        self._catalogue.skipped.labels(self._skip(event.code)).inc()

    def _in_place(self, event: ObjectsInPlace) -> None:
        self._catalogue.skipped.labels(self._skip(event.reason)).inc(event.objects)

    def _listed(self, event: ObjectsListed) -> None:
        self._catalogue.listed.labels(event.side).inc(event.objects)

    def _sweep_finished(self, event: SweepFinished) -> None:
        self._catalogue.sweeps.labels(event.status).inc()
        self._catalogue.sweep_duration.observe(event.seconds)
        self._catalogue.last_sweep.labels(event.status).set(event.ended_at)

    def _awaited(self, event: SweepAwaited) -> None:
        self._catalogue.failing.set(event.failed_in_a_row)
        self._catalogue.next_sweep.set(self._clock() + event.seconds)

    def _worker_started(self, event: WorkerStarted) -> None:
        with self._lock:
            self._workers[event.worker] = event.threads

    def _worker_died(self, event: WorkerDied) -> None:
        with self._lock:
            self._workers.pop(event.worker, None)
        self._catalogue.restarts.labels(self._restart(event.code)).inc()

    def _requests(self, event: RequestsMade) -> None:
        labels = (event.side, self._operation(event.operation), self._code(event.code))
        self._catalogue.requests.labels(*labels).inc(event.requests)

    def _throttled(self, event: ThrottleChanged) -> None:
        self._catalogue.throttled.labels(event.side).inc(event.refused)
        self._catalogue.limit.labels(event.side).set(event.limit)

    def _limit_moved(self, event: RequestLimitMoved) -> None:
        self._catalogue.request_limit.labels(event.side).set(event.rate or math.inf)

    def _rows(self, event: AuditRowsWritten) -> None:
        self._audit_up = True
        self._catalogue.audit_rows.inc(event.rows)

    def _audit_lost(self, _event: AuditUnavailable) -> None:
        self._audit_up = False

    def _audit_found(self, _event: AuditRestored) -> None:
        self._audit_up = True

    def _leads(self, _event: LeaseAcquired) -> None:
        self._audit_up = self._holds_lease = True

    def _stands_by(self, _event: LeaseWaiting) -> None:
        self._audit_up, self._holds_lease = True, False

    def _route_failed(self, _event: RouteFailed) -> None:
        self._holds_lease = False

    def _daemon_started(self, event: DaemonStarted) -> None:
        for side in Side:
            self._catalogue.limit.labels(side).set(event.threads)

    def _daemon_stopped(self, _event: DaemonStopped) -> None:
        self._holds_lease = False
        with self._lock:
            self._workers.clear()


def _number(value: float | None) -> float:
    """Return Prometheus' spelling of what cannot be told."""
    return math.nan if value is None else value


def exposition(families: Collector, accept: str) -> tuple[bytes, str]:
    """Return metrics and their content type, as OpenMetrics where the Accept header prefers it."""
    if prefers_openmetrics(accept):
        return generate_openmetrics(families), OPENMETRICS  # type: ignore[no-untyped-call]
    return generate_latest(families), CONTENT_TYPE_PLAIN_0_0_4


class _MethodSeries:
    """The series of one method, looked up once: they are counted for each object."""

    def __init__(self, catalogue: MetricNames, method: Method) -> None:
        self.succeeded = catalogue.objects.labels(method, Status.SUCCESS)
        self.bytes = catalogue.bytes.labels(method)
        self.duration = catalogue.duration.labels(method)
