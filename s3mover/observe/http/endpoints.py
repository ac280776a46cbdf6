"""The paths of the HTTP server and their responses. What they return comes from a `StatusSource`."""

from http import HTTPStatus
from typing import Protocol

from s3mover.observe.http.messages import Request, Response
from s3mover.observe.text import to_json

_HTML = "text/html; charset=utf-8"


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
        case "/healthz":
            return _probe(*source.healthy())
        case "/readyz":
            return _probe(*source.ready())
        case "/status":
            return Response(HTTPStatus.OK, to_json(source.status()), "application/json")
        case _:
            return Response(
                HTTPStatus.NOT_FOUND, b"not found; available: / /metrics /healthz /readyz /status\n"
            )


def _page(status: dict[str, object]) -> Response:
    from s3mover.observe.page import document  # noqa: PLC0415 - many daemons are never asked for it

    return Response(HTTPStatus.OK, document.render(status), _HTML, document.POLICY)


def _probe(passed: bool, reason: str) -> Response:
    return Response(HTTPStatus.OK if passed else HTTPStatus.SERVICE_UNAVAILABLE, f"{reason}\n".encode())
