"""Which exposition format a scrape gets."""

import pytest

from s3mover.observe.metrics.content_negotiation import prefers_openmetrics
from s3mover.observe.metrics.listener import MetricsListener

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS, True),
        ("application/openmetrics-text", True),
        ("APPLICATION/OPENMETRICS-TEXT; Version=1.0.0", True),
        ("text/plain;q=0.5, application/openmetrics-text;q=0.5", True),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.6", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.5,*/*", False),
        ("application/openmetrics-text;q=0.5,text/*", False),
        ("application/openmetrics-text;q=0.9,text/plain;q=very", False),
        ("text/plain;q=0.9,application/openmetrics-text", True),
        ("text/plain", False),
        ("*/*", False),
        ("", False),
        (";;q=,,q", False),
        ("application/openmetrics-text;q=very", True),
    ],
)
def test_openmetrics_is_given_to_those_who_prefer_it(accept: str, openmetrics: bool) -> None:
    """The weights of the Accept header decide; plain text is for everybody else."""
    assert prefers_openmetrics(accept) is openmetrics


def test_the_content_type_says_which_format_it_is() -> None:
    """Prometheus parses by content type."""
    metrics = MetricsListener("0.1.0")
    body, kind = metrics.exposition(PROMETHEUS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    body, kind = metrics.exposition("text/plain")
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"# EOF" not in body
