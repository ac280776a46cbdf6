"""The command line: options of the commands, and the exit code of their result.

Each command imports what it needs when it runs, so that `--version` and worker processes do not load AWS libraries.
"""

import errno
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from s3mover import __version__
from s3mover.errors import ExitCode, MoverError
from s3mover.observe.output import print_error

if TYPE_CHECKING:
    from s3mover.app.config_process import SettingsRequest
    from s3mover.settings.model import Settings


# What the system refuses wherever the program asks for it, and what helps; not an internal error.
EXHAUSTED: Mapping[int, str] = {
    errno.EMFILE: "raise the limit of open files (ulimit -n, LimitNOFILE, nofile)",
    errno.ENFILE: "raise the limit of open files of the whole machine (fs.file-max)",
    errno.EAGAIN: "raise the limit of processes and threads (ulimit -u, TasksMax, pids-limit)",
    errno.ENOMEM: "raise the limit of memory",
    errno.ENOSPC: "free space on the disk",
}


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; this function raises no exception."""
    try:
        code = commands(list(arguments), prog_name="s3mover", standalone_mode=False)
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        print_error(text.getvalue())
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except MoverError as error:
        print_error(f"s3mover: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        # The reader closed the pipe, as in `s3mover report | head`.
        sys.stderr.close()
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - nothing above this function handles an internal error
        return _report_unexpected(error)
    return ExitCode(code or ExitCode.OK)


def _report_unexpected(error: Exception) -> ExitCode:
    """Print what is exhausted if `error` says that, else that it is an internal error, and log its trace."""
    if isinstance(error, OSError) and (advice := EXHAUSTED.get(error.errno or 0)):
        print_error(f"s3mover: this machine has not enough resources ({error.strerror}); {advice}\n")
        return ExitCode.UNREACHABLE
    from s3mover.observe.logs import log_internal_error  # noqa: PLC0415

    log_internal_error(error)
    print_error(f"s3mover: internal error, please report it: {type(error).__name__}: {error}\n")
    return ExitCode.INTERNAL_ERROR


@dataclass(frozen=True)
class CommandLine:
    """The options before the command: the settings file and single settings."""

    config: Path | None
    overrides: Mapping[str, object]

    def settings(self, *, buckets: bool = True, route: str | None = None) -> "Settings":
        """Load the settings: `buckets` says whether the command requires buckets, `route` selects one of the routes."""
        import os  # noqa: PLC0415

        from s3mover.settings.load import load  # noqa: PLC0415
        from s3mover.settings.route_selection import select_route  # noqa: PLC0415

        return select_route(load(self.config, os.environ, self.overrides, buckets=buckets), route)

    def settings_request(self, route: str | None = None, *, buckets: bool = True) -> "SettingsRequest":
        """Return the request for the configuration process, which reads the settings of commands that stay."""
        from s3mover.app.config_process import SettingsRequest  # noqa: PLC0415

        return SettingsRequest(self.config, self.overrides, route, buckets)


def _single_settings(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for name, equals, _ in pairs:
        if not equals:
            raise click.BadParameter(f"{name!r} has no value (expected NAME=VALUE, e.g. sweep.interval=5m)")
    return {name: value for name, _, value in pairs}


def _dollars(text: str, option: str) -> int:
    """Return the micro-dollars that an option gives."""
    from s3mover.costs.money import parse_money  # noqa: PLC0415

    try:
        return parse_money(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error} (expected e.g. 5.00)", param_hint=option) from error


def _require_utf8(text: str, option: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise click.BadParameter(f"{text!r} is not UTF-8", param_hint=option) from error


def _duration(text: str) -> float:
    from s3mover.settings.units import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error


one_route = click.option(
    "--route", metavar="NAME", help="Only this route of the settings.  [default: all, one after the other]"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="s3mover")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings file.  [default: $S3MOVER_CONFIG, else ./config.yaml]",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_single_settings,
    help="A single setting, e.g. transfer.method=streaming; overrides environment and file. Repeatable.",
)
@click.pass_context
def commands(context: click.Context, config: Path | None, overrides: dict[str, str]) -> None:
    """Copy new and changed objects from an S3 bucket to a bucket of another account, with an audit trail."""
    context.obj = CommandLine(config, overrides)


@commands.command()
@click.option(
    "--max-sweeps",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Stop after N sweeps, with the exit code of the last one.",
)
@click.option(
    "--no-standby",
    is_flag=True,
    help="End with exit code 4 when another instance holds the lease, or takes it.",
)
@click.pass_obj
def run(line: CommandLine, max_sweeps: int | None, no_standby: bool) -> ExitCode:
    """Sweep repeatedly, sweep.interval apart, until SIGTERM or SIGINT."""
    from s3mover.app.preload import gc_paused, start_config_process, start_fork_server  # noqa: PLC0415
    from s3mover.lifecycle.signals import exiting_on_term  # noqa: PLC0415

    request = line.settings_request()
    # Until the daemon installs its own handlers.
    with exiting_on_term(ExitCode.OK), start_config_process(request) as config_process:
        # Imported while the configuration process reads the settings.
        with gc_paused():
            from s3mover.app.daemon import run_daemon  # noqa: PLC0415

        with start_fork_server(config_process) as preloaded:
            return run_daemon(request, preloaded, max_sweeps=max_sweeps or 0, standby=not no_standby)


@commands.command()
@click.option("--reason", metavar="TEXT", default="", help="Why; shown wherever the pause is.")
@one_route
@click.pass_obj
def pause(line: CommandLine, reason: str, route: str | None) -> ExitCode:
    """Pause all instances: no new work starts, work in flight finishes, until `resume`."""
    from s3mover.commands.control import pause  # noqa: PLC0415

    _require_utf8(reason, "--reason")
    return pause(line.settings(route=route), click.echo, reason)


@commands.command()
@one_route
@click.pass_obj
def resume(line: CommandLine, route: str | None) -> ExitCode:
    """Resume all instances after a pause."""
    from s3mover.commands.control import resume  # noqa: PLC0415

    return resume(line.settings(route=route), click.echo)


@commands.command()
@click.option("--dry-run", is_flag=True, help="List and compare only; print what would be transferred.")
@click.option(
    "--progress/--no-progress", default=True, help="Show a progress bar on a terminal.", show_default=True
)
@click.option(
    "--wait", is_flag=True, help="Wait while another instance holds the lease on this pair of buckets."
)
@click.option("--now", is_flag=True, help="Ask the running instance that leads to start a sweep now.")
@click.option(
    "--max-cost",
    metavar="DOLLARS",
    default="0",
    help="Begin nothing more once requests, transfer and retrieval have cost so much, e.g. 5.00.  [default: no limit]",
)
@one_route
@click.pass_obj
def sweep(
    line: CommandLine,
    dry_run: bool,
    progress: bool,
    wait: bool,
    now: bool,
    max_cost: str,
    route: str | None,
) -> ExitCode:
    """Run one sweep, or with --now ask the running instances for one."""
    budget = _dollars(max_cost, "--max-cost")
    if now and (dry_run or wait or budget):
        raise click.UsageError(
            "--now asks a running instance; it goes with none of --dry-run, --wait and --max-cost."
        )
    if now:
        return _ask_leader(line, route, "sweep")
    if dry_run:
        from s3mover.commands.dry_run import dry_run as print_plan  # noqa: PLC0415

        return print_plan(line.settings(route=route), click.echo)
    from s3mover.app.preload import gc_paused, start_config_process, start_fork_server  # noqa: PLC0415

    with start_config_process(line.settings_request(route)) as config_process:
        # Imported while the configuration process reads the settings.
        with gc_paused():
            from s3mover.commands.sweep import sweep_once  # noqa: PLC0415

        with start_fork_server(config_process) as preloaded:
            return sweep_once(preloaded, progress=progress, wait=wait, max_cost=budget)


@commands.command()
@one_route
@click.pass_obj
def reload(line: CommandLine, route: str | None) -> ExitCode:
    """Reload the settings of all running instances, and print what changed at the one that leads."""
    return _ask_leader(line, route, "reload")


@commands.command()
@click.option("--url", is_flag=True, help="Print where its status page is (http.url) instead.")
@one_route
@click.pass_obj
def leader(line: CommandLine, url: bool, route: str | None) -> ExitCode:
    """Print the host or pod name of the running instance that leads."""
    from s3mover.commands.leader import leader  # noqa: PLC0415

    return leader(line.settings(route=route), click.echo, url=url, heading=route is None)


def _ask_leader(line: CommandLine, route: str | None, kind: str) -> ExitCode:
    from s3mover.commands.ask_leader import ask_leader  # noqa: PLC0415
    from s3mover.model import RequestKind  # noqa: PLC0415

    return ask_leader(line.settings(route=route), click.echo, RequestKind(kind))


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with --watch one a line.")
@click.option("--watch", is_flag=True, help="Print it anew every two seconds, until interrupted.")
@click.option(
    "--url",
    metavar="URL",
    help="An instance elsewhere, e.g. http://mover:8080.  [default: the daemon on this machine, by control.socket]",
)
@click.pass_obj
def status(line: CommandLine, as_json: bool, watch: bool, url: str | None) -> ExitCode:
    """Print what a running instance is doing: state, current sweep, costs, last sweeps and failures."""
    from s3mover.commands.status import status  # noqa: PLC0415
    from s3mover.commands.status_source import from_socket, from_url  # noqa: PLC0415

    source = from_url(url) if url else from_socket(line.settings(buckets=False).control.socket)
    return status(source, click.echo, as_json=as_json, watch=watch)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_route
@click.pass_obj
def estimate(line: CommandLine, as_json: bool, route: str | None) -> ExitCode:
    """List and compare as a dry run does, and print what a sweep would cost."""
    from s3mover.commands.estimate import estimate  # noqa: PLC0415

    return estimate(line.settings(route=route), click.echo, as_json=as_json)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@one_route
@click.pass_obj
def check(line: CommandLine, as_json: bool, route: str | None) -> ExitCode:
    """Test the settings, the database, both buckets and the permissions."""
    from s3mover.commands.check import check  # noqa: PLC0415

    return check(line.settings(route=route), click.echo, as_json=as_json)


@commands.command()
@click.option("--side", type=click.Choice(["source", "destination"]), help="Only the documents of this side.")
@click.option(
    "--source-key", metavar="ARN", default="", help="The KMS key that encrypts the objects of the source."
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "cloudformation", "terraform"]),
    default="text",
    show_default=True,
    help="A template creates the role and the bucket policy of one account, named by --side.",
)
@click.option("--json", "output", flag_value="json", help="The same as --format json.")
@one_route
@click.pass_obj
def policy(line: CommandLine, side: str | None, source_key: str, output: str, route: str | None) -> ExitCode:
    """Print the policy documents with the minimal permissions for both accounts, or a template that creates them."""
    from s3mover.commands.policy import TEMPLATES, policy, template  # noqa: PLC0415

    settings = line.settings(route=route)
    if output in TEMPLATES:
        return template(settings, click.echo, side=side, source_key=source_key, kind=output)
    return policy(settings, click.echo, side=side, source_key=source_key, as_json=output == "json")


@commands.command()
@click.option("--deep", is_flag=True, help="Read and hash objects whose checksums cannot be compared.")
@click.option("--properties", is_flag=True, help="Compare headers, metadata and tags, too.")
@click.option("--exact", is_flag=True, help="Objects that only the destination has are differences, too.")
@one_route
@click.pass_obj
def verify(line: CommandLine, deep: bool, properties: bool, exact: bool, route: str | None) -> ExitCode:
    """Compare source and destination, without changing anything, and print each difference."""
    from s3mover.commands.verify import VerifyOptions, verify  # noqa: PLC0415

    options = VerifyOptions(deep=deep, properties=properties, exact=exact)
    return verify(line.settings(route=route), click.echo, options)


@commands.command()
@click.option("--failed", is_flag=True, help="Only failed transfers.")
@click.option("--deletions", is_flag=True, help="Only deletions at the destination.")
@click.option(
    "--since",
    metavar="DURATION",
    default="0",
    help="Only rows of this last period, e.g. 24h.  [default: all]",
)
@click.option("--sweep", "sweep_id", type=int, help="Only this sweep.")
@click.option(
    "--format", "output", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
@click.option("--route", metavar="NAME", help="Only this route of the settings.  [default: all]")
@click.pass_obj
def report(
    line: CommandLine,
    failed: bool,
    deletions: bool,
    since: str,
    sweep_id: int | None,
    output: str,
    route: str | None,
) -> ExitCode:
    """Print totals, the latest sweeps and the latest failures from the audit trail."""
    from s3mover.commands.report import report  # noqa: PLC0415

    seconds = _duration(since)
    if failed and deletions:
        raise click.UsageError("Give --failed or --deletions, not both.")
    one_route = route is not None
    settings = line.settings(buckets=one_route, route=route)
    return report(
        settings,
        click.echo,
        failed=failed,
        since=seconds,
        sweep_id=sweep_id,
        output=output,
        one_route=one_route,
        deletions=deletions,
    )


@commands.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "every", is_flag=True, help="All waiting objects.")
@one_route
@click.pass_obj
def retry(line: CommandLine, keys: tuple[str, ...], every: bool, route: str | None) -> ExitCode:
    """Retry objects that wait after failing in the next sweep; KEY is the full key at the source."""
    from s3mover.commands.retry import retry  # noqa: PLC0415

    if every == bool(keys):
        raise click.UsageError("Give the keys to retry, or --all.")
    for key in keys:
        _require_utf8(key, "KEY")
    return retry(line.settings(route=route), click.echo, keys)


@commands.command()
@click.option(
    "--host",
    default="0.0.0.0",  # noqa: S104 - machines are elsewhere
    show_default=True,
    help="The address to listen on, e.g. :: for IPv6.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8786, show_default=True)
@click.pass_obj
def scheduler(line: CommandLine, host: str, port: int) -> ExitCode:
    """Run the Dask scheduler, at which supervisor and machines meet, until SIGTERM or SIGINT."""
    from s3mover.commands.scheduler import scheduler  # noqa: PLC0415

    return scheduler(line.settings_request(buckets=False), host, port)


@commands.command()
@click.option("--scheduler", metavar="tls://HOST:PORT", help="The scheduler.  [default: scale.scheduler]")
@click.option("--name", help="The name of this machine, which no other has.  [default: HOST-PROCESS]")
@click.pass_obj
def worker(line: CommandLine, scheduler: str | None, name: str | None) -> ExitCode:
    """Work as one of many machines on the sweeps of a supervisor, until SIGTERM or SIGINT."""
    import os  # noqa: PLC0415
    import socket  # noqa: PLC0415

    from s3mover.app.preload import gc_paused, start_config_process, start_fork_server  # noqa: PLC0415

    overrides = {"scale.scheduler": scheduler} if scheduler is not None else {}
    request = CommandLine(line.config, {**line.overrides, **overrides}).settings_request()
    with start_config_process(request) as config_process:
        # Imported while the configuration process reads the settings.
        with gc_paused():
            from s3mover.app.machine_process import run_machine  # noqa: PLC0415
            from s3mover.app.machine_ranges import open_machine_ranges  # noqa: PLC0415

        with start_fork_server(config_process) as preloaded:
            name = name or f"{socket.gethostname()}-{os.getpid()}"
            return run_machine(request, preloaded, name, open_machine_ranges)


@commands.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def certificates(directory: Path) -> ExitCode:
    """Make a certificate authority and certificates for a try-out of many machines."""
    from s3mover.commands.certificates import certificates  # noqa: PLC0415

    return certificates(directory, click.echo)


@commands.group("events")
def events() -> None:
    """Receive the source's events: changes are moved within seconds."""


