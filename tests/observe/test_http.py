"""The HTTP server, over real connections."""

import http.client
import io
import json
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import active_count
from threading import enumerate as enumerate_threads

import pytest

from s3mover.errors import SettingsError
from s3mover.observe.http.connections import MAX_CONNECTIONS, MAX_PER_PEER, peer_of
from s3mover.observe.http.messages import parse_request
from s3mover.observe.http.server import HttpServer, start
from s3mover.observe.logs import configure
from s3mover.observe.page import document
from s3mover.observe.status.board import StatusBoard
from testkit.waiting import TOO_LONG, wait_until
from tests.observe.samples import failed


class Source:
    """A status source with settable answers."""

    def __init__(self) -> None:
        self.is_healthy = self.is_ready = True
        self.accepted: list[str] = []
        self.key = "in/ä"
        self.is_broken = False

    def healthy(self) -> tuple[bool, str]:
        """Return whether it is healthy."""
        return self.is_healthy, "ok" if self.is_healthy else "no heartbeat from the sweep loop for 73 s"

    def ready(self) -> tuple[bool, str]:
        """Return whether it is ready."""
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
    """Send raw bytes and return the whole response; with `leave`, close the sending side."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as connection:
        connection.sendall(text)
        if leave:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_metrics_follow_the_accept_header(server: HttpServer, source: Source) -> None:
    """Body and content type come from the source, which gets the Accept header."""
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
    """The body of a probe is the reason."""
    assert ask(server, path)[::2] == (200, good)
    source.is_healthy = source.is_ready = False
    assert ask(server, path)[::2] == (503, bad)


def test_status_is_json(server: HttpServer, source: Source) -> None:
    """It is valid JSON, whatever key it contains."""
    status, headers, body = ask(server, "/status")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["failures"][0]["key"] == "in/ä"
    source.key = "in/\udc80"
    assert json.loads(ask(server, "/status")[2])["failures"][0]["key"] == "in/\\udc80"


def test_the_root_is_a_page(server: HttpServer, source: Source) -> None:
    """It is HTML with its own policy, whatever key it contains; a query string is ignored."""
    source.key = "in/ä\udc80"
    status, headers, body = ask(server, "/?x=1")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["Content-Security-Policy"] == document.POLICY
    assert "in/ä\\udc80" in body.decode()


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/status", "/nothing"])
def test_all_other_answers_permit_a_browser_nothing(server: HttpServer, path: str) -> None:
    """A browser neither runs, frames nor sniffs them."""
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
    """HTTP is read-only."""
    status, headers, _ = ask(server, "/metrics", method, body=b"x" * 100)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_head_answers_like_get_without_a_body(server: HttpServer) -> None:
    """Length and type are sent, the body is not."""
    answer = send(server, b"HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    assert f"Content-Length: {len(ask(server, '/status')[2])}".encode() in head


def test_the_server_does_not_reveal_its_versions(server: HttpServer) -> None:
    """A scan for vulnerable versions finds nothing."""
    headers = ask(server, "/healthz")[1]
    assert headers["Server"] == "s3mover"
    assert headers["Cache-Control"] == "no-store"


def test_a_head_without_end_is_rejected(server: HttpServer) -> None:
    """The limit is 16 KiB."""
    answer = send(server, b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 40_000)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_too_many_headers_are_rejected(server: HttpServer) -> None:
    """The limit is that of the standard library, 100."""
    answer = send(server, b"GET /metrics HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET /metrics HTTP/2.0\r\n\r\n",
        b"\xff \xfe \r\n\r\n",
    ],
)
def test_what_is_not_a_request_is_rejected(server: HttpServer, request_bytes: bytes) -> None:
    """Other protocols get a plain 400."""
    assert send(server, request_bytes).startswith(b"HTTP/1.1 400 ")


def test_an_incomplete_request_is_ignored(server: HttpServer) -> None:
    """A client that disconnects gets no response, and the next one is served."""
    assert send(server, b"GET /metr", leave=True) == b""
    assert ask(server, "/metrics")[0] == 200


def test_a_request_in_pieces_is_served(server: HttpServer) -> None:
    """The head may arrive byte by byte."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as connection:
        for byte in b"GET /readyz HTTP/1.1\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_slow_client_is_disconnected(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole request must arrive within the deadline."""
    monkeypatch.setattr("s3mover.observe.http.server._DEADLINE", 0.01)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as connection:
        connection.sendall(b"GET /metr")
        assert connection.recv(10) == b""


def test_the_accept_header_may_come_in_several_lines() -> None:
    """Repeated headers are one list (RFC 9110, section 5.3)."""
    request = parse_request(b"GET /metrics HTTP/1.1\r\naccept: a\r\nAccept: b\r\n\r\n")
    assert request == ("GET", "/metrics", "a, b")


def test_a_port_in_use_is_an_error_with_the_name_of_the_setting(server: HttpServer, source: Source) -> None:
    """The operator learns which setting to change."""
    with pytest.raises(SettingsError, match=rf"^http\.port: .*127\.0\.0\.1 port {server.port}: .*in use"):
        start("127.0.0.1", server.port, source)


