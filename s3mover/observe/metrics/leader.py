"""What an instance that stands by exports of the leader, under names of their own: sums over instances stay right."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from s3mover.observe.leader import SeenLeader

COUNTS = ("listed", "skipped", "planned", "succeeded", "failed")


class LeaderCollector(Collector):
    """Reads at each scrape what `leader` returns; without a leader the families have no series."""

    def __init__(
        self, leader: Callable[[], SeenLeader | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._leader = leader
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield the families, always the same."""
        age = GaugeMetricFamily(
            "s3mover_leader_report_age_seconds",
            "On an instance that stands by: age of what the leader last reported.",
            labels=["leader"],
        )
        objects = GaugeMetricFamily(
            "s3mover_leader_sweep_objects",
            "On an instance that stands by: objects of the leader's current sweep, else of its last one.",
            labels=["leader", "status"],
        )
        if (leader := self._leader()) is not None:
            age.add_metric([leader.name], leader.age_at(self._clock()))
            for status, number in _counts(leader):
                objects.add_metric([leader.name, status], number)
        yield age
        yield objects


def _counts(leader: SeenLeader) -> list[tuple[str, float]]:
    sweeps = [*filter(None, [leader.fields["sweep"]]), *leader.fields["sweeps"]]
    return [(status, sweep[status]) for sweep in sweeps[:1] for status in COUNTS]
