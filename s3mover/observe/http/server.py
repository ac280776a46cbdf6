"""The HTTP server of the daemon: metrics, health, readiness and status for those who watch it.

Small on purpose: it reads one bounded request per connection, within a deadline, and answers GET and HEAD for five
paths. What it says comes from a `StatusSource`; nothing here knows of sweeps.
"""

import contextlib
import io
import socket
import socketserver
import sys
import threading
import time
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import Any, NamedTuple, Protocol

from s3mover.errors import SettingsError
from s3mover.observe.logs import log_internal_error
from s3mover.observe.page import document
from s3mover.observe.text import to_json

_LONGEST_HEAD = 16 * 1024  # bytes of request line and headers; a scrape needs less than one
_DEADLINE = 5.0  # seconds for the whole request to come in, and for each piece of the answer to go out
_MOST_CONNECTIONS = 64  # at once; more are closed unanswered, so that nobody makes threads without end
_END = b"\r\n\r\n"
_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"


class StatusSource(Protocol):
    """What the server asks; called from many threads."""

    def healthy(self) -> tuple[bool, str]:
        """Tell whether the process can make progress, and why not."""

    def ready(self) -> tuple[bool, str]:
        """Tell whether the process is connected and leads or stands by, and why not."""

    def status(self) -> dict[str, object]:
        """Return what `/status` shows."""

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type, for an Accept header."""


class Request(NamedTuple):
    """What matters of a request."""

    method: str
    path: str
    accept: str


class Response(NamedTuple):
    """An answer; `policy` is its Content-Security-Policy, which by default permits nothing."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT
    policy: str = "default-src 'none'; frame-ancestors 'none'"


def start(host: str, port: int, source: StatusSource) -> "HttpServer":
    """Serve `source` on a thread of its own; port 0 takes a free one.

    Raises:
        SettingsError: nothing can listen there, with the setting's name.
    """
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError([f"http.host: {host!r} is no address of this machine: {error}"]) from error
    family, _, _, _, address = places[0]
    try:
        return HttpServer(_Listener(family, address, source))
    except OSError as error:
        raise SettingsError([f"http.port: cannot listen on {host} port {port}: {error.strerror}"]) from error


class HttpServer:
    """A running server."""

    def __init__(self, listener: "_Listener") -> None:
        self._listener = listener
        # It waits for connections without end: a close wakes it.
        self._thread = threading.Thread(target=listener.serve_forever, args=(None,), name="http", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._listener.server_address[1])

    def close(self) -> None:
        """Stop listening, let answers under way go out, and wait for every thread."""
        # Shutting the socket down shows as something to accept, on Linux.
        self._listener.socket.shutdown(socket.SHUT_RDWR)
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.end_connections()


def answer(request: Request, source: StatusSource) -> Response:
    """Decide what to say to `request`."""
    if request.method not in ("GET", "HEAD"):
        return Response(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET and HEAD\n")
    return _told(request.path.partition("?")[0], request.accept, source)


def _told(path: str, accept: str, source: StatusSource) -> Response:
    match path:
        case "/":
            return Response(HTTPStatus.OK, document.render(source.status()), _HTML, document.POLICY)
        case "/metrics":
            return Response(HTTPStatus.OK, *source.metrics(accept))
        case "/healthz":
            return _verdict(*source.healthy())
        case "/readyz":
            return _verdict(*source.ready())
        case "/status":
            return Response(HTTPStatus.OK, to_json(source.status()), "application/json")
        case _:
            return Response(HTTPStatus.NOT_FOUND, b"try / /metrics /healthz /readyz /status\n")


def _verdict(good: bool, why: str) -> Response:
    return Response(HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE, f"{why}\n".encode())


def parse(head: bytes) -> Request | None:
    """Read request line and headers (RFC 9112, sections 3 and 5); None where they are none."""
    lines = io.BytesIO(head)
    words = lines.readline().decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target, version
        return None
    try:
        headers = parse_headers(lines)
    except HTTPException:
        return None
    return Request(words[0], words[1], ", ".join(headers.get_all("Accept", [])))


def render(response: Response, *, with_body: bool) -> bytes:
    """Return the bytes of an answer that ends its connection."""
    allow = "Allow: GET, HEAD\r\n" if response.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
        "Server: s3mover\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"Content-Security-Policy: {response.policy}\r\n"
        "Referrer-Policy: no-referrer\r\n"
        f"{allow}"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (response.body if with_body else b"")


class _Handler(socketserver.BaseRequestHandler):
    """Reads one request and answers it; a client that goes away raises OSError, which the listener expects."""

    request: socket.socket
    server: "_Listener"

    def handle(self) -> None:
        """Serve one connection to its end."""
        head = self._read_head()
        if not head:
            return
        request = parse(head)
        with_body = request is None or request.method != "HEAD"
        self.request.settimeout(_DEADLINE)
        self.request.sendall(render(self._answer(head, request), with_body=with_body))

    def _answer(self, head: bytes, request: Request | None) -> Response:
        if not head.endswith(_END):
            return Response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"too many headers\n")
        if request is None:
            return Response(HTTPStatus.BAD_REQUEST, b"not an HTTP/1 request\n")
        return answer(request, self.server.source)

    def _read_head(self) -> bytes:
        """Return all up to the empty line; without that line where it is too long, nothing where it breaks off."""
        head = b""
        deadline = time.monotonic() + _DEADLINE
        while _END not in head and len(head) < _LONGEST_HEAD:
            self.request.settimeout(max(0.001, deadline - time.monotonic()))
            piece = self.request.recv(_LONGEST_HEAD)
            if not piece:
                return b""
            head += piece
        before, end, _ = head.partition(_END)
        return before + end


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections, a daemon thread for each, and knows which are open."""

    allow_reuse_address = True
    request_queue_size = _MOST_CONNECTIONS

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...], source: StatusSource) -> None:
        self.address_family = family
        self.source = source
        self._open: dict[socket.socket, threading.Thread] = {}
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection on a thread of its own, while there are not too many."""
        if len(self._open) >= _MOST_CONNECTIONS:
            self.shutdown_request(request)
            return
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="http-request",
            daemon=True,
        )
        self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        super().shutdown_request(request)
        self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Pass over clients that went away; anything else is a defect of ours."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            log_internal_error(error)

    def end_connections(self) -> None:
        """Take nothing more from open connections, and wait until their answers went out."""
        for request, thread in list(self._open.items()):
            with contextlib.suppress(OSError):  # it ended by itself meanwhile
                request.shutdown(socket.SHUT_RD)
            thread.join()
