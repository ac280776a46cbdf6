"""The exposition of metrics: Prometheus text, or OpenMetrics if the scrape prefers it."""

from typing import Protocol

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from s3mover.observe.metrics.content_negotiation import prefers_openmetrics


class Exposes(Protocol):
    """What `/metrics` is served from."""

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, for an Accept header."""


def exposition(families: Collector, accept: str) -> tuple[bytes, str]:
    """Return metrics and their content type: OpenMetrics if the Accept header prefers it, else Prometheus text."""
    if prefers_openmetrics(accept):
        return generate_openmetrics(families), OPENMETRICS  # type: ignore[no-untyped-call]
    return generate_latest(families), CONTENT_TYPE_PLAIN_0_0_4
