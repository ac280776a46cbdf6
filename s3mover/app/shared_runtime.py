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

# What idle workers get to end when they are dismissed.
DISMISSAL_SECONDS = 5.0


class SharedRuntime:
    """What is shared, and who lives in it; `tend` looks after all of it and is called by the main thread alone."""

    def __init__(
        self,
        current: Current,
        stop: Stop,
        wishes: OperatorRequests,
        audience: EventPublishers,
        early: Preloaded,
        *,
        is_daemon: bool = False,
    ) -> None:
        self.current = current
        self.stop = stop
        self.wishes = wishes
        self.audience = audience
        self.is_daemon = is_daemon
        self.notify = audience.notify
        # A daemon waits rather than give up where worker processes cannot live.
        self.crew = WorkerPool(
            threads_of(current.settings),
            current.routes,
            audience.notify,
            early.nursery,
            enduring=is_daemon,
        )
        for route in current.routes:
            # What is asked before the crew shares the limits out keeps to the user's bounds, too.
            self.crew.local_traffic(route).keep_to(bounds_of(current.of(route)))
        self._clerks = [early.clerk]
        self.keepers: list[CredentialRefresher] = []
        self._looks = [StopAnnouncer(stop, self.notify).look, PauseAnnouncer(wishes, self.notify).look]

    def clerk(self) -> ConfigProcess | None:
        """Return the clerk that was started early, to the first that asks: a clerk belongs to one thread."""
        try:
            return self._clerks.pop()
        except IndexError:
            return None

    def tend(self) -> None:
        """Do what is due: announce wishes, refresh credentials, and whatever else asked to be looked after."""
        for look in list(self._looks):
            look()

    @contextmanager
    def tending(self, look: Callable[[], None]) -> Iterator[None]:
        """Have `look` called by `tend` meanwhile."""
        self._looks.append(look)
        try:
            yield
        finally:
            self._looks.remove(look)

    @contextmanager
    def keeping(self, keeper: CredentialRefresher) -> Iterator[None]:
        """Have the credentials of a route kept fresh meanwhile."""
        self.keepers.append(keeper)
        try:
            with self.tending(keeper.look):
                yield
        finally:
            self.keepers.remove(keeper)

    def windows(self, route: str) -> Sequence[Window]:
        """Return the windows in force of a route; a sweep that was asked for by hand knows none."""
        return self.current.of(route).sweep.windows if self.is_daemon else ()

    def dismiss_crew(self) -> None:
        """End the workers; who is not gone in good time is killed."""
        self.crew.dismiss(min(DISMISSAL_SECONDS, self.stop.remaining))

    def started(self) -> DaemonStarted:
        """Return what is announced when the daemon begins."""
        pairs = ", ".join(str(pair_of(self.current.of(route))) for route in self.current.routes)
        return DaemonStarted(__version__, pairs, self.crew.processes, self.crew.threads)


@contextmanager
def open_shared_runtime(
    current: Current,
    early: Preloaded,
    stop: Stop,
    audience: EventPublishers,
    wishes: OperatorRequests | None = None,
) -> Iterator[SharedRuntime]:
    """Open what routes share; it is closed again, also after an error. With `wishes` it is a daemon's."""
    is_daemon, wishes = wishes is not None, wishes or OperatorRequests()
    house = SharedRuntime(current, stop, wishes, audience, early, is_daemon=is_daemon)
    try:
        yield house
    finally:
        house.dismiss_crew()
