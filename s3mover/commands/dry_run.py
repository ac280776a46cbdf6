"""What the commands do, each in a few calls; how they are spelled is the command line's."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from s3mover.app.bucket_access import require_listings
from s3mover.app.factories import (
    Endpoints,
    bounds_of,
    connect_endpoints,
    filter_of,
    listing,
    pair_of,
    plan_of,
)
from s3mover.audit.opening import apply_schema as bring_up_to_date
from s3mover.audit.opening import schema_text
from s3mover.commands.each_route import on_each
from s3mover.commands.retry import waiting_left_out
from s3mover.diagnostics.check_setup import open_check_context
from s3mover.diagnostics.checks import CheckResult, Checks, Level
from s3mover.diagnostics.policy_inputs import documents_of, hints
from s3mover.diagnostics.verify import Comparator, Comparison, byte_comparer, checksum_comparer
from s3mover.diagnostics.verify import verify as compare
from s3mover.errors import ExitCode, SettingsError
from s3mover.events import Event
from s3mover.lifecycle.control_listener import NOWHERE
from s3mover.lifecycle.control_socket import ask
from s3mover.model import WAITING, Method
from s3mover.observe.text import human_size, to_json, visible
from s3mover.settings import Route, Settings
from s3mover.workers.ratelimit.standalone import standalone_limits

Say = Callable[[str], None]
HEADINGS = {
    Method.SERVER_SIDE_COPY: "## Server-side copy: the destination's credentials read the source and write the copy.",
    Method.STREAMING: "\n## Streaming: each end's credentials are used at their own end alone.",
}
SIGNS = {Level.OK: "✅", Level.WARNING: "⚠️", Level.FAILED: "❌"}


def tell_daemon(settings: Settings, command: str, say: Say) -> ExitCode:
    """Tell the daemon that runs with these settings to `pause` or to `resume`, and say its answer.

    Raises:
        SettingsError: control.socket is none.
        ControlError: no daemon answers.
    """
    if settings.control.socket == NOWHERE:
        raise SettingsError(["control.socket: is none, so that no daemon can be told anything; name a path"])
    say(ask(Path(settings.control.socket), command))
    return ExitCode.OK


def preview(settings: Settings, say: Say) -> ExitCode:
    """List and compare only; say what a sweep of each route would transfer.

    Raises:
        MoverError: a bucket could not be listed.
    """
    return on_each(settings, say, lambda route: _preview(route.settings, say))


def _preview(settings: Settings, say: Say) -> ExitCode:
    listed = waiting = size = 0
    reasons: Counter[str] = Counter()
    with (
        _limited_sides(settings) as sides,
        closing(plan_of(settings, sides, _ignore)) as diffs,
        waiting_left_out(settings, say) as left_out,
    ):
        for finding in map(left_out, diffs):
            listed += finding.listed
            waiting += finding.skipped.get(WAITING, 0)
            for entry, reason in finding.transfers:
                reasons[reason] += 1
                size += entry.size
                say(f"would transfer {visible(entry.key)} ({human_size(entry.size)}, {reason})")
    why = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items())) or "nothing"
    say(f"{listed} listed, {reasons.total()} to transfer, {human_size(size)} ({why})")
    if waiting:
        say(f"{waiting} wait after failing; `s3mover retry --all` ends their wait")
    return ExitCode.OK


@contextmanager
def _limited_sides(settings: Settings) -> Iterator[Endpoints]:
    """Reach both sides, which can be listed, by requests that keep to the limits."""
    with standalone_limits(bounds_of(settings)) as traffic:
        sides = connect_endpoints(settings, _ignore, traffic)
        require_listings(settings, sides)
        yield sides


def verify(settings: Settings, say: Say, *, deep: bool) -> ExitCode:
    """Compare both buckets of each route and say each difference.

    Raises:
        MoverError: a bucket could not be listed or read.
    """
    return on_each(settings, say, lambda route: _verify(route.settings, say, deep=deep))


def _verify(settings: Settings, say: Say, *, deep: bool) -> ExitCode:
    pair = pair_of(settings)
    counts: Counter[Comparison] = Counter()
    with (
        _limited_sides(settings) as sides,
        closing(listing(sides.source, pair.source_prefix)) as source,
        closing(listing(sides.destination, pair.destination_prefix)) as destination,
    ):
        for verdict in compare(source, destination, _comparison(settings, sides, deep=deep)):
            counts[verdict.finding] += 1
            if verdict.finding in {Comparison.MISSING, Comparison.DIFFERENT}:
                say(f"{verdict.finding} {visible(verdict.key)}: {verdict.why}")
    say(", ".join(f"{counts[finding]} {finding}" for finding in Comparison))
    if counts[Comparison.UNPROVEN]:
        say("unproven: size and time agree, but no checksum could be compared; --deep reads the bytes")
    return ExitCode.SOME_FAILED if counts[Comparison.MISSING] + counts[Comparison.DIFFERENT] else ExitCode.OK


def _comparison(settings: Settings, sides: Endpoints, *, deep: bool) -> Comparator:
    source, destination, retry = sides.source, sides.destination, sides.retry
    reader = byte_comparer(source, destination, retry) if deep else None
    prover = checksum_comparer(source, destination, retry)
    return Comparator(pair_of(settings), filter_of(settings), prover, reader)


def check(settings: Settings, say: Say, *, as_json: bool) -> ExitCode:
    """Test whether the work can be done, and say each result, then what would grant the rights that are missing.

    As JSON, several routes have a document each, on a line of its own.
    """
    return on_each(settings, say, lambda route: _check(route, say, as_json=as_json), headings=not as_json)


def _check(route: Route, say: Say, *, as_json: bool) -> ExitCode:
    results, settings = [], route.settings
    with open_check_context(settings) as subject:
        for result in Checks(subject).run():
            results.append(result)
            if not as_json:
                say(f"{SIGNS[result.level]} {result.name}: {result.message}")
    if as_json:
        said = [{name: value for name, value in one._asdict().items() if value != ()} for one in results]
        say(to_json({"route": route.name, "results": said} if route.name else said).decode())
    else:
        for result in results:
            _say_remedy(result, say)
    return ExitCode.UNREACHABLE if any(result.level is Level.FAILED for result in results) else ExitCode.OK


def _say_remedy(result: CheckResult, say: Say) -> None:
    for one in result.policy:
        say(f"\n# {result.name}: add to the policy of {one['attach_to']}")
        say(json.dumps(one["policy"], indent=2))


def policy(settings: Settings, say: Say, *, side: str | None, source_key: str, as_json: bool) -> ExitCode:
    """Say the policy documents that the settings need, those of one side or of both.

    As JSON, several routes have a document each, on a line of its own.
    """

    def of(route: Route) -> ExitCode:
        return _policy(route, say, side=side, source_key=source_key, as_json=as_json)

    return on_each(settings, say, of, headings=not as_json)


def _policy(route: Route, say: Say, *, side: str | None, source_key: str, as_json: bool) -> ExitCode:
    settings = route.settings
    documents = [one for one in documents_of(settings, source_key) if side in {None, one.side}]
    if as_json:
        said = [one._asdict() for one in documents]
        say(to_json({"route": route.name, "documents": said} if route.name else said).decode())
        return ExitCode.OK
    way = None
    for one in documents:
        if one.way is not way:
            way = one.way
            say(HEADINGS[way])
        say(f"\n# The policy of {one.attach_to}{'' if one.policy else ': nothing to add.'}")
        if one.policy:
            say(json.dumps(one.policy, indent=2))
    for hint in hints(settings, source_key):
        say(f"\n# {hint}")
    return ExitCode.OK


def apply_schema(settings: Settings, say: Say) -> ExitCode:
    """Bring the audit database to the newest schema."""
    applied = bring_up_to_date(settings.audit.url.value)
    say(f"applied: {', '.join(map(str, applied))}" if applied else "the schema is the newest already")
    return ExitCode.OK


def show_schema(settings: Settings, say: Say) -> ExitCode:
    """Say what `apply_schema` would run."""
    text = schema_text(settings.audit.url.value)
    say(text or "-- nothing: the schema is the newest already")
    return ExitCode.OK


def _ignore(_event: Event) -> None:
    """Commands that only look announce nothing."""
