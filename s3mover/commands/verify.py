"""The `verify` command: compares both buckets and prints each difference."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass

from s3mover.app.factories import pair_of
from s3mover.app.listings import ordered_pages
from s3mover.commands.comparators import comparator_of
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.commands.limited_endpoints import open_limited_endpoints
from s3mover.diagnostics.verify import Comparison, compare_buckets
from s3mover.errors import ExitCode
from s3mover.observe.text import visible
from s3mover.settings import Settings


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What is compared besides sizes and checksums.

    `deep`: the bytes where no checksum can be compared; `properties`: headers, metadata and tags; `exact`: objects that
    only the destination has are differences, too.
    """

    deep: bool = False
    properties: bool = False
    exact: bool = False

    @property
    def differences(self) -> frozenset[Comparison]:
        """The results that are differences."""
        extra = {Comparison.EXTRA} if self.exact else set()
        return frozenset({Comparison.MISSING, Comparison.DIFFERENT} | extra)


def verify(settings: Settings, echo: Echo, options: VerifyOptions) -> ExitCode:
    """Compare both buckets of each route and print each difference.

    Raises:
        MoverError: a bucket cannot be listed or read.
    """
    return for_each_route(settings, echo, lambda route: _verify(route.settings, echo, options))


def _verify(settings: Settings, echo: Echo, options: VerifyOptions) -> ExitCode:
    pair, differences = pair_of(settings), options.differences
    counts: Counter[Comparison] = Counter()
    with (
        open_limited_endpoints(settings) as endpoints,
        closing(ordered_pages(endpoints.source, pair.source_prefix)) as source,
        closing(ordered_pages(endpoints.destination, pair.destination_prefix)) as destination,
    ):
        comparator = comparator_of(settings, endpoints, deep=options.deep, properties=options.properties)
        for compared in compare_buckets(source, destination, comparator):
            counts[compared.result] += 1
            if compared.result in differences:
                echo(f"{compared.result} {visible(compared.key)}: {visible(compared.reason)}")
    echo(", ".join(f"{counts[result]} {result}" for result in Comparison))
    if counts[Comparison.UNPROVEN]:
        echo("unproven: size and time agree, but no checksum can be compared; --deep reads the bytes")
    if counts[Comparison.EXTRA] and not options.exact:
        echo("extra: not found at the source; --exact lists them, and counts them as differences")
    return ExitCode.SOME_FAILED if any(counts[result] for result in differences) else ExitCode.OK
