"""What the routes of one process share: event publishers, the worker pool, the settings in force, periodic work."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from s3mover import __version__
from s3mover.app.config_process import ConfigProcess
from s3mover.app.credential_refresh import CredentialRefresher
from s3mover.app.current_settings import CurrentSettings
from s3mover.app.factories import bounds_of, pair_of, threads_of
from s3mover.app.listeners import EventPublishers
from s3mover.app.preload import Preloaded
from s3mover.events import DaemonStarted
from s3mover.lifecycle.announcers import PauseAnnouncer, StopAnnouncer
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.periodic import PeriodicTasks
from s3mover.lifecycle.stop import Stop
from s3mover.sweep.costs import CommandBudget
from s3mover.windows import Window
from s3mover.workers.pool.pool import WorkerPool
from s3mover.workers.pool.watchdog import RestartPolicy

if TYPE_CHECKING:
    from s3mover.app.shared_cluster import SharedCluster

# Time that idle workers get to exit when the pool shuts down.
SHUTDOWN_SECONDS = 5.0


class SharedRuntime:
    """What the routes share. One thread alone calls `run_periodic`, which calls what is `registered`."""

    def __init__(
        self,
        current: CurrentSettings,
        stop: Stop,
        requests: OperatorRequests,
        publishers: EventPublishers,
        preloaded: Preloaded,
        *,
        is_daemon: bool = False,
    ) -> None:
        self.current = current
        self.stop = stop
        self.requests = requests
        self.publishers = publishers
        self.is_daemon = is_daemon
        self.budget = CommandBudget()
        self.notify = publishers.notify
        # If worker processes cannot start, a daemon keeps trying; a single sweep gives up.
        self.pool = WorkerPool(
            threads_of(current.settings),
            current.routes,
            publishers.notify,
            preloaded.fork_server,
            RestartPolicy(forever=is_daemon),
        )
        for route in current.routes:
            # Requests before the pool distributes its limits are bounded by the settings, too.
            self.pool.local_traffic(route).apply_bounds(bounds_of(current.of(route)))
        self._cluster: SharedCluster | None = None
        self._lock = Lock()
        self.refreshers: list[CredentialRefresher] = []
        # The routes that this instance leads; each thread adds and removes its own.
        self.leading: set[str] = set()
        self._config_processes = [preloaded.config_process]
        # A single pair ends by an internal error, as its own loop does; of several routes none ends another.
        self._tasks = PeriodicTasks(self.notify, isolated="" not in current.routes)
        self.run_periodic, self.registered = self._tasks.run, self._tasks.registered
        self._tasks.register(StopAnnouncer(stop, self.notify).poll)
        for route in current.routes:
            self._tasks.register(PauseAnnouncer(requests, route, publishers.of(route)).poll)

    def take_config_process(self) -> ConfigProcess | None:
        """Return the preloaded configuration process to the first caller only, because it belongs to one thread."""
        try:
            return self._config_processes.pop()
        except IndexError:
            return None

    def shared_cluster(self) -> "SharedCluster":
        """Return what connects the routes to the scheduler of `scale.scheduler`; any thread may ask."""
        from s3mover.app.shared_cluster import SharedCluster  # noqa: PLC0415 - one machine needs none of this

        with self._lock:
            self._cluster = self._cluster or SharedCluster(self.publishers.notify)
            return self._cluster

    @contextmanager
    def refreshing(self, refresher: CredentialRefresher) -> Iterator[CredentialRefresher]:
        """Refresh the credentials of a route for the duration of the block."""
        self.refreshers.append(refresher)
        try:
            with self.registered(refresher.poll):
                yield refresher
        finally:
            self.refreshers.remove(refresher)

    def windows(self, route: str) -> Sequence[Window]:
        """Return the windows of a route that are in force; none for a sweep that was started by hand."""
        return self.current.of(route).sweep.windows if self.is_daemon else ()

    def shutdown_pool(self) -> None:
        """Stop all workers; kill any still running after `SHUTDOWN_SECONDS` or the deadline of a stop."""
        self.pool.shutdown(min(SHUTDOWN_SECONDS, self.stop.remaining))

    @property
    def name(self) -> str:
        """The name by which other instances and people know this one: its pod, else its host."""
        return self.current.settings.kubernetes.pod or socket.gethostname()

    def started(self) -> DaemonStarted:
        """Return the event that announces the start of the daemon."""
        pairs = ", ".join(str(pair_of(self.current.of(route))) for route in self.current.routes)
        return DaemonStarted(__version__, pairs, self.pool.processes, self.pool.threads)


@contextmanager
def open_shared_runtime(
    current: CurrentSettings,
    preloaded: Preloaded,
    stop: Stop,
    publishers: EventPublishers,
    requests: OperatorRequests | None = None,
) -> Iterator[SharedRuntime]:
    """Open what routes share, and shut the pool down at the end; with `requests` for a daemon, else for one sweep."""
    is_daemon, requests = requests is not None, requests or OperatorRequests()
    runtime = SharedRuntime(current, stop, requests, publishers, preloaded, is_daemon=is_daemon)
    try:
        yield runtime
    finally:
        runtime.shutdown_pool()
