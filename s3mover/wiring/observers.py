"""Who hears what: metrics, status and logs of each route, and those of the whole process."""

from collections.abc import Sequence

from s3mover import __version__
from s3mover.events import Bulletin, Notify
from s3mover.observe.http import StatusSource
from s3mover.observe.logs import LogListener
from s3mover.observe.metrics import MetricsListener
from s3mover.observe.routes import RouteBoards, RouteMetrics
from s3mover.observe.status import StatusBoard

# A loop that has not come round for so long makes no progress any more: longer than any one wait in it.
HANG_SECONDS = 120.0


class Observers:
    """The listeners of one process.

    `notify` announces what concerns all routes, `of(route)` what concerns one; `source` answers over HTTP. One pair of
    buckets, whose name is empty, is heard of by one set of listeners. Of several routes each has its own, which hear
    what concerns all as well.
    """

    source: StatusSource

    def __init__(self, routes: Sequence[str], listeners: Sequence[Notify]) -> None:
        metrics = {route: MetricsListener(__version__) for route in routes}
        self.boards = {route: StatusBoard(metrics[route].exposition, HANG_SECONDS) for route in routes}
        if "" in self.boards:
            self.source = self.boards[""]
            self.notify = _bulletin(metrics[""], self.boards[""], *listeners)
            self._notifies = {"": self.notify}
            return
        process = MetricsListener(__version__)
        board = StatusBoard(process.exposition, HANG_SECONDS)
        self.source = RouteBoards(board, self.boards, RouteMetrics(process, metrics))
        self.notify = _bulletin(process, board, *metrics.values(), *self.boards.values(), *listeners)
        self._notifies = {
            route: _bulletin(metrics[route], self.boards[route], *_of_route(route, listeners))
            for route in routes
        }

    def of(self, route: str) -> Notify:
        """Return what announces the events of one route."""
        return self._notifies[route]


def _bulletin(*listeners: Notify) -> Notify:
    # The log comes last: who reads of an event there finds it in metrics and status already.
    bulletin = Bulletin()
    for listener in listeners:
        bulletin.subscribe(listener)
    return bulletin.notify


def _of_route(route: str, listeners: Sequence[Notify]) -> list[Notify]:
    return [
        listener.of_route(route) if isinstance(listener, LogListener) else listener for listener in listeners
    ]
