"""The `sweep` command: sweeps every route once, one after the other."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from s3mover.app.current_settings import CurrentSettings, secrets_of
from s3mover.app.exit_codes import exit_code_of
from s3mover.app.listeners import Listeners
from s3mover.app.preload import Preloaded
from s3mover.app.route_engine import RouteEngine, open_route_engine
from s3mover.app.shared_runtime import SharedRuntime, open_shared_runtime
from s3mover.errors import ExitCode, LeaseHeldError, MoverError
from s3mover.events import Notify, RouteFailed
from s3mover.lifecycle.deadline import run_until_deadline
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import wait_for_lease
from s3mover.observe.logs import LogListener, configure, redact
from s3mover.settings import Settings

if TYPE_CHECKING:
    from s3mover.observe.progress import ProgressListener


def sweep_once(preloaded: Preloaded, *, progress: bool, wait: bool, max_cost: int = 0) -> ExitCode:
    """Sweep each route once and return the worst exit code; with `wait` wait for another instance to end.

    `max_cost` is what all routes together may cost, in micro-dollars; 0 for no limit.

    Raises:
        SettingsError: the settings are invalid.
        MoverError: a sweep could not start, or was cut short.
    """
    settings = preloaded.config_process.settings()
    stop = Stop()
    bar = _progress_bar() if progress and sys.stdout is not None and sys.stdout.isatty() else None
    _configure_log(settings, bar)
    current = CurrentSettings(settings)
    listeners: list[Notify] = [LogListener(), bar] if bar else [LogListener()]
    with (
        stopping_on_signals(stop, lambda: settings.stop.grace),
        open_shared_runtime(current, preloaded, stop, Listeners(current.routes, listeners)) as runtime,
    ):
        runtime.budget.limit = max_cost
        results = run_until_deadline(stop, lambda: _sweep_routes(runtime, bar, wait=wait))
    return _exit_code(results or (), interrupted=stop.requested)


def _sweep_routes(
    runtime: SharedRuntime, bar: "ProgressListener | None", *, wait: bool
) -> list[ExitCode | MoverError]:
    routes = runtime.current.routes
    return [_sweep_route(runtime, route, bar, wait=wait) for route in routes if not runtime.stop.requested]


def _progress_bar() -> "ProgressListener | None":
    # The library that draws it takes 100 ms to import, and is needed on terminals only.
    from s3mover.observe.progress import ProgressListener  # noqa: PLC0415

    bar = ProgressListener(sys.stdout)
    return bar if bar.shown else None


def _configure_log(settings: Settings, bar: "ProgressListener | None") -> None:
    """Configure the log; with a progress bar only warnings are logged.

    Lines printed above a live progress bar are expensive, because it is redrawn, and it shows the same counts.
    """
    quiet = bar is not None and settings.log.level in {"debug", "info"}
    level = "warning" if quiet else settings.log.level
    configure(level, settings.log.format, bar.stream if bar else sys.stdout)
    redact(secrets_of(settings), "settings")


def _sweep_route(
    runtime: SharedRuntime, route: str, bar: "ProgressListener | None", *, wait: bool
) -> ExitCode | MoverError:
    """Sweep one route and return its exit code or error: after an error the other routes are swept all the same."""
    try:
        with open_route_engine(runtime, route, runtime.run_periodic) as engine:
            if not (engine.acquire_if_expired() or (wait and _wait_for_lease(engine))):
                if runtime.stop.requested:
                    return ExitCode.INTERRUPTED
                raise LeaseHeldError(
                    f"another instance works on {engine.cycle.pair}; use --wait to wait until it ends"
                )
            with bar or nullcontext():
                return exit_code_of(engine.cycle.run())
    except MoverError as error:
        if route:
            runtime.publishers.of(route)(RouteFailed(str(error), 0.0))
        return error


def _wait_for_lease(engine: RouteEngine) -> bool:
    return wait_for_lease(str(engine.cycle.pair), engine.acquire, engine.idle, engine.stop, engine.notify)


def _exit_code(results: Sequence[ExitCode | MoverError], *, interrupted: bool) -> ExitCode:
    """Return the worst exit code, or raise the first error."""
    codes = []
    for result in results:
        if isinstance(result, MoverError):
            raise result
        codes.append(result)
    return ExitCode.INTERRUPTED if interrupted else max(codes)
