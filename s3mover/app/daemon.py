"""The `run` command: each route runs on a thread of its own, another one does the periodic work of all.

The main thread only waits, so that a stop meets its deadline; see `lifecycle/deadline.py`.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from s3mover.app.config_process import SettingsRequest, read_settings
from s3mover.app.current_settings import CurrentSettings, secrets_of
from s3mover.app.exit_codes import exit_code_of
from s3mover.app.preload import Preloaded
from s3mover.app.process_runtime import open_process_runtime
from s3mover.app.route_engine import RouteEngine, open_route_engine
from s3mover.app.shared_runtime import SharedRuntime
from s3mover.errors import ExitCode, LeaseHeldError
from s3mover.events import DaemonStopped
from s3mover.lifecycle.deadline import run_until_deadline
from s3mover.lifecycle.route_thread import RouteHooks, RouteThread
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import Supervisor, SupervisorHooks
from s3mover.observe.logs import configure, redact
from s3mover.sweep.result import SweepResult

JOIN_SECONDS = 0.1


def run_daemon(
    request: SettingsRequest, preloaded: Preloaded, *, max_sweeps: int = 0, standby: bool = True
) -> ExitCode:
    """Run until SIGTERM (exit code 0) or SIGINT (130), or until each route ran `max_sweeps` sweeps (0: no limit).

    `request` is used again on each reload of the settings. After `max_sweeps` the exit code is the worst of the routes'
    last sweeps. With `standby` it waits while another instance holds the lease on a pair.

    Raises:
        SettingsError: the settings are invalid.
        MoverError: a route could not start, the last sweep was cut short, or another instance leads and this one
            may not stand by.
    """
    current = CurrentSettings(preloaded.config_process.settings(), lambda: read_settings(request))
    configure(current.settings.log.level, current.settings.log.format, sys.stdout)
    redact(secrets_of(current.settings), "settings")
    stop = Stop()
    with open_process_runtime(current, preloaded, stop) as runtime:
        results = run_routes(runtime, max_sweeps, standby=standby)
    if stop.requested:
        return ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.OK
    return max(map(exit_code_of, results), default=ExitCode.OK)


def run_routes(runtime: SharedRuntime, max_sweeps: int = 0, *, standby: bool = True) -> list[SweepResult]:
    """Run every route until a stop, and return the results of their last sweeps.

    Raises:
        MoverError: the error that ended the single pair of buckets, or all routes.
        Exception: an internal error.
    """
    runtime.notify(runtime.started())
    last: dict[str, SweepResult] = {}
    threads = [
        _route_thread(runtime, route, last, max_sweeps, standby=standby) for route in runtime.current.routes
    ]
    run_until_deadline(runtime.stop, partial(_run_threads, runtime, threads))
    runtime.notify(DaemonStopped(sum(thread.sweeps for thread in threads)))
    for thread in threads:
        if thread.error is not None:
            raise thread.error
    return [last[route] for route in runtime.current.routes if route in last]


def _run_threads(runtime: SharedRuntime, threads: Sequence[RouteThread]) -> None:
    """Run the threads to their end, and the periodic work meanwhile."""
    for thread in threads:
        thread.start()
    while alive := [thread for thread in threads if thread.is_alive()]:
        runtime.run_periodic()
        alive[0].join(JOIN_SECONDS)
    runtime.run_periodic()


def _route_thread(
    runtime: SharedRuntime, route: str, last: dict[str, SweepResult], max_sweeps: int, *, standby: bool
) -> RouteThread:
    hooks = RouteHooks(
        open_supervisor=partial(_open_supervisor, runtime, route, last, standby),
        notify=runtime.publishers.of(route),
        heartbeat=partial(runtime.publishers.heartbeat, route),
        grace=lambda: runtime.current.settings.stop.grace,
        standby=standby,
    )
    return RouteThread(route, hooks, runtime.stop, max_sweeps)


@contextmanager
def _open_supervisor(
    runtime: SharedRuntime,
    route: str,
    last: dict[str, SweepResult],
    standby: bool,
    max_sweeps: int,
    on_trail_opened: Callable[[], None],
) -> Iterator[Supervisor]:
    """Open the engine of a route and yield its supervisor; keep the result of its last sweep in `last`."""
    # `_run_threads` calls the runtime's `run_periodic`.
    with open_route_engine(runtime, route, lambda: None, on_trail_opened) as engine:
        try:
            yield _supervisor_of(engine, max_sweeps, standby=standby)
        finally:
            if engine.cycle.last is not None:
                last[route] = engine.cycle.last


def _supervisor_of(engine: RouteEngine, max_sweeps: int, *, standby: bool) -> Supervisor:
    hooks = SupervisorHooks(
        acquire=engine.acquire if standby else partial(_acquire_or_end, engine),
        sweep=engine.sweep,
        idle=engine.idle,
        blocked_by=engine.tools.blocked_by,
        interval=lambda: engine.settings.sweep.interval,
        renewals=lambda: engine.refresher.renewals,
        requests=lambda: engine.runtime.requests.sweeps_of(engine.route),
    )
    return Supervisor(hooks, str(engine.cycle.pair), engine.stop, engine.notify, max_sweeps=max_sweeps)


def _acquire_or_end(engine: RouteEngine) -> bool:
    """Take the lease; return False only if a stop was requested first.

    Raises:
        LeaseHeldError: another instance holds it.
    """
    acquired = engine.acquire_if_expired()
    if not acquired and not engine.stop.requested:
        raise LeaseHeldError(
            f"another instance works on {engine.cycle.pair}; without --no-standby this one waits until it ends"
        )
    return acquired
