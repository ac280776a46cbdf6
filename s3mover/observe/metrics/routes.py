"""Several routes seen as one daemon: their metrics with the label `route`, and one status over all of theirs.

With one pair of buckets none of this is used: its own metrics and its own board answer.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.registry import Collector

from s3mover.observe.metrics.definitions import PROCESS_WIDE
from s3mover.observe.metrics.listener import MetricsListener, exposition
from s3mover.observe.status.board import StatusBoard


class RouteMetrics(Collector):
    """What all routes count, each sample with its route's name; what the process counts stands once, without one."""

    def __init__(self, process: MetricsListener, routes: Mapping[str, MetricsListener]) -> None:
        self._process = process
        self._routes = routes

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type; see `MetricsListener.exposition`."""
        return exposition(self, accept)

    def collect(self) -> Iterator[Metric]:
        """Yield every family once."""
        for family in self._process.collect():
            if family.name in PROCESS_WIDE:
                yield family
        for alike in zip(*(listener.collect() for listener in self._routes.values()), strict=True):
            if alike[0].name not in PROCESS_WIDE:
                yield _joined(dict(zip(self._routes, alike, strict=True)))


def _joined(families: Mapping[str, Metric]) -> Metric:
    first = next(iter(families.values()))
    joined = Metric(first.name, first.documentation, first.type)
    for route, family in families.items():
        for sample in family.samples:
            joined.samples.append(sample._replace(labels={"route": route, **sample.labels}))
    return joined


class Exposes(Protocol):
    """What answers `/metrics`."""

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, for an Accept header."""


class RouteBoards:
    """The `StatusSource` over the boards of several routes; `process` is the board that hears what concerns all."""

    def __init__(self, process: StatusBoard, routes: Mapping[str, StatusBoard], metrics: Exposes) -> None:
        self.metrics = metrics.exposition
        self._process = process
        self._routes = routes

    def healthy(self) -> tuple[bool, str]:
        """Tell whether every loop moves, and which do not."""
        silent = [
            f"{route}: {why}"
            for route, (moves, why) in ((name, board.healthy()) for name, board in self._routes.items())
            if not moves
        ]
        return not silent, "; ".join(silent) or "ok"

    def ready(self) -> tuple[bool, str]:
        """Tell whether any route is connected and leads or stands by; the state of each stands in the sentence."""
        verdicts = {name: board.ready() for name, board in self._routes.items()}
        said = "; ".join(f"{name}: {why}" for name, (_, why) in verdicts.items())
        return any(ready for ready, _ in verdicts.values()), said

    def status(self) -> dict[str, object]:
        """Return what `/status` shows: what concerns all, then a list of the routes, each as one pair is shown."""
        healthy, why = self.healthy()
        return {
            **self._process.about(),
            "healthy": healthy,
            "health": why,
            "ready": self.ready()[0],
            "routes": [{"route": name, **board.status()} for name, board in self._routes.items()],
        }
