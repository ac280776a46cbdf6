"""What the commands do, each in a few calls; how they are spelled is the command line's."""

import sys
from collections.abc import Callable
from contextlib import contextmanager

from s3mover import __version__
from s3mover.audit.opening import apply_schema as bring_up_to_date
from s3mover.audit.opening import schema_text
from s3mover.errors import ExitCode, LeaseHeldError
from s3mover.events import DaemonStarted, Event, Notify
from s3mover.model import SweepStatus
from s3mover.observe.logs import LogListener, configure, redact
from s3mover.observe.progress import ProgressListener
from s3mover.settings.model import Settings
from s3mover.stop import Stop
from s3mover.supervisor import Duties, Supervisor, stopping_on_signals
from s3mover.sweep.loop import SweepResult
from s3mover.verify import Comparison, Finding, byte_comparer
from s3mover.verify import verify as compare
from s3mover.wiring.engine import Engine, open_engine
from s3mover.wiring.parts import filter_of, listing, md5_etags, pair_of, planner, sides_of

Say = Callable[[str], None]


def run_daemon(settings: Settings) -> ExitCode:
    """Run until SIGTERM (exit code 0) or SIGINT (130).

    Raises:
        MoverError: the work could not be begun, or another instance took over.
    """
    _begin_logs(settings)
    stop = Stop()
    with stopping_on_signals(stop, settings.stop.grace):
        with open_engine(settings, stop, [LogListener()], serve_http=True) as engine:
            _supervisor(engine).run()
    return ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.OK


def _supervisor(engine: Engine) -> Supervisor:
    settings = engine.settings
    duties = Duties(engine.acquire, lambda: engine.round.run().error is None, engine.idle)
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
    configure(settings.log.level, settings.log.format, bar.stream)
    redact(secrets_of(settings))
    with stopping_on_signals(stop, settings.stop.grace):
        with open_engine(settings, stop, [LogListener(), bar], serve_http=False) as engine:
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
