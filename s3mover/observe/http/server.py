"""The HTTP server: its socket and its threads.

It reads one request of limited size per connection, within a deadline, and closes the connection after the response.
`connections.py` bounds their number.
"""

import errno
import socket
import socketserver
import sys
import threading
import time
from http import HTTPStatus
from typing import Any

from s3mover.errors import SettingsError
from s3mover.observe.http.connections import MAX_CONNECTIONS, OpenConnections, peer_of
from s3mover.observe.http.endpoints import StatusSource, respond
from s3mover.observe.http.messages import Request, Response, encode_response, parse_request
from s3mover.observe.logs import log_internal_error

_MAX_HEAD = 16 * 1024  # bytes of request line and headers; a scrape needs less than 1 KiB
_DEADLINE = 5.0  # seconds to receive the whole request, and to send each piece of the response
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_EXHAUSTED_SECONDS = 0.1
_END = b"\r\n\r\n"


def start(host: str, port: int, source: StatusSource) -> "HttpServer":
    """Start serving `source` on a thread; port 0 selects a free port.

    Raises:
        SettingsError: `http.host` or `http.port` cannot be listened on.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError([f"http.host: {host!r} is not an address of this machine: {error}"]) from error
    family, _, _, _, address = addresses[0]
    try:
        return HttpServer(_Listener(family, address, source))
    except OSError as error:
        raise SettingsError([f"http.port: cannot listen on {host} port {port}: {error.strerror}"]) from error


class HttpServer:
    """A running server."""

    def __init__(self, listener: "_Listener") -> None:
        self._listener = listener
        # No polling interval: `close` wakes the thread.
        self._thread = threading.Thread(target=listener.serve_forever, args=(None,), name="http", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._listener.server_address[1])

    def close(self) -> None:
        """Stop listening, finish the responses in progress, and wait for all threads."""
        # On Linux, shutting the socket down wakes `serve_forever` as a new connection does.
        self._listener.stop_waiting()
        self._listener.socket.shutdown(socket.SHUT_RDWR)
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.close_connections()


class _Handler(socketserver.BaseRequestHandler):
    """Reads one request and responds; if the client disconnects, OSError is raised, which the listener ignores."""

    request: socket.socket
    server: "_Listener"

    def handle(self) -> None:
        """Serve one connection until it ends."""
        head = self._read_head()
        if not head:
            return
        request = parse_request(head)
        with_body = request is None or request.method != "HEAD"
        self.request.settimeout(_DEADLINE)
        self.request.sendall(encode_response(self._response(head, request), with_body=with_body))

    def _response(self, head: bytes, request: Request | None) -> Response:
        if not head.endswith(_END):
            return Response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"request headers too large\n")
        if request is None:
            return Response(HTTPStatus.BAD_REQUEST, b"not an HTTP/1 request\n")
        return respond(request, self.server.source)

    def _read_head(self) -> bytes:
        """Return all bytes up to the empty line; without that line if it is too long, empty if the client left."""
        head = b""
        deadline = time.monotonic() + _DEADLINE
        while _END not in head and len(head) < _MAX_HEAD:
            self.request.settimeout(max(0.001, deadline - time.monotonic()))
            received = self.request.recv(_MAX_HEAD)
            if not received:
                return b""
            head += received
        before, end, _ = head.partition(_END)
        return before + end


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections, starts a daemon thread for each, and keeps the open ones within bounds."""

    allow_reuse_address = True
    request_queue_size = 2 * MAX_CONNECTIONS

    def __init__(self, family: socket.AddressFamily, address: tuple[Any, ...], source: StatusSource) -> None:
        self.address_family = family
        self.source = source
        self._connections = OpenConnections()
        self._closing = threading.Event()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; if this process has no file descriptor left, free one and wait."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                # The connection stays in the queue, so that the caller would try again at once, and for ever.
                self._connections.cut_one()
                self._closing.wait(_EXHAUSTED_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection on a new thread, in place of an older one if too many are open."""
        peer = peer_of(client_address)
        if not self._connections.make_room(peer):
            self.shutdown_request(request)
            return
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="http-request",
            daemon=True,
        )
        self._connections.add(request, peer, thread)
        try:
            thread.start()
        except RuntimeError:  # the system permits no further thread
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Close and remove a connection."""
        self._connections.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Ignore clients that disconnected; log anything else as an internal error."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            log_internal_error(error)

    def stop_waiting(self) -> None:
        """End a wait for a free file descriptor."""
        self._closing.set()

    def close_connections(self) -> None:
        """Stop reading from open connections, and wait until their responses are sent."""
        self._connections.close()
