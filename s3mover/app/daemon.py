"""The `run` command: every route lives on a thread of its own, the main thread looks after what they share."""

import os
import sys
import threading
import time
from contextlib import ExitStack

from s3mover.app.config_process import SettingsRequest, read_settings
from s3mover.app.current_settings import Current, secrets_of
from s3mover.app.exit_codes import exit_code_of
from s3mover.app.observers import Observers
from s3mover.app.preload import Preloaded
from s3mover.app.reloader import Reloader
from s3mover.app.route_engine import RouteEngine, open_route_engine
from s3mover.app.shared_runtime import SharedRuntime, open_shared_runtime
from s3mover.audit.retrying_trail import LONGEST_WAIT_SECONDS, OutageAnnouncer
from s3mover.errors import AuditUnavailableError, ExitCode, MoverError
from s3mover.events import DaemonStopped, RouteFailed
from s3mover.lifecycle.control_listener import ControlListener, commands_of
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.signals import handling_signals, stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import Supervisor, SupervisorHooks, pause_after
from s3mover.observe.logs import LogListener, configure, redact
from s3mover.observe.systemd import ServiceNotifier
from s3mover.sweep.loop import SweepResult

TICK_SECONDS = 0.1
# The first wait of a route that cannot begin; later ones double.
FIRST_WAIT_SECONDS = 1.0


def run_daemon(settings_request: SettingsRequest, early: Preloaded, *, max_sweeps: int = 0) -> ExitCode:
    """Run until SIGTERM (exit code 0) or SIGINT (130), or until each route made so many sweeps (0: endlessly).

    The settings are those that are `settings_request`, at the start and whenever they are to be read again. After `max_sweeps`
    the worst of the routes' last sweeps says the exit code, as that of a single sweep does.

    Raises:
        SettingsError: the settings cannot be worked with.
        MoverError: the work could not be begun, another instance took over, or the last sweep was cut short.
    """
    current = Current(early.config_process.settings(), lambda: read_settings(settings_request))
    configure(current.settings.log.level, current.settings.log.format, sys.stdout)
    redact(secrets_of(current.settings), "settings")
    stop, requests, log, service = Stop(), OperatorRequests(), LogListener(), ServiceNotifier(os.environ)
    with ExitStack() as opened:
        opened.enter_context(stopping_on_signals(stop, lambda: current.settings.stop.grace))
        opened.enter_context(handling_signals(requests))
        observers = Observers(current.routes, [service, log])
        opened.enter_context(observers.serving(current.settings.http))
        runtime = opened.enter_context(open_shared_runtime(current, early, stop, observers, requests))
        door = ControlListener(current.settings.control.socket, commands_of(requests), runtime.notify)
        opened.callback(door.close)
        reloader = Reloader(current, requests, lambda: list(runtime.refreshers), log, runtime.notify)
        for poll in (door.poll, reloader.poll, lambda: _sign_of_life(observers, service)):
            opened.enter_context(runtime.registered(poll))
        last = live(runtime, max_sweeps)
    if stop.requested:
        return ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.OK
    return max(map(exit_code_of, last), default=ExitCode.OK)


def live(runtime: SharedRuntime, max_sweeps: int = 0) -> list[SweepResult]:
    """Let every route live until it is to stop, and return their last sweeps.

    Raises:
        MoverError: what ended the one pair of buckets, or all routes.
        Exception: a defect of ours.
    """
    runtime.notify(runtime.started())
    lives = [RouteThread(runtime, route, max_sweeps) for route in runtime.current.routes]
    for life in lives:
        life.start()
    while any(life.is_alive() for life in lives):
        runtime.run_periodic()
        next(life for life in lives if life.is_alive() or life is lives[-1]).join(TICK_SECONDS)
    runtime.run_periodic()
    runtime.notify(DaemonStopped(sum(life.sweeps for life in lives)))
    for life in lives:
        if life.error is not None:
            raise life.error
    return [life.last for life in lives if life.last is not None]


class RouteThread(threading.Thread):
    """The life of one route. Of several, one that cannot work begins anew after a while, and the others go on.

    A database that is away is waited for in any case: the program and its database are often started together.
    """

    def __init__(self, runtime: SharedRuntime, route: str, max_sweeps: int) -> None:
        super().__init__(name=f"route-{route}" if route else "loop", daemon=True)
        self.error: Exception | None = None
        self.last: SweepResult | None = None
        self.sweeps = 0
        self._runtime = runtime
        self._route = route
        self._max_sweeps = max_sweeps
        self._outage = OutageAnnouncer(runtime.publishers.of(route), time.monotonic)

    def run(self) -> None:
        """Live until a stop is asked for; what cannot be lived with ends all routes."""
        failed_in_a_row = 0
        while not self._runtime.stop.requested and not 0 < self._max_sweeps <= self.sweeps:
            before = self.sweeps
            error = self._work()
            if error is None:
                return
            if not self._is_bearable(error):
                self._give_up(error)
                return
            failed_in_a_row = failed_in_a_row + 1 if self.sweeps == before else 1
            self._wait(error, pause_after(FIRST_WAIT_SECONDS, failed_in_a_row))

    def _work(self) -> Exception | None:
        """Work as long as that goes well, and return what ended it, if anything did."""
        try:
            with open_route_engine(self._runtime, self._route, beside=lambda: None) as engine:
                self._outage.ended()
                supervisor = supervisor_of(engine, max(0, self._max_sweeps - self.sweeps))
                try:
                    supervisor.run()
                finally:
                    self.sweeps += supervisor.sweeps
                    self.last = engine.round.last or self.last
        except Exception as error:  # noqa: BLE001 - judged by the caller, and a defect is raised by the main thread
            return error
        return None

    def _is_bearable(self, error: Exception) -> bool:
        """Tell whether a route may begin anew: one of several, after anything that is no defect of ours.

        While it works a route waits for its database by itself, until it is to stop: that ends it.
        """
        if isinstance(error, AuditUnavailableError) and not self._runtime.stop.requested:
            return True
        return bool(self._route) and isinstance(error, MoverError) and error.exit_code is not ExitCode.DEFECT

    def _give_up(self, error: Exception) -> None:
        self.error = error
        self._runtime.stop.request(type(error).__name__, self._runtime.current.settings.stop.grace)

    def _wait(self, error: Exception, seconds: float) -> None:
        if self._runtime.stop.requested:
            return
        publishers = self._runtime.publishers
        if isinstance(error, AuditUnavailableError):
            seconds = min(seconds, LONGEST_WAIT_SECONDS)
            self._outage.began(error)
        else:
            publishers.of(self._route)(RouteFailed(str(error), seconds))
        while seconds > 0 and self._runtime.stop.wait(min(seconds, TICK_SECONDS)):
            seconds -= TICK_SECONDS
            publishers.heartbeat(self._route)


def supervisor_of(engine: RouteEngine, rounds: int = 0) -> Supervisor:
    """Return the supervisor that drives `engine` as a daemon."""
    hooks = SupervisorHooks(
        acquire=engine.acquire,
        round=engine.sweep,
        idle=engine.idle,
        blocked_by=engine.gate.blocked_by,
        interval=lambda: engine.settings.sweep.interval,
    )
    pair, runtime = str(engine.round.pair), engine.runtime
    return Supervisor(hooks, pair, runtime.stop, runtime.requests, engine.notify, rounds=rounds)


def _sign_of_life(observers: Observers, service: ServiceNotifier) -> None:
    if observers.source.healthy()[0]:
        service.heartbeat()
