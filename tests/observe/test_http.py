"""The HTTP server, asked for real."""

import http.client
import io
import json
import socket
from collections.abc import Iterator
from threading import active_count

import pytest

from s3mover.errors import SettingsError
from s3mover.observe.http.messages import parse_request
from s3mover.observe.http.server import HttpServer, start
from s3mover.observe.logs import configure
from s3mover.observe.page import document
from s3mover.observe.status.board import StatusBoard
from testkit.waiting import TOO_LONG
from tests.observe.samples import failed


class Source:
    """A status source that says what it is told to."""

    def __init__(self) -> None:
        self.is_healthy = self.is_ready = True
        self.accepted: list[str] = []
        self.key = "in/ä"
        self.is_broken = False

    def healthy(self) -> tuple[bool, str]:
        """Tell whether it is healthy."""
        return self.is_healthy, "ok" if self.is_healthy else "no heartbeat from the sweep loop for 73 s"

    def ready(self) -> tuple[bool, str]:
        """Tell whether it is ready."""
        return self.is_ready, "idle" if self.is_ready else "starting"

    def status(self) -> dict[str, object]:
        """Return the status of a daemon that met an odd key."""
        if self.is_broken:
            raise KeyError("missing")
        board = StatusBoard(lambda _: (b"", ""), 60.0)
        board(failed(self.key))
        return board.status()

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return a small exposition."""
        self.accepted.append(accept)
        return b"s3mover_leader 1\n", "text/plain; version=0.0.4"


@pytest.fixture
def source() -> Source:
    """Return what the server serves."""
    return Source()


@pytest.fixture
def server(source: Source) -> Iterator[HttpServer]:
    """Return a running server on a free port."""
    server = start("127.0.0.1", 0, source)
    yield server
    server.close()


def ask(
    server: HttpServer,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Make one request and return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TOO_LONG)
    try:
        connection.request(method, path, body or None, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def send(server: HttpServer, text: bytes, *, leave: bool = False) -> bytes:
    """Send raw bytes and return all that comes back; `leave` says that nothing more will be sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as connection:
        connection.sendall(text)
        if leave:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_metrics_are_handed_out_by_the_accept_header(server: HttpServer, source: Source) -> None:
    """Body and content type are the source's, for what the scrape accepts."""
    status, headers, body = ask(server, "/metrics?x=1", headers={"Accept": "application/openmetrics-text"})
    assert (status, body) == (200, b"s3mover_leader 1\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4"
    assert source.accepted == ["application/openmetrics-text"]


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("/healthz", b"ok\n", b"no heartbeat from the sweep loop for 73 s\n"),
        ("/readyz", b"idle\n", b"starting\n"),
    ],
)
def test_probes_answer_200_or_503(
    server: HttpServer, source: Source, path: str, good: bytes, bad: bytes
) -> None:
    """A probe's status is the verdict, its body the reason."""
    assert ask(server, path)[::2] == (200, good)
    source.is_healthy = source.is_ready = False
    assert ask(server, path)[::2] == (503, bad)


def test_status_is_json(server: HttpServer, source: Source) -> None:
    """Whatever key stands in it, the status can be read."""
    status, headers, body = ask(server, "/status")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["failures"][0]["key"] == "in/ä"
    source.key = "in/\udc80"
    assert json.loads(ask(server, "/status")[2])["failures"][0]["key"] == "in/\\udc80"


