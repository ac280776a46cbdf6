"""The metrics: one catalogue of names, and the listener that keeps their values. The only door to prometheus_client.

Keys, ETags and messages are never labels. What waits and how many are in flight is asked of a `SweepCounter` at
the moment of the scrape.
"""

import math
import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Metric,
    disable_created_metrics,
    generate_latest,
)
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
from s3mover.model import Method, Side, Status, SweepStatus
from s3mover.observe.accept import prefers_openmetrics
from s3mover.observe.counting import SweepCounter
from s3mover.observe.labels import BoundedLabel

NO_METHOD = "none"
"""The label `method` of a transfer that failed before any way was tried."""

# What several routes share, so that it has no label `route`; the library's names, without a counter's `_total`.
PROCESS_WIDE = frozenset(
    f"s3mover_{name}"
    for name in ("threads", "worker_processes", "worker_restarts", "paused", "settings_reloads", "build")
)

# From the quickest copy of a small object to a large object in parts.
_TRANSFER_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
)  # fmt: skip
# From a sweep that finds everything in place to the first one over a large bucket.
_SWEEP_BUCKETS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600)

# How transfers fail most often, and how S3 refuses credentials: alerts must see the first increase of each.
_FAILURES = ("AccessDenied", "ConnectionError", "InternalError", "SlowDown", "Timeout")
_REFUSED_CREDENTIALS = (
    "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
)  # fmt: skip


class Catalogue:
    """Every metric under its name, in a registry of its own. Counters stand at 0 for the labels known beforehand."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=False)
        self.objects = self._counter("objects", "Transfers that ended.", "method", "status")
        self.bytes = self._counter("bytes", "Bytes of the objects that were moved.", "method")
        self.duration = self._histogram(
            "transfer_duration_seconds", "Time that moving one object took.", _TRANSFER_BUCKETS, "method"
        )
        self.failures = self._counter(
            "failures", "Transfers that failed, by S3's error code or ours.", "code"
        )
        self.fallbacks = self._counter(
            "fallbacks", "Server-side copies that were not possible and streamed instead.", "reason"
        )
        self.lost = self._counter(
            "properties_lost", "Properties of moved objects that the destination could not keep.", "property"
        )
        self.listed = self._counter("objects_listed", "Objects that were listed.", "side")
        self.skipped = self._counter("objects_skipped", "Objects that needed no transfer.", "reason")
        self.sweeps = self._counter("sweeps", "Sweeps that ended.", "status")
        self.sweep_duration = self._histogram(
            "sweep_duration_seconds", "Time that one sweep took.", _SWEEP_BUCKETS
        )
        self.last_sweep = self._gauge(
            "last_sweep_timestamp_seconds", "When a sweep last ended with this status.", "status"
        )
        self.backlog_objects = self._gauge("backlog_objects", "Planned transfers that have not ended.")
        self.backlog_bytes = self._gauge(
            "backlog_bytes", "Bytes of the planned transfers that have not ended."
        )
        self.oldest = self._gauge(
            "oldest_waiting_seconds", "Age of the oldest object that may still wait for its transfer."
        )
        self.progress = self._gauge(
            "sweep_progress_ratio", "Share of the sweep under way that is done; NaN where it cannot be told."
        )
        self.eta = self._gauge(
            "eta_seconds", "Estimated time to the end of the sweep under way; NaN where it cannot be told."
        )
        self.inflight = self._gauge("inflight_transfers", "Transfers that workers are busy with.")
        self.threads = self._gauge("threads", "Transfer threads of all workers together.")
        self.processes = self._gauge("worker_processes", "Worker processes that live.")
        self.restarts = self._counter("worker_restarts", "Workers that died and were replaced.", "reason")
        self.requests = self._counter("s3_requests", "S3 requests by answer.", "side", "operation", "code")
        self.throttled = self._counter("throttled", "S3 requests that were refused for their rate.", "side")
        self.limit = self._gauge("concurrency_limit", "Requests that may be in flight.", "side")
        self.request_limit = self._gauge(
            "request_limit",
            "Requests per second that the limit found for a side lets through; +Inf where it lets all through.",
            "side",
        )
        self.audit_rows = self._counter("audit_rows", "Rows written to the audit trail.")
        self.audit_up = self._gauge("audit_up", "1 while the audit database answers.")
        self.leader = self._gauge("leader", "1 while this instance holds the lease on its buckets.")
        self.paused = self._gauge("paused", "1 while nothing new begins because somebody paused the work.")
        self.window_open = self._gauge("window_open", "1 while new work may begin by sweep.windows.")
        self.failing = self._gauge(
            "sweeps_failed_in_a_row", "Sweeps that failed since the last one that did not."
        )
        self.next_sweep = self._gauge("next_sweep_timestamp_seconds", "When the next sweep is due.")
        self.reloads = self._counter(
            "settings_reloads",
            "Settings that were read again, by whether they could be worked with.",
            "status",
        )
        self.build = Info("s3mover_build", "What is running.", registry=self.registry)
        self._start_at_zero()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"s3mover_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"s3mover_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"s3mover_{name}", text, labels, buckets=buckets, registry=self.registry)

    def _start_at_zero(self) -> None:
        """A series that first appears at 1 hides its first increase from `rate()`."""
        for method in Method:
            self.bytes.labels(method)
            self.duration.labels(method)
            for status in (Status.SUCCESS, Status.ERROR):
                self.objects.labels(method, status)
        self.objects.labels(NO_METHOD, Status.ERROR)
        for code in _FAILURES:
            self.failures.labels(code)
        self.fallbacks.labels("AccessDenied")
        for lost in ("storage_class", "tags", "acl", "object_lock", "redirect"):
            self.lost.labels(lost)
        for reason in ("in_place", "filtered", "too_young", "waiting", "InvalidObjectState"):
            self.skipped.labels(reason)
        for end in (SweepStatus.COMPLETED, SweepStatus.FAILED, SweepStatus.INTERRUPTED):
            self.sweeps.labels(end)
        self._start_sides_at_zero()

    def _start_sides_at_zero(self) -> None:
        for side in Side:
            self.listed.labels(side)
            self.throttled.labels(side)
            self.request_limit.labels(side).set(math.inf)
            for code in ("200", *_REFUSED_CREDENTIALS):
                self.requests.labels(side, "ListObjectsV2", code)
        for operation in ("CopyObject", "PutObject"):
            self.requests.labels(Side.DESTINATION, operation, "200")
        self.requests.labels(Side.SOURCE, "GetObject", "200")
        for status in (Status.SUCCESS, Status.ERROR):
            self.reloads.labels(status)


class MetricsListener:
    """A `Notify` that keeps the metrics of one run; safe to use from several threads.

    Args:
        version: the program's, for `s3mover_build_info`.
        clock: seconds since the epoch.
    """

    def __init__(self, version: str, clock: Callable[[], float] = time.time) -> None:
        self._catalogue = Catalogue()
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

    def __init__(self, catalogue: Catalogue, method: Method) -> None:
        self.succeeded = catalogue.objects.labels(method, Status.SUCCESS)
        self.bytes = catalogue.bytes.labels(method)
        self.duration = catalogue.duration.labels(method)
