"""The paths of the HTTP server and their responses. What they return comes from a `StatusSource`."""

from http import HTTPStatus
from typing import Any, Protocol

from s3mover.observe.http.messages import Request, Response
from s3mover.observe.text import to_json, visible

_HTML = "text/html; charset=utf-8"
_LEADING = frozenset({"idle", "sweeping", "paused"})


class StatusSource(Protocol):
    """The state that the endpoints return; called from several threads."""

    def healthy(self) -> tuple[bool, str]:
        """Return whether the process can make progress, and if not, why."""

    def ready(self) -> tuple[bool, str]:
        """Return whether the process is connected and leads or stands by, and if not, why."""

    def status(self) -> dict[str, object]:
        """Return the content of `/status`."""

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type, for an Accept header."""


def respond(request: Request, source: StatusSource) -> Response:
    """Return the response to `request`."""
    if request.method not in ("GET", "HEAD"):
        return Response(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET and HEAD are allowed\n")
    return _get(request.path.partition("?")[0], request.accept, source)


def _get(path: str, accept: str, source: StatusSource) -> Response:
    match path:
        case "/":
            return _page(source.status())
        case "/metrics":
            return Response(HTTPStatus.OK, *source.metrics(accept))
        case "/healthz" | "/readyz" | "/leaderz":
            return _probe(*_probed(path, source))
        case "/status":
            return Response(HTTPStatus.OK, to_json(source.status()), "application/json")
        case _:
            return Response(
                HTTPStatus.NOT_FOUND, b"not found; available: / /metrics /healthz /readyz /leaderz /status\n"
            )


def _page(status: dict[str, object]) -> Response:
    from s3mover.observe.page import document  # noqa: PLC0415 - many daemons are never asked for it

    return Response(HTTPStatus.OK, document.render(status), _HTML, document.POLICY)


def _probed(path: str, source: StatusSource) -> tuple[bool, str]:
    if path == "/leaderz":
        return _leading(source.status())
    return source.healthy() if path == "/healthz" else source.ready()


def _leading(status: dict[str, Any]) -> tuple[bool, str]:
    """Return whether this instance leads, on any of its routes, and the state of each; of others who leads."""
    routes = status.get("routes") or [status]
    return any(route["state"] in _LEADING for route in routes), "; ".join(map(_leadership, routes))


def _leadership(route: dict[str, Any]) -> str:
    leader = f" ({visible(route['leader']['name'])} leads)" if route["leader"] else ""
    return f"{route['route']}: {route['state']}{leader}" if "route" in route else f"{route['state']}{leader}"


def _probe(passed: bool, reason: str) -> Response:
    return Response(HTTPStatus.OK if passed else HTTPStatus.SERVICE_UNAVAILABLE, f"{reason}\n".encode())
