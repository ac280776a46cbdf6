"""What the commands do, each in a few calls; how they are spelled is the command line's."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from s3mover import __version__
from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.audit.opening import apply_schema as bring_up_to_date
from s3mover.audit.opening import schema_text
from s3mover.checks import CheckResult, Checks, Level
from s3mover.errors import ExitCode, LeaseHeldError
from s3mover.events import DaemonStarted, Event
from s3mover.model import Method, SweepStatus
from s3mover.observe.logs import LogListener, configure, redact
from s3mover.observe.progress import ProgressListener
from s3mover.observe.text import human_size, to_json, visible
from s3mover.settings.model import Settings
from s3mover.stop import Stop
from s3mover.supervisor import Duties, Supervisor, stopping_on_signals
from s3mover.sweep.loop import SweepResult
from s3mover.verify import Comparison, Finding, byte_comparer, checksum_comparer
from s3mover.verify import verify as compare
from s3mover.wiring.checking import open_subject
from s3mover.wiring.engine import Engine, open_engine
from s3mover.wiring.owners import require_listings
from s3mover.wiring.parts import filter_of, listing, pair_of, planner, sides_of
from s3mover.wiring.permissions import documents_of, hints

Say = Callable[[str], None]
HEADINGS = {
    Method.SERVER_SIDE_COPY: "## Server-side copy: the destination's credentials read the source and write the copy.",
    Method.STREAMING: "\n## Streaming: each end's credentials are used at their own end alone.",
}
SIGNS = {Level.OK: "✅", Level.WARNING: "⚠️", Level.FAILED: "❌"}


def run_daemon(settings: Settings) -> ExitCode:
    """Run until SIGTERM (exit code 0) or SIGINT (130).

    Raises:
        MoverError: the work could not be begun, or another instance took over.
    """
    _begin_logs(settings)
    stop = Stop()
    with (
        stopping_on_signals(stop, settings.stop.grace),
        open_engine(settings, stop, [LogListener()], serve_http=True) as engine,
    ):
        supervisor_of(engine).run()
    return ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.OK


def supervisor_of(engine: Engine) -> Supervisor:
    """Return the supervisor that drives `engine` as a daemon."""
    settings = engine.settings
    duties = Duties(engine.acquire, lambda: engine.round.run().error is None, engine.idle, engine.tend)
    started = DaemonStarted(
        __version__, str(pair_of(settings)), len(engine.crew.briefs), settings.transfer.threads
    )
    return Supervisor(duties, started, settings.sweep.interval, engine.stop, engine.notify)


def sweep_once(settings: Settings, *, progress: bool) -> ExitCode:
    """Sweep once and tell by the exit code what came of it.

    Raises:
        MoverError: the sweep could not be begun, or was cut short.
    """
    stop = Stop()
    bar = ProgressListener(sys.stdout, enabled=progress)
    # Lines above a living bar are dear, and the bar counts what they would tell; a log that is piped has them all.
    quiet = bar.alive and settings.log.level in {"debug", "info"}
    configure("warning" if quiet else settings.log.level, settings.log.format, bar.stream)
    redact(secrets_of(settings))
    with (
        stopping_on_signals(stop, settings.stop.grace),
        open_engine(settings, stop, [LogListener(), bar], serve_http=False) as engine,
    ):
        if not engine.acquire():
            raise LeaseHeldError(f"another instance works on {pair_of(settings)}")
        with bar:
            result = engine.round.run()
    return exit_code_of(result)


def exit_code_of(result: SweepResult) -> ExitCode:
    """Return what a sweep's result means to a shell.

    Raises:
        MoverError: what cut the sweep short.
    """
    if result.error is not None:
        raise result.error
    if result.record.status is SweepStatus.INTERRUPTED:
        return ExitCode.INTERRUPTED
    return ExitCode.SOME_FAILED if result.record.tally.failed else ExitCode.OK


def preview(settings: Settings, say: Say) -> ExitCode:
    """List and compare only; say what a sweep would transfer.

    Raises:
        MoverError: a bucket could not be listed.
    """
    sides = sides_of(settings, _ignore)
    require_listings(settings, sides)
    listed = size = 0
    reasons: Counter[str] = Counter()
    with closing(planner(settings, sides, _ignore)()) as findings:
        for finding in findings:
            listed += finding.listed
            for entry, reason in finding.transfers:
                reasons[reason] += 1
                size += entry.size
                say(f"would transfer {visible(entry.key)} ({human_size(entry.size)}, {reason})")
    why = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items())) or "nothing"
    say(f"{listed} listed, {reasons.total()} to transfer, {human_size(size)} ({why})")
    return ExitCode.OK


def verify(settings: Settings, say: Say, *, deep: bool) -> ExitCode:
    """Compare both buckets and say each difference.

    Raises:
        MoverError: a bucket could not be listed or read.
    """
    sides, pair = sides_of(settings, _ignore), pair_of(settings)
    require_listings(settings, sides)
    reader = byte_comparer(sides.source, sides.destination) if deep else None
    prover = checksum_comparer(sides.source, sides.destination)
    comparison = Comparison(pair, filter_of(settings), prover, reader)
    counts: Counter[Finding] = Counter()
    with (
        listing(sides.source, pair.source_prefix) as source,
        listing(sides.destination, pair.destination_prefix) as destination,
    ):
        for verdict in compare(source, destination, comparison):
            counts[verdict.finding] += 1
            if verdict.finding in {Finding.MISSING, Finding.DIFFERENT}:
                say(f"{verdict.finding} {visible(verdict.key)}: {verdict.why}")
    say(", ".join(f"{counts[finding]} {finding}" for finding in Finding))
    if counts[Finding.UNPROVEN]:
        say("unproven: size and time agree, but no checksum could be compared; --deep reads the bytes")
    return ExitCode.SOME_FAILED if counts[Finding.MISSING] + counts[Finding.DIFFERENT] else ExitCode.OK


def check(settings: Settings, say: Say, *, as_json: bool) -> ExitCode:
    """Test whether the work can be done, and say each result, then what would grant the rights that are missing."""
    results = []
    with open_subject(settings) as subject:
        for result in Checks(subject).run():
            results.append(result)
            if not as_json:
                say(f"{SIGNS[result.level]} {result.name}: {result.message}")
    if as_json:
        said = [{name: value for name, value in one._asdict().items() if value != ()} for one in results]
        say(to_json(said).decode())
    else:
        for result in results:
            _say_remedy(result, say)
    return ExitCode.UNREACHABLE if any(result.level is Level.FAILED for result in results) else ExitCode.OK


def _say_remedy(result: CheckResult, say: Say) -> None:
    for one in result.policy:
        say(f"\n# {result.name}: add to the policy of {one['attach_to']}")
        say(json.dumps(one["policy"], indent=2))


def policy(settings: Settings, say: Say, *, side: str | None, source_key: str, as_json: bool) -> ExitCode:
    """Say the policy documents that the settings need, those of one side or of both."""
    documents = [one for one in documents_of(settings, source_key) if side in {None, one.side}]
    if as_json:
        say(to_json([one._asdict() for one in documents]).decode())
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
    applied = bring_up_to_date(settings.audit.url.get_secret_value())
    say(f"applied: {', '.join(map(str, applied))}" if applied else "the schema is the newest already")
    return ExitCode.OK


def show_schema(settings: Settings, say: Say) -> ExitCode:
    """Say what `apply_schema` would run."""
    text = schema_text(settings.audit.url.get_secret_value())
    say(text or "-- nothing: the schema is the newest already")
    return ExitCode.OK


def _begin_logs(settings: Settings) -> None:
    configure(settings.log.level, settings.log.format, sys.stdout)
    redact(secrets_of(settings))


def secrets_of(settings: Settings) -> list[str]:
    """Return what must never be shown, whatever a foreign library puts into its messages."""
    sides = (settings.source, settings.destination)
    held = [secret.get_secret_value() for side in sides for secret in (side.secret_key, side.session_token)]
    dsn = parse_dsn(settings.audit.url.get_secret_value())
    return [*held, dsn.password] if isinstance(dsn, MysqlDsn) else held


def _ignore(_event: Event) -> None:
    """Commands that only look announce nothing."""
