"""Objects that wait after failing, as commands meet them: left out of a dry run, and told to wait no longer."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from s3mover.app.factories import backoff_policy_of, pair_of
from s3mover.audit.opening import open_reader, schema_text
from s3mover.audit.trail import Trail
from s3mover.commands.each_route import on_each
from s3mover.errors import ExitCode, MoverError
from s3mover.model import Pair
from s3mover.observe.text import visible
from s3mover.planning.page_diff import PageDiff
from s3mover.settings.model import Settings
from s3mover.sweep.backoff import ObjectBackoff

Say = Callable[[str], None]
Sift = Callable[[PageDiff], PageDiff]

# In small steps, so that a daemon that writes meanwhile is not held up.
WAITS_PER_STEP = 1000
# The end of what the trail's columns can say.
FOR_EVER = 253_402_300_799.0


@contextmanager
def waiting_left_out(settings: Settings, say: Say) -> Iterator[Sift]:
    """Give what leaves the waiting objects out of a finding; it is said where the trail cannot tell which wait."""
    trail = None
    try:
        trail = _open_existing(settings)
    except MoverError as error:
        say(f"which objects wait after failing is not known: {error}")
    if trail is None:
        yield lambda finding: finding
        return
    with closing(trail):
        yield ObjectBackoff(
            trail, pair_of(settings), backoff_policy_of(settings), time.time
        ).without_backed_off


def retry(settings: Settings, say: Say, keys: Sequence[str]) -> ExitCode:
    """Let the next sweep of each route try these objects, or all where none is named, whatever they wait for.

    It works beside a daemon that holds the lease.

    Raises:
        MoverError: the audit database cannot be used.
    """
    return on_each(settings, say, lambda route: _retry(route.settings, say, keys))


def _retry(settings: Settings, say: Say, keys: Sequence[str]) -> ExitCode:
    pair = pair_of(settings)
    with closing(open_reader(settings.audit.url.value)) as trail:
        if not keys:
            say(f"{_end_all(trail, pair)} objects wait no longer")
            return ExitCode.OK
        known = trail.waits(pair, keys)
        trail.end_waits(pair, list(known))
    for key in keys:
        say(f"{visible(key)}: {'waits no longer' if key in known else 'does not wait for anything'}")
    return ExitCode.OK if known.keys() >= set(keys) else ExitCode.SOME_FAILED


def _end_all(trail: Trail, pair: Pair) -> int:
    ended = step = trail.end_old_waits(pair, FOR_EVER, WAITS_PER_STEP)
    while step == WAITS_PER_STEP:
        step = trail.end_old_waits(pair, FOR_EVER, WAITS_PER_STEP)
        ended += step
    return ended


def _open_existing(settings: Settings) -> Trail | None:
    """Open the trail, where any sweep has made one: only there can something wait."""
    url = settings.audit.url.value
    return None if schema_text(url) else open_reader(url)
