"""The definitions of all metrics: names, help texts, labels, buckets, and the series that exist from the start.

Dashboards and alerts rely on the names: they are only ever added to. Keys, ETags and messages are never labels.
`listener.py` sets the values.
"""

import math
from collections.abc import Iterable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Metric,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from s3mover.costs.billing import Kind
from s3mover.model import Method, Side, Status, SweepStatus
from s3mover.observe.metrics.process_tree import ProcessTreeCollector
from s3mover.observe.output import dropped_log_lines

NO_METHOD = "none"
"""The label `method` of a transfer that failed before a method was chosen."""

REFUSED = "refused"
"""The label `status` of deletions that a limit, or an empty source, forbids."""

# What all routes share has no label `route`. These are the library's names: a counter's are without `_total`.
PROCESS_WIDE = frozenset(
    f"s3mover_{name}"
    for name in (
        "threads",
        "worker_processes",
        "worker_restarts",
        "settings_reloads",
        "log_lines_dropped",
        "cpu_seconds",
        "memory_bytes",
        "build",
    )
)

# From the fastest copy of a small object to a large object in parts.
_TRANSFER_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
)  # fmt: skip
# From an event that is moved at once to an object that waited for years before the first sweep.
_LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600)
# From a sweep with nothing to move to the first sweep of a large bucket.
_SWEEP_BUCKETS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600)

# The codes of docs/runbook.md, and S3's codes for refused credentials: alerts must see the first increase of each.
_FAILURES = (
    "AccessDenied", "BadDigest", "ConnectionError", "EntityTooLarge", "IncompleteBody", "InternalError",
    "PreconditionFailed", "ServiceUnavailable", "SlowDown", "Timeout", "VerificationError", "WorkerDied",
)  # fmt: skip
_REFUSED_CREDENTIALS = (
    "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
)  # fmt: skip
_PROPERTIES = ("storage_class", "tags", "acl", "object_lock", "redirect", "metadata")
_SKIP_REASONS = (
    "in_place",
    "filtered",
    "too_young",
    "waiting",
    "unusable_key",
    "by_events",
    "InvalidObjectState",
)
# Killed, mostly for its memory; crashed in native code; ended by an error; hung, as a whole or in one thread.
_RESTART_REASONS = ("exit -9", "exit -11", "exit -6", "exit 1", "silent", "stuck")
_OPERATIONS = {
    Side.SOURCE: (
        "ListObjectsV2", "HeadObject", "GetObject", "GetObjectTagging", "DeleteObject", "DeleteObjects",
    ),
    Side.DESTINATION: (
        "ListObjectsV2", "HeadObject", "CopyObject", "PutObject", "PutObjectTagging", "CreateMultipartUpload",
        "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload",
    ),
}  # fmt: skip
RANGE_STATUSES = ("waiting", "running", "completed")
QUEUE_STATES = ("visible", "in_flight", "delayed", "dead_letter")
_EVENT_KINDS = ("created", "restored", "removed", "test", "foreign", "other", "unreadable")
_SWEEP_ENDS = (SweepStatus.COMPLETED, SweepStatus.FAILED, SweepStatus.INTERRUPTED)


class _DroppedLogLines(Collector):
    """Counts at each scrape: nothing else could announce it while the log is stuck."""

    def collect(self) -> Iterator[Metric]:
        """Yield the family."""
        yield CounterMetricFamily(
            "s3mover_log_lines_dropped",
            "Lines of the log that were dropped because its output was not read.",
            value=dropped_log_lines.count,
        )


