"""The commands, and the one place that turns what happened into an exit code.

What a command needs is imported when it runs: `--version` and worker processes must not wait for AWS libraries.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from s3mover import __version__
from s3mover.errors import ExitCode, MoverError

if TYPE_CHECKING:
    from s3mover.app.config_process import SettingsRequest
    from s3mover.settings.model import Settings


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code of the contract; no exception leaves this function."""
    try:
        code = commands(list(arguments), prog_name="s3mover", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except MoverError as error:
        click.echo(f"s3mover: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has enough, as in `s3mover report | head`.
        sys.stderr.close()
        return ExitCode.OK
    except Exception as internal_error:  # noqa: BLE001 - the last door: whatever comes here is a defect of ours
        _report_internal_error(internal_error)
        return ExitCode.DEFECT
    return ExitCode(code or ExitCode.OK)


def _report_internal_error(internal_error: Exception) -> None:
    from s3mover.observe.logs import log_internal_error  # noqa: PLC0415

    log_internal_error(internal_error)
    click.echo(
        f"s3mover: a defect of ours, please report it: {type(internal_error).__name__}: {internal_error}",
        err=True,
    )


@dataclass(frozen=True)
class CommandLine:
    """What stands before the command: the settings' file and single settings."""

    config: Path | None
    overrides: Mapping[str, object]

    def settings(self, *, buckets: bool = True, route: str | None = None) -> "Settings":
        """Load the settings; `buckets` says whether the command cannot do without them, `route` which one is meant."""
        import os  # noqa: PLC0415

        from s3mover.settings.load import load  # noqa: PLC0415
        from s3mover.settings.route_selection import select_route  # noqa: PLC0415

        return select_route(load(self.config, os.environ, self.overrides, buckets=buckets), route)

    def settings_request(self, route: str | None = None) -> "SettingsRequest":
        """Return what the clerk is asked for, who reads the settings where much else is to be done."""
        from s3mover.app.config_process import SettingsRequest  # noqa: PLC0415

        return SettingsRequest(self.config, self.overrides, route)


def _single_settings(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for name, equals, _ in pairs:
        if not equals:
            raise click.BadParameter(f"{name!r} has no value; expected NAME=VALUE, as in sweep.interval=5m")
    return {name: value for name, _, value in pairs}


one_route = click.option(
    "--route", metavar="NAME", help="Only this one of the settings' routes; else all, in turn."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="s3mover")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings' file; $S3MOVER_CONFIG, else ./config.yaml, where it is not named.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_single_settings,
    help="One setting, as in --set transfer.method=streaming; wins over environment and file.",
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
    help="End after so many sweeps, with the exit code of the last one.",
)
@click.pass_obj
def run(line: CommandLine, max_sweeps: int | None) -> ExitCode:
    """Sweep, wait sweep.interval, and again, until SIGTERM or SIGINT."""
    from s3mover.app.preload import loading, start_config_process, start_fork_server  # noqa: PLC0415

    settings_request = line.settings_request()
    with start_config_process(settings_request) as config_process:
        # While the settings are read.
        with loading():
            from s3mover.app.daemon import run_daemon  # noqa: PLC0415

        with start_fork_server(config_process) as early:
            return run_daemon(settings_request, early, max_sweeps=max_sweeps or 0)


@commands.command()
@click.pass_obj
def pause(line: CommandLine) -> ExitCode:
    """Tell the daemon to begin nothing new; what is in flight ends."""
    from s3mover.commands.dry_run import tell_daemon  # noqa: PLC0415

    return tell_daemon(line.settings(buckets=False), "pause", click.echo)


@commands.command()
@click.pass_obj
def resume(line: CommandLine) -> ExitCode:
    """Tell the daemon to go on after a pause."""
    from s3mover.commands.dry_run import tell_daemon  # noqa: PLC0415

    return tell_daemon(line.settings(buckets=False), "resume", click.echo)


@commands.command()
@click.option("--dry-run", is_flag=True, help="List and compare only; say what would be transferred.")
@click.option("--progress/--no-progress", default=True, help="A live bar on a terminal.")
@click.option("--wait", is_flag=True, help="Wait while another instance works on this pair of buckets.")
@one_route
@click.pass_obj
def sweep(line: CommandLine, dry_run: bool, progress: bool, wait: bool, route: str | None) -> ExitCode:
    """Sweep once."""
    if dry_run:
        from s3mover.commands.dry_run import preview  # noqa: PLC0415

        return preview(line.settings(route=route), click.echo)
    from s3mover.app.preload import loading, start_config_process, start_fork_server  # noqa: PLC0415

    with start_config_process(line.settings_request(route)) as config_process:
        # While the settings are read.
        with loading():
            from s3mover.commands.sweep import sweep_once  # noqa: PLC0415

        with start_fork_server(config_process) as early:
            return sweep_once(early, progress=progress, wait=wait)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
@one_route
@click.pass_obj
def check(line: CommandLine, as_json: bool, route: str | None) -> ExitCode:
    """Test settings, database, both buckets and permissions; one line each."""
    from s3mover.commands.dry_run import check  # noqa: PLC0415

    return check(line.settings(route=route), click.echo, as_json=as_json)


@commands.command()
@click.option("--side", type=click.Choice(["source", "destination"]), help="Only the documents of this end.")
@click.option(
    "--source-key", metavar="ARN", default="", help="The KMS key that encrypts the source's objects."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@one_route
@click.pass_obj
def policy(
    line: CommandLine, side: str | None, source_key: str, as_json: bool, route: str | None
) -> ExitCode:
    """Print the least that both accounts must permit, as policy documents."""
    from s3mover.commands.dry_run import policy  # noqa: PLC0415

    return policy(line.settings(route=route), click.echo, side=side, source_key=source_key, as_json=as_json)


@commands.command()
@click.option("--deep", is_flag=True, help="Read and hash the bytes where ETags cannot be compared.")
@one_route
@click.pass_obj
def verify(line: CommandLine, deep: bool, route: str | None) -> ExitCode:
    """Compare source and destination without changing anything; a line per difference."""
    from s3mover.commands.dry_run import verify  # noqa: PLC0415

    return verify(line.settings(route=route), click.echo, deep=deep)


@commands.command()
@click.option("--failed", is_flag=True, help="Failed transfers only.")
@click.option("--since", metavar="DURATION", default="0", help="Only the last so long, as in 24h.")
@click.option("--sweep", "sweep_id", type=int, help="Only this sweep.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
@click.option("--route", metavar="NAME", help="Only this one of the settings' routes; else all, told apart.")
@click.pass_obj
def report(
    line: CommandLine, failed: bool, since: str, sweep_id: int | None, form: str, route: str | None
) -> ExitCode:
    """Tell from the trail: totals, the latest sweeps, the latest failures."""
    from s3mover.commands.report import report  # noqa: PLC0415
    from s3mover.settings.units import parse_duration  # noqa: PLC0415

    try:
        seconds = parse_duration(since)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error
    one_route = route is not None
    settings = line.settings(buckets=one_route, route=route)
    return report(
        settings, click.echo, failed=failed, since=seconds, sweep_id=sweep_id, form=form, one_route=one_route
    )


@commands.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "every", is_flag=True, help="All objects of this pair that wait.")
@one_route
@click.pass_obj
def retry(line: CommandLine, keys: tuple[str, ...], every: bool, route: str | None) -> ExitCode:
    """Let the next sweep try objects that wait after failing; each KEY is the source's, whole."""
    from s3mover.commands.retry import retry  # noqa: PLC0415

    if every == bool(keys):
        raise click.UsageError("Name the keys to try again, or all of them by --all.")
    return retry(line.settings(route=route), click.echo, keys)


@commands.group()
def schema() -> None:
    """The audit database's schema."""


@schema.command("apply")
@click.pass_obj
def schema_apply(line: CommandLine) -> ExitCode:
    """Bring the audit database to the newest schema."""
    from s3mover.commands.dry_run import apply_schema  # noqa: PLC0415

    return apply_schema(line.settings(buckets=False), click.echo)


@schema.command("show")
@click.pass_obj
def schema_show(line: CommandLine) -> ExitCode:
    """Print what `schema apply` would run."""
    from s3mover.commands.dry_run import show_schema  # noqa: PLC0415

    return show_schema(line.settings(buckets=False), click.echo)


@commands.command()
@click.option("--keep", is_flag=True, help="Leave it running, its endpoints open, until interrupted.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("s3mover-demo"),
    show_default=True,
    help="Where the demo's audit database and summaries go.",
)
def demo(keep: bool, directory: Path) -> ExitCode:
    """Show the whole thing on this machine, with nothing to configure."""
    from s3mover.demo.story import tell  # noqa: PLC0415

    return tell(directory, keep=keep)
