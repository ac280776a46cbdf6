"""What the trail says about the pages of a plan, for commands that only tell what a sweep would do."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from s3mover.app.factories import backoff_policy_of, pair_of
from s3mover.audit.opening import open_reader, schema_text
from s3mover.audit.trail import Trail
from s3mover.commands.each_route import Echo
from s3mover.errors import MoverError
from s3mover.observe.text import visible_lines
from s3mover.planning.page_diff import PageDiff, settle_doubts
from s3mover.settings import Settings
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.doubts import ask_trail

# Decides by the trail about a page of the plan: what changed, and what waits after a failure.
AskTrail = Callable[[PageDiff], PageDiff]


def asking_trail(settings: Settings, trail: Trail | None) -> AskTrail:
    """Return what decides about a page; without a trail by the listings alone."""
    if trail is None:
        return lambda diff: settle_doubts(diff, {})
    pair = pair_of(settings)
    backoff = ObjectBackoff(trail, pair, backoff_policy_of(settings), time.time)
    return lambda diff: backoff.without_backed_off(ask_trail(diff, trail, pair))


@contextmanager
def opened_trail(settings: Settings, echo: Echo) -> Iterator[Trail | None]:
    """Yield the trail; print a notice if it cannot be read, and yield None."""
    url, trail = settings.audit.url.value, None
    try:
        # Before the first sweep there is no schema, and no object was copied, or can wait.
        trail = None if schema_text(url) else open_reader(url)
    except MoverError as error:
        echo(f"cannot read which objects wait after failing: {visible_lines(str(error))}")
    if trail is None:
        yield None
        return
    with closing(trail) as reader:
        yield reader
