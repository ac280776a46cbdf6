"""What the routes of one process share: listeners, the crew, and the looking after of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from s3mover import __version__
from s3mover.app.config_process import ConfigProcess
from s3mover.app.credential_refresh import CredentialRefresher
from s3mover.app.current_settings import Current
from s3mover.app.factories import bounds_of, pair_of, threads_of
from s3mover.app.listeners import EventPublishers
from s3mover.app.preload import Preloaded
from s3mover.events import DaemonStarted
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.start_gate import PauseAnnouncer
from s3mover.lifecycle.stop import Stop
from s3mover.lifecycle.supervisor import StopAnnouncer
from s3mover.windows import Window
from s3mover.workers.pool.pool import WorkerPool
from s3mover.workers.pool.watchdog import RestartPolicy

# What idle workers get to end when they are dismissed.
SHUTDOWN_SECONDS = 5.0


class SharedRuntime:
    """What is shared, and who lives in it; `run_periodic` looks after all of it and is called by the main thread alone."""

    def __init__(
        self,
        current: Current,
        stop: Stop,
        requests: OperatorRequests,
        publishers: EventPublishers,
        early: Preloaded,
        *,
        is_daemon: bool = False,
    ) -> None:
        self.current = current
        self.stop = stop
        self.requests = requests
        self.publishers = publishers
        self.is_daemon = is_daemon
        self.notify = publishers.notify
        # A daemon waits rather than give up where worker processes cannot live.
        self.pool = WorkerPool(
            threads_of(current.settings),
            current.routes,
            publishers.notify,
            early.fork_server,
            RestartPolicy(forever=is_daemon),
        )
        for route in current.routes:
            # What is asked before the crew shares the limits out keeps to the user's bounds, too.
            self.pool.local_traffic(route).apply_bounds(bounds_of(current.of(route)))
        self._clerks = [early.config_process]
        self.refreshers: list[CredentialRefresher] = []
        self._polls = [StopAnnouncer(stop, self.notify).poll, PauseAnnouncer(requests, self.notify).poll]

    def config_process(self) -> ConfigProcess | None:
        """Return the clerk that was started early, to the first that asks: a clerk belongs to one thread."""
        try:
            return self._clerks.pop()
        except IndexError:
            return None

    def run_periodic(self) -> None:
        """Do what is due: announce wishes, refresh credentials, and whatever else asked to be looked after."""
        for poll in list(self._polls):
            poll()

    @contextmanager
    def registered(self, poll: Callable[[], None]) -> Iterator[None]:
        """Have `poll` called by `run_periodic` meanwhile."""
        self._polls.append(poll)
        try:
            yield
        finally:
            self._polls.remove(poll)

    @contextmanager
    def refreshing(self, refresher: CredentialRefresher) -> Iterator[None]:
        """Have the credentials of a route kept fresh meanwhile."""
        self.refreshers.append(refresher)
        try:
            with self.registered(refresher.poll):
                yield
        finally:
            self.refreshers.remove(refresher)

    def windows(self, route: str) -> Sequence[Window]:
        """Return the windows in force of a route; a sweep that was asked for by hand knows none."""
        return self.current.of(route).sweep.windows if self.is_daemon else ()

    def shutdown_pool(self) -> None:
        """End the workers; who is not gone in good time is killed."""
        self.pool.shutdown(min(SHUTDOWN_SECONDS, self.stop.remaining))

    def started(self) -> DaemonStarted:
        """Return what is announced when the daemon begins."""
        pairs = ", ".join(str(pair_of(self.current.of(route))) for route in self.current.routes)
        return DaemonStarted(__version__, pairs, self.pool.processes, self.pool.threads)


@contextmanager
def open_shared_runtime(
    current: Current,
    early: Preloaded,
    stop: Stop,
    publishers: EventPublishers,
    requests: OperatorRequests | None = None,
) -> Iterator[SharedRuntime]:
    """Open what routes share; it is closed again, also after an error. With `requests` it is a daemon's."""
    is_daemon, requests = requests is not None, requests or OperatorRequests()
    runtime = SharedRuntime(current, stop, requests, publishers, early, is_daemon=is_daemon)
    try:
        yield runtime
    finally:
        runtime.shutdown_pool()