def test_people_get_a_page(server: HttpServer, source: Source) -> None:
    """The page comes as HTML under its own policy, whatever key stands in it; a query changes nothing."""
    source.key = "in/ä\udc80"
    status, headers, body = ask(server, "/?x=1")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["Content-Security-Policy"] == document.POLICY
    assert "in/ä\\udc80" in body.decode()


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/status", "/nothing"])
def test_all_other_answers_permit_a_browser_nothing(server: HttpServer, path: str) -> None:
    """What is for machines is never run, framed or sniffed by a browser."""
    headers = ask(server, path)[1]
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/index.html", "/etc/passwd", "/../config.yaml", "//metrics", "/metrics/", "/%6detrics"]
)
def test_anything_else_is_not_found(server: HttpServer, path: str) -> None:
    """No file is ever served."""
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused_with_the_allowed_ones(server: HttpServer, method: str) -> None:
    """The daemon is watched over HTTP, not steered."""
    status, headers, _ = ask(server, "/metrics", method, body=b"x" * 100)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_head_answers_like_get_without_a_body(server: HttpServer) -> None:
    """Length and type are told, the body is not sent."""
    answer = send(server, b"HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    assert f"Content-Length: {len(ask(server, '/status')[2])}".encode() in head


def test_the_server_does_not_tell_its_versions(server: HttpServer) -> None:
    """Who scans for old software learns nothing."""
    headers = ask(server, "/healthz")[1]
    assert headers["Server"] == "s3mover"
    assert headers["Cache-Control"] == "no-store"


def test_a_head_without_end_is_cut_off(server: HttpServer) -> None:
    """Sixteen kilobytes of headers are more than enough."""
    answer = send(server, b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 40_000)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_too_many_headers_are_refused(server: HttpServer) -> None:
    """A hundred headers are the standard library's limit, and ours."""
    answer = send(server, b"GET /metrics HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET /metrics HTTP/2.0\r\n\r\n",
        b"\xff \xfe \r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(server: HttpServer, rubbish: bytes) -> None:
    """Other protocols get a plain 400."""
    assert send(server, rubbish).startswith(b"HTTP/1.1 400 ")


def test_a_request_that_breaks_off_is_passed_over(server: HttpServer) -> None:
    """A client that leaves gets nothing, and the next one is served."""
    assert send(server, b"GET /metr", leave=True) == b""
    assert ask(server, "/metrics")[0] == 200


def test_a_request_in_pieces_is_understood(server: HttpServer) -> None:
    """The head may come byte by byte."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as connection:
        for byte in b"GET /readyz HTTP/1.1\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_dawdles_is_dropped(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole request must come within the deadline."""
    monkeypatch.setattr("s3mover.observe.http.server._DEADLINE", 0.01)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as connection:
        connection.sendall(b"GET /metr")
        assert connection.recv(10) == b""


def test_the_accept_header_may_come_in_several_lines() -> None:
    """Repeated headers are one list (RFC 9110, section 5.3)."""
    request = parse_request(b"GET /metrics HTTP/1.1\r\naccept: a\r\nAccept: b\r\n\r\n")
    assert request == ("GET", "/metrics", "a, b")


def test_a_port_in_use_is_said_with_the_settings_name(server: HttpServer, source: Source) -> None:
    """The operator learns which setting to change."""
    with pytest.raises(SettingsError, match=rf"^http\.port: .*127\.0\.0\.1 port {server.port}: .*in use"):
        start("127.0.0.1", server.port, source)


def test_a_host_that_is_none_is_said_with_the_settings_name(source: Source) -> None:
    """A typing error in the host is no riddle."""
    with pytest.raises(SettingsError, match=r"^http\.host: 'no such host'"):
        start("no such host", 0, source)


@pytest.mark.parametrize("host", ["::1", "::"])
def test_ipv6_hosts_are_served(source: Source, host: str) -> None:
    """The loopback and the wildcard address of IPv6 both answer."""
    server = start(host, 0, source)
    try:
        with socket.create_connection(("::1", server.port), timeout=TOO_LONG) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    finally:
        server.close()


def test_close_frees_the_port_and_ends_every_thread(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that says nothing does not hold the stop up, and the port can be taken again at once."""
    monkeypatch.setattr("s3mover.observe.http.server._DEADLINE", 600)
    before = active_count()
    server = start("127.0.0.1", 0, source)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as silent:
        assert ask(server, "/healthz")[0] == 200
        server.close()
        assert silent.recv(10) == b""
    assert active_count() == before
    start("127.0.0.1", server.port, source).close()


def test_a_defect_in_the_source_is_logged_and_the_server_goes_on(server: HttpServer, source: Source) -> None:
    """What the source gets wrong ends one request, not the server."""
    log = io.StringIO()
    configure("info", "json", log)
    source.is_broken = True
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server, "/status")
    assert json.loads(log.getvalue())["code"] == "KeyError"
    assert ask(server, "/healthz")[0] == 200


def test_connections_that_ended_do_not_count(server: HttpServer) -> None:
    """More may come one after the other than at once."""
    assert {ask(server, "/healthz")[0] for _ in range(100)} == {200}


def test_connections_beyond_the_limit_are_closed(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody makes threads without end."""
    monkeypatch.setattr("s3mover.observe.http.server._DEADLINE", 600)
    crowd = [socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) for _ in range(65)]
    try:
        assert crowd[-1].recv(10) == b""
    finally:
        for connection in crowd:
            connection.close()


def test_a_client_that_resets_is_no_defect(server: HttpServer) -> None:
    """Clients go away; that is not worth a line."""
    log = io.StringIO()
    configure("info", "json", log)
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.sendall(b"GET /metr")
    connection.close()
    assert ask(server, "/healthz")[0] == 200
    server._listener.close_connections()  # waits for the handler
    assert log.getvalue() == ""
