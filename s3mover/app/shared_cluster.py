"""One connection to the scheduler for all routes of a process, from the first route that needs it to the last."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Lock

from s3mover.events import Notify
from s3mover.scale.extra import require_extra
from s3mover.scale.messages import ClusterMessage, Machine, RangeAnswered, RangeLost
from s3mover.settings.model import ScaleSettings
from s3mover.sweep.shared_sweep import TaskCarrier

Deliver = Callable[[ClusterMessage], None]
Connect = Callable[[ScaleSettings, Deliver, Notify], AbstractContextManager[TaskCarrier]]


def connect(scale: ScaleSettings, deliver: Deliver, notify: Notify) -> AbstractContextManager[TaskCarrier]:
    """Return the connection to the scheduler, to be entered.

    Raises:
        SettingsError: the extra is not installed.
    """
    require_extra("scale.scheduler")
    from s3mover.scale.cluster import Cluster  # noqa: PLC0415 - only with the extra

    return Cluster(scale, deliver, notify)


class SharedCluster:
    """Gives each route a carrier of tasks, whose answers come to that route alone; routes are on several threads.

    `notify` announces what concerns all routes: machines that come and go.
    """

    def __init__(self, notify: Notify, connect: Connect = connect) -> None:
        self._notify = notify
        self._connect = connect
        self._lock = Lock()
        self._opened = ExitStack()
        self._cluster: TaskCarrier | None = None
        self._routes: list[Deliver] = []
        self._owners: dict[str, Deliver] = {}

    @contextmanager
    def joined(self, scale: ScaleSettings, deliver: Deliver) -> Iterator[TaskCarrier]:
        """Yield a carrier of tasks, whose messages come by `deliver`.

        Raises:
            SettingsError: the extra is not installed.
        """
        with self._lock:
            if self._cluster is None:
                self._cluster = self._opened.enter_context(self._connect(scale, self._deliver, self._notify))
            self._routes.append(deliver)
        try:
            yield _RouteCarrier(self._cluster, self._owners, deliver)
        finally:
            with self._lock:
                self._routes.remove(deliver)
                if not self._routes:
                    self._cluster = None
                    self._opened.close()

    def _deliver(self, message: ClusterMessage) -> None:
        if isinstance(message, RangeAnswered | RangeLost):
            if (owner := self._owners.pop(message.key, None)) is not None:
                owner(message)
            return
        for deliver in list(self._routes):
            deliver(message)


class _RouteCarrier:
    """Carries the tasks of one route."""

    def __init__(self, cluster: TaskCarrier, owners: dict[str, Deliver], deliver: Deliver) -> None:
        self._cluster = cluster
        self._owners = owners
        self._deliver = deliver

    def machines(self) -> Sequence[Machine]:
        """Return the machines that take tasks."""
        return self._cluster.machines()

    def submit(self, key: str, payload: bytes) -> None:
        """Give out a task under a key that was never used."""
        self._owners[key] = self._deliver
        self._cluster.submit(key, payload)

    def withdraw(self, key: str) -> None:
        """Forget a task."""
        self._owners.pop(key, None)
        self._cluster.withdraw(key)
