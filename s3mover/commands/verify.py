"""The `verify` command: compares both buckets and prints each difference."""

from collections import Counter
from contextlib import closing

from s3mover.app.endpoints import Endpoints
from s3mover.app.factories import filter_of, pair_of
from s3mover.app.listings import ordered_pages
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.commands.limited_endpoints import open_limited_endpoints
from s3mover.diagnostics.verify import (
    Comparator,
    Comparison,
    byte_comparer,
    checksum_comparer,
    compare_buckets,
)
from s3mover.errors import ExitCode
from s3mover.observe.text import visible
from s3mover.settings import Settings

DIFFERENCES = (Comparison.MISSING, Comparison.DIFFERENT)


def verify(settings: Settings, echo: Echo, *, deep: bool) -> ExitCode:
    """Compare both buckets of each route and print each difference.

    Raises:
        MoverError: a bucket cannot be listed or read.
    """
    return for_each_route(settings, echo, lambda route: _verify(route.settings, echo, deep=deep))


def _verify(settings: Settings, echo: Echo, *, deep: bool) -> ExitCode:
    pair = pair_of(settings)
    counts: Counter[Comparison] = Counter()
    with (
        open_limited_endpoints(settings) as endpoints,
        closing(ordered_pages(endpoints.source, pair.source_prefix)) as source,
        closing(ordered_pages(endpoints.destination, pair.destination_prefix)) as destination,
    ):
        comparator = _comparator(settings, endpoints, deep=deep)
        for compared in compare_buckets(source, destination, comparator):
            counts[compared.result] += 1
            if compared.result in DIFFERENCES:
                echo(f"{compared.result} {visible(compared.key)}: {compared.reason}")
    echo(", ".join(f"{counts[result]} {result}" for result in Comparison))
    if counts[Comparison.UNPROVEN]:
        echo("unproven: size and time agree, but no checksum can be compared; --deep reads the bytes")
    return ExitCode.SOME_FAILED if any(counts[result] for result in DIFFERENCES) else ExitCode.OK


def _comparator(settings: Settings, endpoints: Endpoints, *, deep: bool) -> Comparator:
    source, destination, retry = endpoints.source, endpoints.destination, endpoints.retry
    return Comparator(
        pair_of(settings),
        filter_of(settings),
        checksum_comparer(source, destination, retry),
        byte_comparer(source, destination, retry) if deep else None,
    )
