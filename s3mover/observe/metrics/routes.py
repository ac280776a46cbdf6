"""The metrics of several routes, each sample with the label `route`. Not used with a single pair of buckets."""

from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.registry import Collector

from s3mover.observe.metrics.definitions import PROCESS_WIDE
from s3mover.observe.metrics.exposition import exposition
from s3mover.observe.metrics.listener import MetricsListener


class RouteMetrics(Collector):
    """The metrics of all routes with their `route`, and those of the process, once and without that label."""

    def __init__(self, process: MetricsListener, routes: Mapping[str, MetricsListener]) -> None:
        self._process = process
        self._routes = routes

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, for an Accept header."""
        return exposition(self, accept)

    def collect(self) -> Iterator[Metric]:
        """Yield each family once."""
        for family in self._process.collect():
            if family.name in PROCESS_WIDE:
                yield family
        for same in zip(*(listener.collect() for listener in self._routes.values()), strict=True):
            if same[0].name not in PROCESS_WIDE:
                yield _merge(dict(zip(self._routes, same, strict=True)))


def _merge(families: Mapping[str, Metric]) -> Metric:
    first = next(iter(families.values()))
    merged = Metric(first.name, first.documentation, first.type)
    for route, family in families.items():
        for sample in family.samples:
            merged.samples.append(sample._replace(labels={"route": route, **sample.labels}))
    return merged