def test_an_invalid_host_is_an_error_with_the_name_of_the_setting(source: Source) -> None:
    """The operator learns which setting to change."""
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
    """A silent connection does not delay it, and the port can be reused at once."""
    monkeypatch.setattr("s3mover.observe.http.server._DEADLINE", 600)
    before = set(enumerate_threads())
    server = start("127.0.0.1", 0, source)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG) as silent:
        assert ask(server, "/healthz")[0] == 200
        server.close()
        assert silent.recv(10) == b""
    # Threads of other tests may end meanwhile.
    assert set(enumerate_threads()) <= before
    start("127.0.0.1", server.port, source).close()


def test_an_internal_error_of_the_source_is_logged_and_the_server_continues(
    server: HttpServer, source: Source
) -> None:
    """It ends one request, not the server."""
    log = io.StringIO()
    configure("info", "json", log)
    source.is_broken = True
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server, "/status")
    assert json.loads(log.getvalue())["code"] == "KeyError"
    assert ask(server, "/healthz")[0] == 200


def test_connections_that_ended_do_not_count(server: HttpServer) -> None:
    """The limit is on simultaneous connections."""
    assert {ask(server, "/healthz")[0] for _ in range(100)} == {200}


@contextmanager
def half_open(server: HttpServer, number: int, *hosts: str) -> Iterator[list[socket.socket]]:
    """Open connections from the addresses `hosts`, one after the other, that never finish their request."""
    connections = []
    try:
        for turn in range(number):
            connection = socket.create_connection(
                ("127.0.0.1", server.port), timeout=TOO_LONG, source_address=(hosts[turn % len(hosts)], 0)
            )
            connection.sendall(b"GET /healthz")
            connections.append(connection)
        yield connections
    finally:
        for connection in connections:
            connection.close()


def is_cut(connection: socket.socket) -> bool:
    """Return whether the server ended a connection."""
    connection.setblocking(False)
    try:
        return connection.recv(10) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection ends by its deadline."""
    monkeypatch.setattr("s3mover.observe.http.server._DEADLINE", 600)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("hosts", [["127.0.0.1"], [f"127.0.0.{last}" for last in range(2, 12)]], ids=len)
def test_half_open_connections_never_keep_a_health_check_out(server: HttpServer, hosts: list[str]) -> None:
    """It is answered from the first to the hundredth, by the address that opens them and by another."""
    threads = active_count()
    for number in (63, 64, 65, 300):
        with half_open(server, number, *hosts):
            assert ask(server, "/healthz")[0] == 200
            assert active_count() - threads <= 2 * MAX_CONNECTIONS


@pytest.mark.usefixtures("patient")
def test_a_peer_with_too_many_connections_loses_its_oldest(server: HttpServer) -> None:
    """The others keep theirs."""
    with (
        half_open(server, 1, "127.0.0.2") as [other],
        half_open(server, MAX_PER_PEER + 3, "127.0.0.3") as many,
    ):
        wait_until(lambda: all(is_cut(connection) for connection in many[:3]), "the oldest are cut")
        assert ask(server, "/healthz")[0] == 200
        assert not any(is_cut(connection) for connection in [other, *many[3:]])


@pytest.mark.usefixtures("patient")
def test_with_too_many_connections_in_all_the_peer_with_most_loses_its_oldest(server: HttpServer) -> None:
    """A peer that has one connection keeps it, though it is the oldest of all."""
    with (
        half_open(server, 1, "127.0.0.2") as [other],
        half_open(server, MAX_PER_PEER, "127.0.0.3") as most,
        half_open(server, MAX_CONNECTIONS, *(f"127.0.0.{last}" for last in range(4, 13))),
    ):
        wait_until(lambda: is_cut(most[0]), "the oldest of the peer with most is cut")
        assert not is_cut(other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8::1", "2001:db8::2:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_a_peer_is_an_address_or_a_network_of_one_host(one: str, other: str, same: bool) -> None:
    """With IPv6 one host usually has 64 bits of addresses for itself."""
    assert (peer_of((one, 1)) == peer_of((other, 2))) is same


@pytest.mark.usefixtures("patient")
def test_a_process_without_free_descriptors_answers_again_once_it_has_some(server: HttpServer) -> None:
    """Half-open connections give theirs up, and the server does not try to accept without a pause."""
    with half_open(server, 8, "127.0.0.2"):
        assert ask(server, "/healthz")[0] == 200
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        waiting = socket.socket()
        try:
            with suppress(OSError):
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
            waiting.settimeout(TOO_LONG)
            waiting.connect(("127.0.0.1", server.port))
            waiting.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert waiting.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        finally:
            waiting.close()
            for descriptor in taken:
                os.close(descriptor)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_connection_reset_is_not_logged(server: HttpServer) -> None:
    """It is not an internal error."""
    log = io.StringIO()
    configure("info", "json", log)
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=TOO_LONG)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.sendall(b"GET /metr")
    connection.close()
    assert ask(server, "/healthz")[0] == 200
    server._listener.close_connections()  # waits for the handler
    assert log.getvalue() == ""
