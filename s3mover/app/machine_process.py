"""The `worker` command: one machine of a cluster, which works on the ranges that a supervisor gives out.

The process is that of `run` in all but the work: worker processes, metrics, status, reloads and the order of a stop are
the same.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from s3mover.app.config_process import SettingsRequest, read_settings
from s3mover.app.current_settings import CurrentSettings, secrets_of
from s3mover.app.preload import Preloaded
from s3mover.app.process_runtime import open_process_runtime
from s3mover.app.shared_runtime import SharedRuntime
from s3mover.errors import ExitCode, SettingsError
from s3mover.events import DaemonStopped, MachineStarted
from s3mover.lifecycle.deadline import run_until_deadline
from s3mover.lifecycle.stop import Stop
from s3mover.observe.logs import configure, redact
from s3mover.scale.extra import require_extra
from s3mover.scale.range_runner import RangeRunner, TaskAnswerer
from s3mover.settings.digest import settings_digest

PERIOD_SECONDS = 0.1

# Opens what works on ranges in this process; used and closed by the thread that works on them.
OpenRunner = Callable[[SharedRuntime], AbstractContextManager[RangeRunner]]


def run_machine(
    request: SettingsRequest, preloaded: Preloaded, name: str, open_runner: OpenRunner
) -> ExitCode:
    """Work on ranges until SIGTERM (exit code 0) or SIGINT (130).

    Raises:
        SettingsError: the settings are invalid, or the extra is not installed.
        MoverError: what works on ranges cannot be opened.
    """
    require_extra("worker")
    current = CurrentSettings(preloaded.config_process.settings(), lambda: read_settings(request))
    configure(current.settings.log.level, current.settings.log.format, sys.stdout)
    redact(secrets_of(current.settings), "settings")
    if not current.settings.scale.scheduler:
        raise SettingsError(["scale.scheduler: is not set; set it, or give --scheduler tls://HOST:PORT"])
    stop = Stop()
    with open_process_runtime(current, preloaded, stop, control=False) as runtime:
        _run(runtime, name, open_runner)
    return ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.OK


def _run(runtime: SharedRuntime, name: str, open_runner: OpenRunner) -> None:
    from s3mover.scale.machine import LEAVING_SECONDS  # noqa: PLC0415 - only with the extra

    runtime.notify(runtime.started())
    runtime.notify(MachineStarted(name))
    ranges = run_until_deadline(runtime.stop, partial(_work, runtime, name, open_runner), LEAVING_SECONDS)
    runtime.notify(DaemonStopped(ranges or 0))


def _work(runtime: SharedRuntime, name: str, open_runner: OpenRunner) -> int:
    """Work on ranges in this thread until a stop, and return their number."""
    from s3mover.scale.machine import Machine  # noqa: PLC0415 - only with the extra

    with open_runner(runtime) as runner:
        answerer = TaskAnswerer(name, runner, partial(_digest_of, runtime.current))
        with _periodic_work(runtime, answerer):
            scale = runtime.current.settings.scale
            Machine(scale, name, answerer.answer, runtime.stop, runtime.notify).run()
        return answerer.answered


@contextmanager
def _periodic_work(runtime: SharedRuntime, answerer: TaskAnswerer) -> Iterator[None]:
    """Do the periodic work on another thread for the duration of the block."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(PERIOD_SECONDS):
            runtime.run_periodic()
            _heartbeat(runtime, answerer)

    thread = threading.Thread(target=run, name="periodic", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _heartbeat(runtime: SharedRuntime, answerer: TaskAnswerer) -> None:
    """Report that routes without work are alive; the loop of a range reports for its own."""
    for route in runtime.current.routes:
        if route != answerer.route:
            runtime.publishers.heartbeat(route)


def _digest_of(current: CurrentSettings, route: str) -> str | None:
    return settings_digest(current.of(route)) if route in current.routes else None
