"""The demo as a story: documents appear, are moved, change, are moved again, and both buckets prove equal.

It drives the very engine that `s3mover run` drives; only the S3 server is an embedded one.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from s3mover.app.current_settings import Current
from s3mover.app.daemon import live
from s3mover.app.observers import Observers
from s3mover.app.preload import start_config_process, start_fork_server
from s3mover.app.route_engine import RouteEngine, open_route_engine
from s3mover.app.shared_runtime import SharedRuntime, open_shared_runtime
from s3mover.app.summaries import summary_report
from s3mover.demo.documents import additions, changes, documents
from s3mover.demo.proof import compare_buckets
from s3mover.demo.server import DemoServer, demo_server
from s3mover.errors import ExitCode, LeaseHeldError, MoverError, SettingsError
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.observe.logs import LogListener, configure
from s3mover.observe.progress import ProgressListener
from s3mover.observe.summary import report
from s3mover.settings.load import load

# Lies in the folders that a demo made, and may therefore remove.
MARK = ".s3mover-demo"
CONFIG = """\
# Written by `s3mover demo`; its credentials are worth nothing outside the demo.
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
    """The demo did not come to the end that it promises."""

    exit_code = ExitCode.SOME_FAILED


def tell(directory: Path, *, keep: bool) -> ExitCode:
    """Play the story in `directory`, which is made anew; with `keep` go on as the daemon until interrupted.

    Raises:
        MoverError: a sweep failed, or the buckets are not equal in the end.
    """
    stop = Stop()
    with demo_server() as server, stopping_on_signals(stop, lambda: 5.0):
        config = _write_config(_fresh(directory), server)
        _say(f"🪣 An S3 server with two accounts runs at {server.endpoint_url}.")
        count = server.put(documents())
        _say(f"📄 {count} documents lie in account {server.source.number}, bucket {server.source.bucket}.")
        with _engine(config, {}, stop) as (engine, bar, port):
            _tell_endpoints(engine.runtime, port)
            _sweep(engine, bar, count, "everything, by server-side copy where permitted")
            changed = server.put(changes())
            _say(f"\n✏️  {changed} documents were changed or added.")
            _sweep(engine, bar, changed, "only what changed")
        added = server.put(additions())
        _say(f"\n🆕 {added} documents were added; server-side copy is now forbidden by the settings.")
        with _engine(config, {"transfer.method": "streaming"}, stop) as (engine, bar, _):
            _sweep(engine, bar, added, "only what is new, streaming")
        _prove(server)
        _tell_where(directory, config)
        if keep:
            _go_on(config, stop)
    return ExitCode.OK


def _fresh(directory: Path) -> Path:
    """Make the folder anew; one that an earlier demo did not make is not touched."""
    if directory.exists() and not (directory / MARK).exists():
        raise SettingsError(
            [f"--directory: {directory} was not made by a demo; name one that does not exist yet"]
        )
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / MARK).touch()
    return directory


def _write_config(directory: Path, server: DemoServer) -> Path:
    path = directory / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(
        CONFIG.format(buckets=server.settings(server.endpoint_url), directory=directory), encoding="utf-8"
    )
    return path


@contextmanager
def _engine(
    config: Path, overrides: dict[str, object], stop: Stop
) -> Iterator[tuple[RouteEngine, ProgressListener, int]]:
    settings = load(config, {}, overrides)
    bar = ProgressListener(sys.stdout)
    configure(settings.log.level, settings.log.format, bar.stream)
    current = Current(settings)
    observers = Observers(current.routes, [LogListener(), bar])
    with (
        start_config_process() as config_process,
        start_fork_server(config_process) as early,
        observers.serving(settings.http) as port,
        open_shared_runtime(current, early, stop, observers) as runtime,
        open_route_engine(runtime, "", beside=runtime.run_periodic) as engine,
    ):
        if not engine.acquire():
            raise LeaseHeldError("another demo works in this folder")
        yield engine, bar, port


def _sweep(engine: RouteEngine, bar: ProgressListener, expected: int, what: str) -> None:
    _say(f"\n🔄 Sweep: {what}.")
    with bar:
        result = engine.round.run()
    if engine.stop.requested:
        raise KeyboardInterrupt
    if result.error is not None:
        raise result.error
    _say(report.render(summary_report(result)))
    if result.record.tally.succeeded != expected:
        raise DemoError(
            f"{result.record.tally.succeeded} objects were moved where {expected} should have been"
        )
    _say(f"✅ {expected} moved. Summary file: {result.record.summary_file}")


def _prove(server: DemoServer) -> None:
    _say("\n🔎 Reading every byte of both buckets, with an S3 client that is not ours ...")
    count, different = compare_buckets(server)
    if different:
        raise DemoError(
            f"the buckets are not equal, {len(different)} objects differ: {', '.join(different[:5])}"
        )
    _say(f"✅ Both buckets are equal byte for byte, properties included: {count} objects.")


def _tell_endpoints(runtime: SharedRuntime, port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    _say(f"👷 {runtime.pool.threads} threads in {runtime.pool.processes} worker processes.")
    _say(f"📈 Metrics: {base}/metrics   status: {base}/status   health: {base}/healthz")


def _tell_where(directory: Path, config: Path) -> None:
    _say(f"\n📁 Audit database: {directory / 'audit.db'}")
    _say(f"📁 Summary files:  {directory / 'logs'}")
    _say(f"💡 Look around:    s3mover --config {config} report")


def _go_on(config: Path, stop: Stop) -> None:
    _say("\n♾️  Sweeping every 5 seconds until Ctrl-C.")
    settings = load(config, {}, {"log.level": "info"})
    configure(settings.log.level, settings.log.format, sys.stdout)
    current = Current(settings)
    observers = Observers(current.routes, [LogListener()])
    with (
        start_config_process() as config_process,
        start_fork_server(config_process) as early,
        observers.serving(settings.http) as port,
        open_shared_runtime(current, early, stop, observers, OperatorRequests()) as runtime,
    ):
        _tell_endpoints(runtime, port)
        live(runtime)


def _say(text: str) -> None:
    click.echo(text)
