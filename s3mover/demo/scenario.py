"""The demo's scenario: documents are added, copied, changed, copied again; then both buckets are compared.

It uses the same engine as `s3mover run`; only the S3 server is an embedded one.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from s3mover.app.current_settings import CurrentSettings
from s3mover.app.daemon import run_routes
from s3mover.app.observers import Observers
from s3mover.app.preload import start_config_process, start_fork_server
from s3mover.app.route_engine import RouteEngine, open_route_engine
from s3mover.app.shared_runtime import SharedRuntime, open_shared_runtime
from s3mover.app.summaries import summary_report
from s3mover.demo.cluster import DemoCluster, demo_cluster
from s3mover.demo.documents import additions, changes, documents
from s3mover.demo.proof import compare_buckets
from s3mover.demo.server import DemoServer, demo_server
from s3mover.errors import ExitCode, LeaseHeldError, MoverError, SettingsError
from s3mover.events import Notify
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.observe.logs import LogListener, configure
from s3mover.observe.progress import ProgressListener
from s3mover.observe.summary import report
from s3mover.settings.load import load

# Marks directories that a demo created and may delete.
MARKER = ".s3mover-demo"
CONFIG = """\
# Written by `s3mover demo`; the credentials are valid for its embedded server only.
{buckets}sweep:
  interval: 5s
audit:
  url: sqlite:///{directory}/audit.db
http:
  host: 127.0.0.1
  port: 0
log:
  level: warning
summary:
  directory: {directory}/logs
