"""The `sweep` command: every route once, in turn. What else commands do is `commands.py`'s."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from s3mover.app.current_settings import Current, secrets_of
from s3mover.app.exit_codes import exit_code_of
from s3mover.app.listeners import Listeners
from s3mover.app.preload import Preloaded
from s3mover.app.route_engine import RouteEngine, open_route_engine
from s3mover.app.shared_runtime import SharedRuntime, open_shared_runtime
from s3mover.errors import ExitCode, LeaseHeldError, MoverError
from s3mover.events import Notify, RouteFailed
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import wait_for_lease
from s3mover.observe.logs import LogListener, configure, redact

if TYPE_CHECKING:
    from s3mover.observe.progress import ProgressListener


def sweep_once(early: Preloaded, *, progress: bool, wait: bool) -> ExitCode:
    """Sweep once and tell by the exit code what came of it; with `wait` after waiting for another instance to end.

    Raises:
        SettingsError: the settings cannot be worked with.
        MoverError: the sweep could not be begun, or was cut short.
    """
    settings = early.config_process.settings()
    stop = Stop()
    bar = _bar() if progress and sys.stdout.isatty() else None
    # Lines above a living bar are dear, and the bar counts what they would tell; a log that is piped has them all.
    quiet = bar is not None and settings.log.level in {"debug", "info"}
    configure(
        "warning" if quiet else settings.log.level, settings.log.format, bar.stream if bar else sys.stdout
    )
    redact(secrets_of(settings), "settings")
    current = Current(settings)
    listeners: list[Notify] = [LogListener(), bar] if bar else [LogListener()]
    with (
        stopping_on_signals(stop, lambda: settings.stop.grace),
        open_shared_runtime(current, early, stop, Listeners(current.routes, listeners)) as runtime,
    ):
        ended = [
            _sweep_route(runtime, route, bar, wait=wait) for route in current.routes if not stop.requested
        ]
    for error in ended:
        if isinstance(error, MoverError):
            raise error
    codes = [code for code in ended if isinstance(code, ExitCode)]
    return ExitCode.INTERRUPTED if stop.requested else max(codes)


def _bar() -> "ProgressListener | None":
    # What draws it takes a tenth of a second to load, and is needed on terminals alone.
    from s3mover.observe.progress import ProgressListener  # noqa: PLC0415

    bar = ProgressListener(sys.stdout)
    return bar if bar.shown else None


def _sweep_route(
    runtime: SharedRuntime, route: str, bar: "ProgressListener | None", *, wait: bool
) -> ExitCode | MoverError:
    """Sweep one route, and return what came of it: one that fails does not keep the others from being swept."""
    try:
        with open_route_engine(runtime, route, beside=runtime.run_periodic) as engine:
            if not (engine.acquire() or (wait and _awaited(engine))):
                if runtime.stop.requested:
                    return ExitCode.INTERRUPTED
                raise LeaseHeldError(
                    f"another instance works on {engine.round.pair}; --wait waits for its end"
                )
            with bar or nullcontext():
                return exit_code_of(engine.round.run())
    except MoverError as error:
        if route:
            runtime.publishers.of(route)(RouteFailed(str(error), 0.0))
        return error


def _awaited(engine: RouteEngine) -> bool:
    return wait_for_lease(str(engine.round.pair), engine.acquire, engine.idle, engine.stop, engine.notify)