class Metrics:
    """All metrics, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=False)
        self._define_transfers()
        self._define_sweeps()
        self._define_deletions()
        self._define_backlog()
        self._define_workers()
        self._define_machines()
        self._define_source_events()
        self._define_requests()
        self._define_daemon()
        self._start_at_zero()

    def _define_transfers(self) -> None:
        self.objects = self._counter("objects", "Transfers that ended.", "method", "status")
        self.bytes = self._counter("bytes", "Bytes of the objects that were moved.", "method")
        self.duration = self._histogram(
            "transfer_duration_seconds", "Duration of a successful transfer.", _TRANSFER_BUCKETS, "method"
        )
        self.failures = self._counter("failures", "Failed transfers, by error code.", "code")
        self.fallbacks = self._counter(
            "fallbacks", "Objects that were streamed because a server-side copy was refused.", "reason"
        )
        self.lost = self._counter(
            "properties_lost", "Properties of moved objects that the destination could not store.", "property"
        )

    def _define_sweeps(self) -> None:
        self.listed = self._counter("objects_listed", "Objects listed.", "side")
        self.skipped = self._counter("objects_skipped", "Objects that needed no transfer.", "reason")
        self.sweeps = self._counter("sweeps", "Sweeps that ended.", "status")
        self.sweep_duration = self._histogram(
            "sweep_duration_seconds", "Duration of a sweep.", _SWEEP_BUCKETS
        )
        self.last_sweep = self._gauge(
            "last_sweep_timestamp_seconds", "End of the last sweep with this status; NaN before it.", "status"
        )
        self.next_sweep = self._gauge("next_sweep_timestamp_seconds", "When the next sweep is due.")
        self.failing = self._gauge(
            "sweeps_failed_in_a_row", "Failed sweeps since the last one that did not fail."
        )

    def _define_deletions(self) -> None:
        self.deletions = self._counter(
            "deletions",
            "Deletions at the destination; refused counts those above a limit, in every sweep.",
            "status",
        )
        self.deletion_candidates = self._gauge(
            "deletion_candidates",
            "Objects that only the destination has, and that wait for their deletion or its confirmation.",
        )

    def _define_backlog(self) -> None:
        self.backlog_objects = self._gauge("backlog_objects", "Planned transfers that have not ended.")
        self.backlog_bytes = self._gauge("backlog_bytes", "Bytes of planned transfers that have not ended.")
        self.oldest = self._gauge(
            "oldest_waiting_seconds",
            "Upper bound of the age of the oldest object that waits for its transfer.",
        )
        self.progress = self._gauge(
            "sweep_progress_ratio", "Completed share of the current sweep; NaN if it is unknown."
        )
        self.eta = self._gauge(
            "eta_seconds", "Estimated time to the end of the current sweep; NaN if unknown."
        )
        self.inflight = self._gauge("inflight_transfers", "Transfers in progress.")

    def _define_workers(self) -> None:
        self.threads = self._gauge("threads", "Transfer threads of all workers.")
        self.processes = self._gauge("worker_processes", "Running worker processes.")
        self.restarts = self._counter("worker_restarts", "Workers that died and were replaced.", "reason")

    def _define_machines(self) -> None:
        self.machines = self._gauge("machines", "Machines that take ranges of sweeps.")
        self.scheduler_up = self._gauge(
            "scheduler_up", "1 while the Dask scheduler is reached; NaN if none was ever reached."
        )
        self.ranges = self._gauge("ranges", "Ranges of the running sweep.", "status")
        self.range_retries = self._counter("range_retries", "Ranges that were given out again.")

    def _define_source_events(self) -> None:
        self.lag = self._histogram(
            "lag_seconds", "From the change of an object to the commit of its row.", _LAG_BUCKETS, "via"
        )
        self.events = self._counter("events", "Events of the source that were received.", "kind")
        self.event_errors = self._counter(
            "event_errors", "Unreadable messages, and failures to receive messages or to look at objects."
        )
        self.queue_messages = self._gauge(
            "event_queue_messages", "Messages of the queue; NaN where they are not counted.", "state"
        )
        self.oldest_message = self._gauge(
            "event_oldest_message_seconds", "Age of the oldest message that is worked on; 0 without one."
        )

    def _define_requests(self) -> None:
        self.requests = self._counter("s3_requests", "S3 requests, by response.", "side", "operation", "code")
        self.throttled = self._counter("throttled", "S3 requests that were throttled.", "side")
        self.limit = self._gauge(
            "concurrency_limit", "Upper limit of concurrent S3 requests; NaN before the start.", "side"
        )
        self.cost = self._counter(
            "cost_usd", "What requests, transfer and retrieval cost, in US dollars.", "kind"
        )
        self.cost_limit = self._gauge(
            "cost_limit_reached", "1 while a limit of costs holds back new work, else 0."
        )
        self.request_limit = self._gauge(
            "request_limit", "Adaptive limit of S3 requests per second; +Inf if there is none.", "side"
        )

    def _define_daemon(self) -> None:
        self.audit_rows = self._counter("audit_rows", "Rows written to the audit trail.")
        self.audit_wait = self._counter(
            "audit_wait_seconds", "Time in which sweeps waited for an unavailable audit database."
        )
        self.seals = self._counter("seals", "Seals written to the audit trail, amendments included.")
        self.seals_waiting = self._gauge(
            "seals_waiting_for_anchor", "Seals that audit.anchor does not hold yet; NaN without an anchor."
        )
        self.audit_up = self._gauge("audit_up", "1 while the audit database is available.")
        self.leader = self._gauge("leader", "1 while this instance holds the lease on its buckets.")
        self.paused = self._gauge("paused", "1 while no new work starts because of s3mover pause.")
        self.window_open = self._gauge("window_open", "1 while sweep.windows permits new work.")
        self.reloads = self._counter("settings_reloads", "Reloads of the settings, by result.", "status")
        self.registry.register(_DroppedLogLines())
        self.registry.register(ProcessTreeCollector())
        self.build = Info("s3mover_build", "Version of s3mover.", registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"s3mover_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"s3mover_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"s3mover_{name}", text, labels, buckets=buckets, registry=self.registry)

    def _start_at_zero(self) -> None:
        """Create the known series: `rate()` does not see the first increase of a series that appears with it."""
        for method in Method:
            self.bytes.labels(method)
            self.duration.labels(method)
            _create(self.objects, ((method, status) for status in (Status.SUCCESS, Status.ERROR)))
        self.objects.labels(NO_METHOD, Status.ERROR)
        _create(self.failures, ((code,) for code in _FAILURES))
        self.fallbacks.labels("AccessDenied")
        _create(self.lost, ((name,) for name in _PROPERTIES))
        _create(self.skipped, ((reason,) for reason in _SKIP_REASONS))
        _create(self.sweeps, ((end,) for end in _SWEEP_ENDS))
        for end in _SWEEP_ENDS:
            self.last_sweep.labels(end).set(math.nan)
        _create(self.restarts, ((reason,) for reason in _RESTART_REASONS))
        _create(self.deletions, ((status,) for status in (Status.SUCCESS, Status.ERROR, REFUSED)))
        _create(self.reloads, ((status,) for status in (Status.SUCCESS, Status.ERROR)))
        for status in RANGE_STATUSES:
            self.ranges.labels(status)
        _create(self.events, ((kind,) for kind in _EVENT_KINDS))
        for state in QUEUE_STATES:
            self.queue_messages.labels(state).set(math.nan)
        for via in ("event", "sweep"):
            self.lag.labels(via)
        self.scheduler_up.set(math.nan)
        self.seals_waiting.set(math.nan)
        self._start_requests_at_zero()

    def _start_requests_at_zero(self) -> None:
        for side in Side:
            self.listed.labels(side)
            self.throttled.labels(side)
            self.limit.labels(side).set(math.nan)
            self.request_limit.labels(side).set(math.inf)
            _create(self.requests, ((side, operation, "200") for operation in _OPERATIONS[side]))
            _create(self.requests, ((side, "ListObjectsV2", code) for code in _REFUSED_CREDENTIALS))
        _create(self.cost, ((kind,) for kind in Kind))


def _create(counter: Counter, series: Iterable[tuple[str, ...]]) -> None:
    for labels in series:
        counter.labels(*labels)
