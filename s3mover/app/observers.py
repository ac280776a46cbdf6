"""Event listeners of a process with an HTTP server: metrics, status and logs of each route and of the process."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from s3mover import __version__
from s3mover.app.listeners import of_route, publisher
from s3mover.events import Notify
from s3mover.model import LeaderReport
from s3mover.observe.http import server
from s3mover.observe.http.endpoints import StatusSource
from s3mover.observe.leader import read_report, report_of
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.metrics.routes import RouteMetrics
from s3mover.observe.status.board import StatusBoard
from s3mover.observe.status.routes import RouteBoards
from s3mover.settings.model import HttpSettings

# A loop without a heartbeat for so long is considered hung: longer than any single wait in it.
HANG_SECONDS = 120.0


class Observers:
    """The `EventPublishers` of a process that serves metrics and status; `source` answers HTTP requests.

    A single pair of buckets, whose route name is empty, has one set of listeners. Each of several routes has its own
    set, which also receives the events that concern all routes.
    """

    source: StatusSource

    def __init__(self, routes: Sequence[str], listeners: Sequence[Notify]) -> None:
        metrics = self._metrics = {route: MetricsListener(__version__) for route in routes}
        self.boards = {route: StatusBoard(metrics[route].exposition, HANG_SECONDS) for route in routes}
        # The log comes last: an event that is visible there is already in metrics and status.
        if "" in self.boards:
            self.source = self.boards[""]
            self.notify = publisher(metrics[""], self.boards[""], *listeners)
            self._publishers = {"": self.notify}
            return
        process = MetricsListener(__version__)
        board = StatusBoard(process.exposition, HANG_SECONDS)
        self.source = RouteBoards(board, self.boards, RouteMetrics(process, metrics))
        self.notify = publisher(process, board, *metrics.values(), *self.boards.values(), *listeners)
        self._publishers = {
            route: publisher(metrics[route], self.boards[route], *of_route(route, listeners))
            for route in routes
        }

    def of(self, route: str) -> Notify:
        """Return the function that publishes events of one route."""
        return self._publishers[route]

    def watch_requests(self, route: str, overdue: Callable[[], float]) -> None:
        """Report a route as unhealthy while `overdue` says that a request of it hangs."""
        self.boards[route].watch_requests(overdue)

    def heartbeat(self, route: str) -> None:
        """Record that the loop of a route is alive."""
        self.boards[route].heartbeat()

    def report(self, route: str) -> str:
        """Return what the leader of a route reports of itself."""
        return report_of(self.boards[route].status())

    def leader_seen(self, route: str, report: LeaderReport | None) -> None:
        """Show what the leader of a route, another instance, last reported; None if it is not known, or this one."""
        leader = None if report is None else read_report(report, time.monotonic())
        self.boards[route].leader = self._metrics[route].leader = leader

    @contextmanager
    def serving(self, settings: HttpSettings) -> Iterator[int]:
        """Serve metrics, health and status, and yield the port.

        Raises:
            SettingsError: the server cannot listen at `http.host` and `http.port`.
        """
        listening = server.start(settings.host, settings.port, self.source)
        try:
            yield listening.port
        finally:
            listening.close()
