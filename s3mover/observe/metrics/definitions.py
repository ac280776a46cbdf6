"""The metrics by name: what each counts, its labels, and those that are known beforehand. Values are `metrics.py`'s.

The contract with dashboards and alerts: names change only by adding. Keys, ETags and messages are never labels.
"""

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

from s3mover.model import Method, Side, Status, SweepStatus

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


class MetricNames:
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
