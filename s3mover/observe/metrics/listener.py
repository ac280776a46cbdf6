"""The listener that keeps the metrics of one run.

The backlog, the progress and the transfers in progress are computed from a `SweepCounter` at each scrape.
"""

import math
import time
from collections.abc import Callable, Iterable

from prometheus_client import Metric

from s3mover.events import Event
from s3mover.observe.leader import SeenLeader
from s3mover.observe.metrics.daemon import DaemonMetrics
from s3mover.observe.metrics.definitions import Metrics
from s3mover.observe.metrics.exposition import exposition
from s3mover.observe.metrics.leader import LeaderCollector
from s3mover.observe.metrics.machines import MachineMetrics
from s3mover.observe.metrics.source_events import SourceEventMetrics
from s3mover.observe.metrics.transfers import TransferMetrics
from s3mover.observe.sweep_counter import SweepCounter


class MetricsListener:
    """A `Notify` that keeps the metrics of one run; safe to use from several threads.

    Args:
        version: the program's version, for `s3mover_build_info`.
        clock: returns seconds since the epoch.
    """

    def __init__(self, version: str, clock: Callable[[], float] = time.time) -> None:
        self._metrics = Metrics()
        self._clock = clock
        self._counter = SweepCounter()
        self._daemon = DaemonMetrics(self._metrics)
        self._handlers = (
            TransferMetrics(self._metrics, clock).handlers()
            | self._daemon.handlers()
            | MachineMetrics(self._metrics).handlers()
            | SourceEventMetrics(self._metrics).handlers()
        )
        self._metrics.build.info({"version": version})
        # What another instance, which leads, last reported.
        self.leader: SeenLeader | None = None
        self._metrics.registry.register(LeaderCollector(lambda: self.leader))
        self._compute_at_scrape()

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        self._counter(event)
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, for an Accept header."""
        return exposition(self._metrics.registry, accept)

    def collect(self) -> Iterable[Metric]:
        """Return the families with their values, always the same families in the same order."""
        return self._metrics.registry.collect()

    def _compute_at_scrape(self) -> None:
        metrics, snapshot = self._metrics, self._counter.snapshot
        metrics.backlog_objects.set_function(lambda: snapshot().waiting)
        metrics.backlog_bytes.set_function(lambda: snapshot().waiting_bytes)
        metrics.oldest.set_function(self._oldest_age)
        metrics.progress.set_function(lambda: _or_nan(snapshot().progress))
        metrics.eta.set_function(lambda: _or_nan(snapshot().eta_seconds))
        metrics.inflight.set_function(lambda: min(snapshot().waiting, self._daemon.threads()))

    def _oldest_age(self) -> float:
        oldest = self._counter.snapshot().oldest
        return 0.0 if oldest is None else max(0.0, self._clock() - oldest)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