"""


class DemoError(MoverError):
    """The demo did not produce the expected result."""

    exit_code = ExitCode.SOME_FAILED


def run_demo(directory: Path, *, keep: bool, workers: int = 0, events: bool = False) -> ExitCode:
    """Run the scenario in `directory`, which is created anew; with `keep` run the daemon until interrupted.

    With `workers` so many machines do the first sweeps, and one of them is killed on the way. With `events` the last
    documents are moved by the daemon, because the source's bucket announces them.

    Raises:
        MoverError: a sweep failed, or the buckets differ at the end.
    """
    stop = Stop()
    with demo_server() as server, stopping_on_signals(stop, lambda: 5.0):
        config = _write_config(_recreate(directory), server, events=events)
        click.echo(f"🪣 An S3 server with two accounts runs at {server.endpoint_url}.")
        count = server.put(documents())
        click.echo(
            f"📄 {count} documents are in account {server.source.number}, bucket {server.source.bucket}."
        )
        with _cluster(config, directory, workers) as cluster:
            overrides = cluster.settings("supervisor") if cluster else {}
            listeners = [cluster.kill_one] if cluster else []
            with _engine(config, overrides, stop, listeners) as (engine, bar, port):
                _print_endpoints(engine.runtime, port)
                _sweep(engine, bar, count, "everything, by server-side copy where permitted")
                if cluster:
                    click.echo(f"💥 {cluster.killed} was killed in the midst; the others did its work.")
                changed = server.put(changes())
                click.echo(f"\n✏️  {changed} documents were changed or added.")
                _sweep(engine, bar, changed, "only what changed")
        if events:
            _move_by_events(config, server, stop)
        else:
            added = server.put(additions())
            click.echo(
                f"\n🆕 {added} documents were added; server-side copy is now forbidden by the settings."
            )
            with _engine(config, {"transfer.method": "streaming"}, stop) as (engine, bar, _):
                _sweep(engine, bar, added, "only what is new, streaming")
        _compare(server)
        _print_paths(directory, config)
        if keep:
            _run_daemon(config, stop)
    return ExitCode.OK


def _move_by_events(config: Path, server: DemoServer, stop: Stop) -> None:
    """Let the daemon move documents that are added while it runs, an hour before its next sweep."""
    from s3mover.demo.events import move_by_events  # noqa: PLC0415 - only with --events

    server.notify_queue()
    click.echo("\n🆕 Documents are added while the daemon runs; its next sweep is an hour away.")
    lags = move_by_events(config, lambda: server.put(additions()), stop)
    median = lags[len(lags) // 2]
    click.echo(
        f"✅ {len(lags)} moved by their events: half of them within {median:.1f} s, all within {lags[-1]:.1f} s."
    )


def _recreate(directory: Path) -> Path:
    """Create the directory anew, unless it exists and was not created by a demo."""
    if directory.exists() and not (directory / MARKER).exists():
        raise SettingsError(
            [f"--directory: {directory} was not created by a demo; use a directory that does not exist"]
        )
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / MARKER).touch()
    return directory


def _write_config(directory: Path, server: DemoServer, *, events: bool) -> Path:
    path = directory / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(
        CONFIG.format(buckets=server.settings(server.endpoint_url, events=events), directory=directory),
        encoding="utf-8",
    )
    return path


@contextmanager
def _cluster(config: Path, directory: Path, workers: int) -> Iterator[DemoCluster | None]:
    """Run a scheduler and machines, if there are to be any."""
    if not workers:
        yield None
        return
    with demo_cluster(config, directory.resolve() / "certificates", workers) as cluster:
        click.echo(f"🌐 A scheduler and {workers} machines work over mutual TLS; their log is {cluster.log}.")
        yield cluster


@contextmanager
def _engine(
    config: Path, overrides: dict[str, object], stop: Stop, listeners: Sequence[Notify] = ()
) -> Iterator[tuple[RouteEngine, ProgressListener, int]]:
    settings = load(config, {}, overrides)
    bar = ProgressListener(sys.stdout)
    configure(settings.log.level, settings.log.format, bar.stream)
    current = CurrentSettings(settings)
    observers = Observers(current.routes, [LogListener(), bar, *listeners])
    with (
        start_config_process() as config_process,
        start_fork_server(config_process) as preloaded,
        observers.serving(settings.http) as port,
        open_shared_runtime(current, preloaded, stop, observers) as runtime,
        open_route_engine(runtime, "", runtime.run_periodic) as engine,
    ):
        if not engine.acquire():
            raise LeaseHeldError("another demo runs in this directory")
        yield engine, bar, port


def _sweep(engine: RouteEngine, bar: ProgressListener, expected: int, what: str) -> None:
    click.echo(f"\n🔄 Sweep: {what}.")
    with bar:
        result = engine.cycle.run()
    if engine.stop.requested:
        raise KeyboardInterrupt
    if result.error is not None:
        raise result.error
    click.echo(report.render(summary_report(result)))
    if result.record.tally.succeeded != expected:
        raise DemoError(f"{result.record.tally.succeeded} objects were moved (expected {expected})")
    click.echo(f"✅ {expected} moved. Summary file: {result.record.summary_file}")


def _compare(server: DemoServer) -> None:
    click.echo("\n🔎 Reading every byte of both buckets with boto3 ...")
    count, different = compare_buckets(server)
    if different:
        raise DemoError(f"the buckets differ in {len(different)} objects: {', '.join(different[:5])}")
    click.echo(f"✅ Both buckets are equal byte for byte, properties included: {count} objects.")


def _print_endpoints(runtime: SharedRuntime, port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    click.echo(f"👷 {runtime.pool.threads} threads in {runtime.pool.processes} worker processes.")
    click.echo(f"📈 Metrics: {base}/metrics   status: {base}/status   health: {base}/healthz")


def _print_paths(directory: Path, config: Path) -> None:
    click.echo(f"\n📁 Audit database: {directory / 'audit.db'}")
    click.echo(f"📁 Summary files:  {directory / 'logs'}")
    click.echo(f"💡 Read the trail: s3mover --config {config} report")


def _run_daemon(config: Path, stop: Stop) -> None:
    click.echo("\n♾️  Sweeping every 5 seconds until Ctrl-C.")
    settings = load(config, {}, {"log.level": "info"})
    configure(settings.log.level, settings.log.format, sys.stdout)
    current = CurrentSettings(settings)
    observers = Observers(current.routes, [LogListener()])
    with (
        start_config_process() as config_process,
        start_fork_server(config_process) as preloaded,
        observers.serving(settings.http) as port,
        open_shared_runtime(current, preloaded, stop, observers, OperatorRequests()) as runtime,
    ):
        _print_endpoints(runtime, port)
        run_routes(runtime)
