"""The `sweep --dry-run` command: lists and compares, and prints what a sweep would transfer."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from s3mover.app.factories import backoff_policy_of, pair_of
from s3mover.app.listings import plan_of
from s3mover.audit.opening import open_reader, schema_text
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.commands.limited_endpoints import ignore_event, open_limited_endpoints
from s3mover.errors import ExitCode, MoverError
from s3mover.model import WAITING
from s3mover.observe.text import human_size, visible, visible_lines
from s3mover.planning.page_diff import PageDiff
from s3mover.settings import Settings
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.stats import UNUSABLE_MESSAGE

# Removes objects that wait after a failure from a page of the plan.
RemoveWaiting = Callable[[PageDiff], PageDiff]


def dry_run(settings: Settings, echo: Echo) -> ExitCode:
    """Print what a sweep of each route would transfer.

    Raises:
        MoverError: a bucket cannot be listed.
    """
    return for_each_route(settings, echo, lambda route: _dry_run(route.settings, echo))


def _dry_run(settings: Settings, echo: Echo) -> ExitCode:
    listed = waiting = size = 0
    reasons: Counter[str] = Counter()
    with (
        open_limited_endpoints(settings) as endpoints,
        closing(plan_of(settings, endpoints, ignore_event).diffs()) as diffs,
        _opened_backoff(settings, echo) as remove_waiting,
    ):
        for diff in map(remove_waiting, diffs):
            listed += diff.listed
            waiting += diff.skipped.get(WAITING, 0)
            for key in diff.unusable:
                echo(f"cannot transfer {visible(key)}: {UNUSABLE_MESSAGE}")
            for entry, reason in diff.transfers:
                reasons[reason] += 1
                size += entry.size
                echo(f"would transfer {visible(entry.key)} ({human_size(entry.size)}, {reason})")
    by_reason = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items())) or "nothing"
    echo(f"{listed} listed, {reasons.total()} to transfer, {human_size(size)} ({by_reason})")
    if waiting:
        echo(f"{waiting} wait after failing; `s3mover retry --all` retries them in the next sweep")
    return ExitCode.OK


@contextmanager
def _opened_backoff(settings: Settings, echo: Echo) -> Iterator[RemoveWaiting]:
    """Yield the function that removes waiting objects; print a notice if the trail cannot be read."""
    url, trail = settings.audit.url.value, None
    try:
        # Before the first sweep there is no schema, and no object can wait.
        trail = None if schema_text(url) else open_reader(url)
    except MoverError as error:
        echo(f"cannot read which objects wait after failing: {visible_lines(str(error))}")
    if trail is None:
        yield lambda diff: diff
        return
    with closing(trail):
        backoff = ObjectBackoff(trail, pair_of(settings), backoff_policy_of(settings), time.time)
        yield backoff.without_backed_off
