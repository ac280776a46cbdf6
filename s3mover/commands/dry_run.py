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
from s3mover.planning.page_diff import PageDiff, settle_doubts
from s3mover.settings import Settings
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.doubts import ask_trail
from s3mover.sweep.stats import UNUSABLE_MESSAGE

# Decides by the trail about a page of the plan: what changed, and what waits after a failure.
AskTrail = Callable[[PageDiff], PageDiff]


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
        _opened_trail(settings, echo) as ask,
    ):
        for diff in map(ask, diffs):
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
def _opened_trail(settings: Settings, echo: Echo) -> Iterator[AskTrail]:
    """Yield the function that asks the trail; print a notice if it cannot be read."""
    url, trail = settings.audit.url.value, None
    try:
        # Before the first sweep there is no schema, and no object was copied, or can wait.
        trail = None if schema_text(url) else open_reader(url)
    except MoverError as error:
        echo(f"cannot read which objects wait after failing: {visible_lines(str(error))}")
    if trail is None:
        yield lambda diff: settle_doubts(diff, {})
        return
    with closing(trail) as reader:
        pair = pair_of(settings)
        backoff = ObjectBackoff(reader, pair, backoff_policy_of(settings), time.time)
        yield lambda diff: backoff.without_backed_off(ask_trail(diff, reader, pair))
