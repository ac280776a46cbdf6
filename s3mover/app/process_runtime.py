"""What a process that stays is made of: signal handlers, HTTP server, shared runtime, periodic work."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from s3mover.app.current_settings import CurrentSettings
from s3mover.app.observers import Observers
from s3mover.app.preload import Preloaded
from s3mover.app.reloader import Reloader
from s3mover.app.shared_runtime import SharedRuntime, open_shared_runtime
from s3mover.lifecycle.control_listener import ControlListener, commands_of
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.signals import handling_signals, stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.observe.logs import LogListener
from s3mover.observe.systemd import ServiceNotifier
from s3mover.observe.text import to_json

if TYPE_CHECKING:
    from s3mover.app.leader_label import LeaderLabel


@contextmanager
def open_process_runtime(
    current: CurrentSettings, preloaded: Preloaded, stop: Stop, *, control: bool = True
) -> Iterator[SharedRuntime]:
    """Install signal handlers, start the HTTP server, open the shared runtime, register its periodic work.

    Without `control` there is no socket for `pause`, `resume` and `status`.
    """
    requests, log, service = OperatorRequests(), LogListener(), ServiceNotifier(os.environ)
    with ExitStack() as opened:
        opened.enter_context(stopping_on_signals(stop, lambda: current.settings.stop.grace))
        opened.enter_context(handling_signals(requests))
        observers = Observers(current.routes, [service, log])
        opened.enter_context(observers.serving(current.settings.http))
        runtime = opened.enter_context(open_shared_runtime(current, preloaded, stop, observers, requests))
        for route in current.routes:
            observers.watch_requests(route, runtime.pool.local_traffic(route).watch.overdue)
        if control:
            commands = commands_of(requests, lambda: to_json(observers.source.status()).decode())
            listener = ControlListener(current.settings.control.socket, commands, runtime.notify)
            opened.callback(listener.close)
            opened.enter_context(runtime.registered(listener.poll))
            if current.settings.kubernetes.leader_label:
                opened.enter_context(runtime.registered(_leader_label(runtime).poll))
        reloader = Reloader(current, requests, lambda: list(runtime.refreshers), log, runtime.notify)
        for poll in (reloader.poll, partial(_notify_service, observers, service)):
            opened.enter_context(runtime.registered(poll))
        yield runtime


def _leader_label(runtime: SharedRuntime) -> "LeaderLabel":
    from s3mover.app.kubernetes_api import PodLabels  # noqa: PLC0415 - only where it is wanted
    from s3mover.app.leader_label import LeaderLabel  # noqa: PLC0415

    settings = runtime.current.settings.kubernetes
    labels = PodLabels(runtime.name, os.environ)
    return LeaderLabel(settings.leader_label, labels, lambda: bool(runtime.leading), runtime.notify)


def _notify_service(observers: Observers, service: ServiceNotifier) -> None:
    if observers.source.healthy()[0]:
        service.heartbeat()
