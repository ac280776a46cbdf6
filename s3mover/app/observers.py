"""Who hears what where it is served: metrics, status and logs of each route, and those of the whole process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from s3mover import __version__
from s3mover.app.listeners import bulletin, of_route
from s3mover.events import Notify
from s3mover.observe.http import server
from s3mover.observe.http.endpoints import StatusSource
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.metrics.routes import RouteMetrics
from s3mover.observe.status.board import StatusBoard
from s3mover.observe.status.routes import RouteBoards
from s3mover.settings.model import HttpSettings

# A loop that has not come round for so long makes no progress any more: longer than any one wait in it.
HANG_SECONDS = 120.0


class Observers:
    """The `EventPublishers` of a process that serves metrics and status.

    `notify` announces what concerns all routes, `of(route)` what concerns one; `source` answers over HTTP. One pair of
    buckets, whose name is empty, is heard of by one set of listeners. Of several routes each has its own, which hear
    what concerns all as well.
    """

    source: StatusSource

    def __init__(self, routes: Sequence[str], listeners: Sequence[Notify]) -> None:
        metrics = {route: MetricsListener(__version__) for route in routes}
        self.boards = {route: StatusBoard(metrics[route].exposition, HANG_SECONDS) for route in routes}
        # The log comes last: who reads of an event there finds it in metrics and status already.
        if "" in self.boards:
            self.source = self.boards[""]
            self.notify = bulletin(metrics[""], self.boards[""], *listeners)
            self._notifies = {"": self.notify}
            return
        process = MetricsListener(__version__)
        board = StatusBoard(process.exposition, HANG_SECONDS)
        self.source = RouteBoards(board, self.boards, RouteMetrics(process, metrics))
        self.notify = bulletin(process, board, *metrics.values(), *self.boards.values(), *listeners)
        self._notifies = {
            route: bulletin(metrics[route], self.boards[route], *of_route(route, listeners))
            for route in routes
        }

    def of(self, route: str) -> Notify:
        """Return what announces the events of one route."""
        return self._notifies[route]

    def heartbeat(self, route: str) -> None:
        """Note that a route's loop has come round."""
        self.boards[route].heartbeat()

    @contextmanager
    def serving(self, settings: HttpSettings) -> Iterator[int]:
        """Serve metrics, health and status meanwhile, and give the port.

        Raises:
            SettingsError: nothing can listen at `http.host` and `http.port`.
        """
        listening = server.start(settings.host, settings.port, self.source)
        try:
            yield listening.port
        finally:
            listening.close()
