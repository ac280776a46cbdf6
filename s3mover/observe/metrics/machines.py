"""Updates the metrics of machines and ranges from events."""

from s3mover.events import (
    MachineJoined,
    MachineLeft,
    MachineLost,
    RangeRetried,
    RangesCounted,
    SchedulerRestored,
    SchedulerUnavailable,
)
from s3mover.observe.handlers import Handlers
from s3mover.observe.metrics.definitions import RANGE_STATUSES, Metrics


class MachineMetrics:
    """The handlers of events that concern machines and ranges; safe to use from several threads."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        return {
            MachineJoined: self._machines_changed,
            MachineLeft: self._machines_changed,
            MachineLost: self._machines_changed,
            SchedulerUnavailable: self._scheduler_unavailable,
            SchedulerRestored: lambda _: self._metrics.scheduler_up.set(1),
            RangesCounted: self._ranges_counted,
            RangeRetried: lambda _: self._metrics.range_retries.inc(),
        }

    def _machines_changed(self, event: MachineJoined | MachineLeft | MachineLost) -> None:
        self._metrics.scheduler_up.set(1)
        self._metrics.machines.set(event.machines)

    def _scheduler_unavailable(self, _event: SchedulerUnavailable) -> None:
        self._metrics.scheduler_up.set(0)
        self._metrics.machines.set(0)

    def _ranges_counted(self, event: RangesCounted) -> None:
        for status in RANGE_STATUSES:
            self._metrics.ranges.labels(status).set(getattr(event, status))
