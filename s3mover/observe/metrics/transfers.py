"""Updates the metrics of transfers, sweeps and S3 requests from events."""

import math
from collections.abc import Callable

from s3mover.costs.money import usd
from s3mover.events import (
    CostCounted,
    DeletionsEnded,
    DeletionsRefused,
    ObjectDeleted,
    ObjectFailed,
    ObjectFallback,
    ObjectKept,
    ObjectMoved,
    ObjectReduced,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    RequestLimitMoved,
    RequestsMade,
    SweepAwaited,
    SweepFinished,
    ThrottleChanged,
)
from s3mover.model import Method, Status
from s3mover.observe.handlers import Handlers
from s3mover.observe.metrics.definitions import NO_METHOD, REFUSED, Metrics
from s3mover.observe.metrics.labels import BoundedLabel


class TransferMetrics:
    """The handlers of events that a sweep and its workers announce; `clock` returns seconds since the epoch."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._failure, self._fallback, self._skip = BoundedLabel(), BoundedLabel(), BoundedLabel()
        self._operation, self._code = BoundedLabel(), BoundedLabel()
        self._by_method = {method: _MethodSeries(metrics, method) for method in Method}

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        return {
            ObjectMoved: self._moved,
            ObjectFailed: self._failed,
            ObjectFallback: self._fell_back,
            ObjectReduced: self._reduced,
            ObjectSkipped: self._skipped,
            ObjectsInPlace: self._in_place,
            ObjectsListed: self._listed,
            ObjectDeleted: lambda _: self._metrics.deletions.labels(Status.SUCCESS).inc(),
            ObjectKept: lambda _: self._metrics.deletions.labels(Status.ERROR).inc(),
            DeletionsRefused: self._deletions_refused,
            DeletionsEnded: self._deletions_ended,
            SweepFinished: self._sweep_finished,
            SweepAwaited: self._sweep_awaited,
            RequestsMade: self._requests_made,
            CostCounted: self._cost_counted,
            ThrottleChanged: self._throttle_changed,
            RequestLimitMoved: self._request_limit_changed,
        }

    def _moved(self, event: ObjectMoved) -> None:
        series = self._by_method[event.method]
        series.succeeded.inc()
        series.bytes.inc(event.size)
        series.duration.observe(event.seconds)

    def _failed(self, event: ObjectFailed) -> None:
        self._metrics.objects.labels(event.method or NO_METHOD, Status.ERROR).inc()
        self._metrics.failures.labels(self._failure(event.code)).inc()

    def _fell_back(self, event: ObjectFallback) -> None:
        self._metrics.fallbacks.labels(self._fallback(event.code)).inc()

    def _reduced(self, event: ObjectReduced) -> None:
        for name in event.properties:
            self._metrics.lost.labels(name).inc()

    def _skipped(self, event: ObjectSkipped) -> None:
        self._metrics.skipped.labels(self._skip(event.code)).inc()

    def _in_place(self, event: ObjectsInPlace) -> None:
        self._metrics.skipped.labels(self._skip(event.reason)).inc(event.objects)

    def _listed(self, event: ObjectsListed) -> None:
        self._metrics.listed.labels(event.side).inc(event.objects)

    def _deletions_refused(self, event: DeletionsRefused) -> None:
        self._metrics.deletions.labels(REFUSED).inc(event.objects)

    def _deletions_ended(self, event: DeletionsEnded) -> None:
        self._metrics.deletion_candidates.set(event.counts.waiting + event.counts.confirmed)

    def _sweep_finished(self, event: SweepFinished) -> None:
        self._metrics.sweeps.labels(event.status).inc()
        self._metrics.sweep_duration.observe(event.seconds)
        self._metrics.audit_wait.inc(event.outage_seconds or 0.0)
        self._metrics.last_sweep.labels(event.status).set(event.ended_at)

    def _sweep_awaited(self, event: SweepAwaited) -> None:
        self._metrics.failing.set(event.failed_in_a_row)
        self._metrics.next_sweep.set(self._clock() + event.seconds)

    def _requests_made(self, event: RequestsMade) -> None:
        labels = (event.side, self._operation(event.operation), self._code(event.code))
        self._metrics.requests.labels(*labels).inc(event.requests)

    def _cost_counted(self, event: CostCounted) -> None:
        for kind, amount in event.added.items():
            # Shares of the classes are known better as a sweep goes on, so that a kind may become cheaper.
            self._metrics.cost.labels(kind).inc(max(0.0, usd(amount)))
        self._metrics.cost_limit.set(bool(event.blocked_by))

    def _throttle_changed(self, event: ThrottleChanged) -> None:
        self._metrics.throttled.labels(event.side).inc(event.refused)
        self._metrics.limit.labels(event.side).set(event.limit)

    def _request_limit_changed(self, event: RequestLimitMoved) -> None:
        self._metrics.request_limit.labels(event.side).set(event.rate or math.inf)


class _MethodSeries:
    """The series of one method, looked up only once because each object updates them."""

    def __init__(self, metrics: Metrics, method: Method) -> None:
        self.succeeded = metrics.objects.labels(method, Status.SUCCESS)
        self.bytes = metrics.bytes.labels(method)
        self.duration = metrics.duration.labels(method)
