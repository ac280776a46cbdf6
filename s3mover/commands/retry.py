"""The `retry` command: ends the wait of objects that failed, so that the next sweep transfers them."""

from collections.abc import Sequence
from contextlib import closing

from s3mover.app.factories import pair_of
from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Trail
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.errors import ExitCode
from s3mover.model import Pair
from s3mover.observe.text import visible
from s3mover.settings import Settings

# Small batches, so that a daemon that writes at the same time is not blocked for long.
WAITS_PER_BATCH = 1000
# The latest time that the trail's columns can hold.
END_OF_TIME = 253_402_300_799.0


def retry(settings: Settings, echo: Echo, keys: Sequence[str]) -> ExitCode:
    """End the wait of these objects, or of all if no key is given, in each route.

    It needs no lease, so it works while a daemon runs.

    Raises:
        MoverError: the audit database cannot be used.
    """
    return for_each_route(settings, echo, lambda route: _retry(route.settings, echo, keys))


def _retry(settings: Settings, echo: Echo, keys: Sequence[str]) -> ExitCode:
    pair = pair_of(settings)
    with closing(open_reader(settings.audit.url.value)) as trail:
        if not keys:
            echo(f"{_end_all_waits(trail, pair)} objects wait no longer; the next sweep retries them")
            return ExitCode.OK
        known = trail.waits(pair, keys)
        trail.end_waits(pair, list(known))
    for key in keys:
        result = "waits no longer" if key in known else "does not wait for a retry"
        echo(f"{visible(key)}: {result}")
    return ExitCode.OK if known.keys() >= set(keys) else ExitCode.SOME_FAILED


def _end_all_waits(trail: Trail, pair: Pair) -> int:
    ended = batch = trail.end_old_waits(pair, END_OF_TIME, WAITS_PER_BATCH)
    while batch == WAITS_PER_BATCH:
        batch = trail.end_old_waits(pair, END_OF_TIME, WAITS_PER_BATCH)
        ended += batch
    return ended
