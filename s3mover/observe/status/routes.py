"""The status of several routes as that of one daemon. Not used with a single pair of buckets."""

from collections.abc import Mapping

from s3mover.observe.metrics.exposition import Exposes
from s3mover.observe.status.board import StatusBoard


class RouteBoards:
    """The `StatusSource` over the boards of several routes; `process` is the board of what concerns all routes."""

    def __init__(self, process: StatusBoard, routes: Mapping[str, StatusBoard], metrics: Exposes) -> None:
        self.metrics = metrics.exposition
        self._process = process
        self._routes = routes

    def healthy(self) -> tuple[bool, str]:
        """Return whether every route makes progress, and which do not."""
        health = {name: board.healthy() for name, board in self._routes.items()}
        unhealthy = [f"{name}: {reason}" for name, (healthy, reason) in health.items() if not healthy]
        return not unhealthy, "; ".join(unhealthy) or "ok"

    def ready(self) -> tuple[bool, str]:
        """Return whether any route has connected, and leads or stands by; with the state of each route."""
        readiness = {name: board.ready() for name, board in self._routes.items()}
        states = "; ".join(f"{name}: {state}" for name, (_, state) in readiness.items())
        return any(ready for ready, _ in readiness.values()), states

    def status(self) -> dict[str, object]:
        """Return the content of `/status`: what concerns all routes, then a list with the status of each."""
        healthy, health = self.healthy()
        routes = [{"route": name, **board.status()} for name, board in self._routes.items()]
        return {
            **self._process.about(),
            "paused": all(route["paused"] for route in routes),
            "healthy": healthy,
            "health": health,
            "ready": self.ready()[0],
            "routes": routes,
        }