@events.command("print")
@click.option("--stack", type=click.Choice(["cloudformation"]), required=True, help="The kind of template.")
@click.option(
    "--via",
    type=click.Choice(["notification", "eventbridge"]),
    default="notification",
    show_default=True,
    help="How the bucket sends its events to the queue.",
)
@one_route
@click.pass_obj
def events_print(line: CommandLine, stack: str, via: str, route: str | None) -> ExitCode:  # noqa: ARG001 - one so far
    """Print a template with the queue, its dead-letter queue, policies and alarms, for the account of the source."""
    from s3mover.commands.events_print import print_events  # noqa: PLC0415

    return print_events(line.settings(route=route), click.echo, via)


@commands.group()
def deletions() -> None:
    """Review and approve deletions at the destination."""


@deletions.command("list")
@click.option(
    "--format", "output", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
@one_route
@click.pass_obj
def deletions_list(line: CommandLine, output: str, route: str | None) -> ExitCode:
    """Print the objects that only the destination has and that wait for a deletion, or for its confirmation."""
    from s3mover.commands.deletions import list_deletions  # noqa: PLC0415

    return list_deletions(line.settings(route=route), click.echo, output)


@deletions.command("approve")
@click.argument("digest")
@one_route
@click.pass_obj
def deletions_approve(line: CommandLine, digest: str, route: str | None) -> ExitCode:
    """Approve all confirmed deletions at once, above the limits; DIGEST is what `deletions list` prints for them."""
    from s3mover.commands.deletions import approve_deletions  # noqa: PLC0415

    return approve_deletions(line.settings(route=route), click.echo, digest)


@commands.group()
def audit() -> None:
    """Verify, prove and export what the audit trail says, by its seals."""


@audit.command("verify")
@click.option("--since", default="0", metavar="DURATION", help="Only what was sealed so recently, e.g. 24h.")
@click.option(
    "--sweep", type=click.IntRange(min=1), help="Only this sweep, or batch of events, and its amendments."
)
@click.option("--anchor", is_flag=True, help="Compare the seals with those that audit.anchor holds.")
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="A key that seals must be signed with. Repeatable.  [default: that of audit.signing_key_file]",
)
@click.option(
    "--head", default="", metavar="HASH", help="The hash of a seal that must be there, e.g. from a log."
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@one_route
@click.pass_obj
def audit_verify(
    line: CommandLine,
    since: str,
    sweep: int | None,
    anchor: bool,
    public_keys: tuple[str, ...],
    head: str,
    output: str,
    route: str | None,
) -> ExitCode:
    """Recompute the seals, and name the sweeps and rows that were changed, removed or added since."""
    from s3mover.app.factories import pair_of  # noqa: PLC0415
    from s3mover.commands.audit_verify import VerifyScope, verify  # noqa: PLC0415

    settings = line.settings(buckets=route is not None, route=route)
    pair = pair_of(settings) if route is not None else None
    scope = VerifyScope(_duration(since), sweep or 0, public_keys, head, pair)
    return verify(settings, click.echo, scope, output, anchor=anchor)


@audit.command("prove")
@click.argument("key")
@click.option(
    "--sweep", type=click.IntRange(min=1), help="The row of this sweep.  [default: the newest sealed one]"
)
@click.pass_obj
def audit_prove(line: CommandLine, key: str, sweep: int | None) -> ExitCode:
    """Print the row of the object KEY with its Merkle path and seal, for docs/check_proof.py."""
    from s3mover.commands.audit_prove import prove  # noqa: PLC0415

    _require_utf8(key, "KEY")
    return prove(line.settings(buckets=False), click.echo, key, sweep or 0)


@audit.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "output", type=click.Choice(["jsonl", "csv", "parquet"]), default="jsonl", show_default=True
)
@click.option(
    "--since", default="0", metavar="DURATION", help="Only sweeps that started so recently, e.g. 24h."
)
@click.option("--sweep", type=click.IntRange(min=1), help="Only this sweep, or batch of events.")
@one_route
@click.pass_obj
def audit_export(
    line: CommandLine, file: Path, output: str, since: str, sweep: int | None, route: str | None
) -> ExitCode:
    """Write all rows to FILE, and their number and Merkle roots to FILE.manifest.json."""
    from s3mover.app.factories import pair_of  # noqa: PLC0415
    from s3mover.commands.audit_export import ExportScope, export  # noqa: PLC0415

    settings = line.settings(buckets=route is not None, route=route)
    scope = ExportScope(_duration(since), sweep or 0, pair_of(settings) if route is not None else None)
    return export(settings, click.echo, file, output, scope)


