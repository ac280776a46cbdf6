"""The demo's part about events: the daemon runs, documents are added, and each is there within a second or two."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click

from s3mover.app.current_settings import CurrentSettings
from s3mover.app.daemon import run_routes
from s3mover.app.observers import Observers
from s3mover.app.preload import start_config_process, start_fork_server
from s3mover.app.shared_runtime import open_shared_runtime
from s3mover.events import Event, LagMeasured, QueueCounted
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop
from s3mover.observe.logs import LogListener, configure
from s3mover.settings.load import load
from s3mover.sweep.lag import EVENT

STOP_SECONDS = 5.0


class Arrivals:
    """A `Notify` that calls `begin` once events are received, and `end` once so many objects have come by events."""

    def __init__(self, begin: Callable[[], int], end: Callable[[], None]) -> None:
        self._begin = begin
        self._end = end
        self._expected: int | None = None
        self._lock = threading.Lock()
        self.lags: list[float] = []

    def __call__(self, event: Event) -> None:
        """Follow `event`; what it begins runs on a thread of its own, because events must not wait."""
        if isinstance(event, QueueCounted) and self._expected is None:
            self._expected = -1
            threading.Thread(target=self._start, name="documents", daemon=True).start()
        elif isinstance(event, LagMeasured) and event.via == EVENT:
            with self._lock:
                self.lags += event.seconds
            self._end_if_complete()

    def _start(self) -> None:
        self._expected = self._begin()
        self._end_if_complete()

    def _end_if_complete(self) -> None:
        with self._lock:
            if self._expected is not None and 0 <= self._expected <= len(self.lags):
                self._end()


def move_by_events(config: Path, put: Callable[[], int], outer: Stop) -> list[float]:
    """Run the daemon until what `put` puts into the source has come by its events; return the lags in seconds.

    Between two sweeps lies an hour, so nothing else can have moved it. `outer` ends it before.
    """
    stop = Stop()
    arrivals = Arrivals(put, lambda: stop.request("all is there", STOP_SECONDS))
    settings = load(config, {}, {"sweep.interval": "1h"})
    configure(settings.log.level, settings.log.format, sys.stdout)
    current = CurrentSettings(settings)
    observers = Observers(current.routes, [LogListener(), arrivals])
    with (
        start_config_process() as config_process,
        start_fork_server(config_process) as preloaded,
        observers.serving(settings.http) as port,
        open_shared_runtime(current, preloaded, stop, observers, OperatorRequests()) as runtime,
        runtime.registered(lambda: stop.request(outer.reason, STOP_SECONDS) if outer.requested else None),
    ):
        click.echo(f"📬 The daemon receives the bucket's events: http://127.0.0.1:{port}/")
        run_routes(runtime)
    if outer.requested:
        raise KeyboardInterrupt
    return sorted(arrivals.lags)