@audit.command("keygen")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def audit_keygen(file: Path) -> ExitCode:
    """Make the Ed25519 key that signs seals: FILE, and FILE.pub."""
    from s3mover.commands.audit_keygen import keygen  # noqa: PLC0415

    return keygen(file, click.echo)


@commands.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("certificate"),
    show_default=True,
    help="Where to write: OUTPUT.json and OUTPUT.html.",
)
@click.option("--deep", is_flag=True, help="Read and compare bytes where no checksum can be compared.")
@click.option("--route", metavar="NAME", help="The route of the settings, if they have routes.")
@click.pass_obj
def certificate(line: CommandLine, output: Path, deep: bool, route: str | None) -> ExitCode:
    """Compare both buckets in full, and write a report for an auditor: JSON, and HTML that prints on A4."""
    from s3mover.commands.certificate import certificate  # noqa: PLC0415

    return certificate(line.settings(route=route), click.echo, output, deep=deep)


@commands.group()
def schema() -> None:
    """Manage the schema of the audit database."""


@schema.command("apply")
@click.pass_obj
def schema_apply(line: CommandLine) -> ExitCode:
    """Migrate the audit database to the newest schema."""
    from s3mover.commands.schema import apply  # noqa: PLC0415

    return apply(line.settings(buckets=False), click.echo)


@schema.command("show")
@click.pass_obj
def schema_show(line: CommandLine) -> ExitCode:
    """Print the SQL that `schema apply` would run."""
    from s3mover.commands.schema import show  # noqa: PLC0415

    return show(line.settings(buckets=False), click.echo)


@commands.command()
@click.option("--keep", is_flag=True, help="Keep sweeping, with the endpoints open, until interrupted.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("s3mover-demo"),
    show_default=True,
    help="Directory of the demo's audit database and summaries.",
)
@click.option(
    "--workers",
    type=click.IntRange(0, 16),
    default=0,
    help="Machines (processes here) that share the sweeps.",
)
@click.option("--events", is_flag=True, help="Move the last documents by the bucket's events.")
def demo(keep: bool, directory: Path, workers: int, events: bool) -> ExitCode:
    """Run a demonstration on this machine, without any configuration."""
    from s3mover.demo.scenario import run_demo  # noqa: PLC0415

    return run_demo(directory, keep=keep, workers=workers, events=events)
