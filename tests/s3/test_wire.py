"""Sockets: TLS that verifies, IPv6, proxies, time-outs."""

import ssl
from pathlib import Path

import pytest

from s3mover.errors import S3Error
from s3mover.s3.http import Connection, Stream
from s3mover.s3.wire import Endpoint, Proxy, Timeouts, proxy_for
from simulator.certificates import ServerIdentity, make_identity
from testkit.scripted_server import Peer, answer, chunked, scripted

HEAD = b"GET /k HTTP/1.1\r\nhost: h\r\n\r\n"
WATCHDOG_TIMEOUTS = Timeouts(5, 5)
LIMIT = 1 << 20


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> ServerIdentity:
    return make_identity(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server_context(identity: ServerIdentity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate_file, identity.key_file)
    return context


@pytest.fixture
def trusted(identity: ServerIdentity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the throw-away CA as a company's own is trusted."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(identity.ca_file))


def echo_twice(peer: Peer) -> None:
    """Play: respond to two requests with their own bodies, once in chunks."""
    for frame in (answer, chunked):
        body = peer.hear().partition(b"\r\n\r\n")[2]
        peer.say(frame(body))
    peer.wait_for_end()


@pytest.mark.usefixtures("trusted")
def test_requests_go_over_tls(server_context: ssl.SSLContext) -> None:
    """Bodies of several megabytes go to and fro; the session tickets that TLS 1.3 sends meanwhile are skipped."""
    body = bytes(range(256)) * 12_000
    head = b"PUT /k HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)
    with scripted(echo_twice, context=server_context) as server:
        connection = Connection(Endpoint("https", server.host, server.port), WATCHDOG_TIMEOUTS)
        for _ in range(2):
            rest = memoryview(body)

            def read(view: memoryview) -> int:
                nonlocal rest
                count = min(len(view), len(rest))
                view[:count], rest = rest[:count], rest[count:]
                return count

            response = connection.request(head, Stream(read, len(body)))
            assert response.read_all(len(body)) == body
        connection.close()
        assert server.connections == 1


def test_a_certificate_of_an_unknown_authority_is_refused(server_context: ssl.SSLContext) -> None:
    """Without the bundle the certificate is not trusted, which is a permanent error."""
    with scripted(echo_twice, context=server_context) as server:
        connection = Connection(Endpoint("https", server.host, server.port), WATCHDOG_TIMEOUTS)
        with pytest.raises(S3Error, match="certificate verify failed") as caught:
            connection.request(HEAD)
    assert caught.value.code == "ConnectionError"
    assert not caught.value.temporary


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_is_refused(server_context: ssl.SSLContext) -> None:
    """A trusted authority is not enough: the name must be right."""
    with scripted(echo_twice, context=server_context) as server:
        connection = Connection(Endpoint("https", "localhost", server.port), WATCHDOG_TIMEOUTS)
        with pytest.raises(S3Error, match="certificate verify failed"):
            connection.request(HEAD)


@pytest.mark.usefixtures("trusted")
def test_a_server_without_tls_is_a_temporary_error() -> None:
    """A response that is not TLS fails the handshake."""
    with scripted(lambda peer: peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        connection = Connection(Endpoint("https", server.host, server.port), WATCHDOG_TIMEOUTS)
        with pytest.raises(S3Error) as caught:
            connection.request(HEAD)
    assert (caught.value.code, caught.value.temporary) == ("ConnectionError", True)


def test_a_bundle_that_cannot_be_read_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong AWS_CA_BUNDLE is an error that names it."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with scripted(lambda peer: peer.wait_for_end()) as server:
        connection = Connection(Endpoint("https", server.host, server.port), WATCHDOG_TIMEOUTS)
        with pytest.raises(S3Error, match="AWS_CA_BUNDLE") as caught:
            connection.request(HEAD)
    assert not caught.value.temporary


def test_ipv6_is_spoken() -> None:
    """A numeric IPv6 host is reached and named with brackets."""
    try:
        with scripted(lambda peer: peer.answer(answer(b"six")), host="::1") as server:
            endpoint = Endpoint("http", "::1", server.port)
            connection = Connection(endpoint, WATCHDOG_TIMEOUTS)
            assert connection.request(HEAD).read_all(LIMIT) == b"six"
            connection.close()
            assert endpoint.authority == f"[::1]:{server.port}"
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


@pytest.mark.parametrize(
    ("endpoint", "authority"),
    [
        (Endpoint("https", "h", 443), "h"),
        (Endpoint("http", "h", 80), "h"),
        (Endpoint("http", "h", 443), "h:443"),
        (Endpoint("https", "::1", 443), "[::1]"),
    ],
)
def test_the_authority_leaves_the_schemes_own_port_out(endpoint: Endpoint, authority: str) -> None:
    """As the Host header and the signature want it."""
    assert endpoint.authority == authority


def test_a_name_that_is_not_known_is_a_temporary_error() -> None:
    """Name servers have bad days."""
    with pytest.raises(S3Error, match=r"nowhere\.invalid:80") as caught:
        Connection(Endpoint("http", "nowhere.invalid", 80), WATCHDOG_TIMEOUTS).request(HEAD)
    assert (caught.value.code, caught.value.temporary) == ("ConnectionError", True)


def test_plain_http_goes_through_a_proxy_by_whole_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request line names the host, and the proxy gets its password."""
    with scripted(lambda peer: peer.answer(answer(b"far"))) as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        connection = Connection(Endpoint("http", "s3.far", 9000), WATCHDOG_TIMEOUTS)
        assert connection.request(HEAD).read_all(LIMIT) == b"far"
        connection.close()
        assert proxy.heard[0].startswith(b"GET http://s3.far:9000/k HTTP/1.1\r\n")
        assert b"\r\nproxy-authorization: Basic dXNlcjpwQHNz\r\nhost: h\r\n" in proxy.heard[0]


@pytest.mark.usefixtures("trusted")
def test_tls_goes_through_a_proxy_by_a_tunnel(
    monkeypatch: pytest.MonkeyPatch, server_context: ssl.SSLContext
) -> None:
    """CONNECT is sent first; then TLS begins with the host itself."""

    def tunnel(peer: Peer) -> None:
        peer.answer(b"HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\n")
        peer.start_tls(server_context)
        peer.answer(answer(b"far"))
        peer.wait_for_end()

    with scripted(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        connection = Connection(Endpoint("https", "127.0.0.1", 9443), WATCHDOG_TIMEOUTS)
        assert connection.request(HEAD).read_all(LIMIT) == b"far"
        connection.close()
        assert proxy.heard[0].startswith(b"CONNECT 127.0.0.1:9443 HTTP/1.1\r\n")


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the proxy and its response."""
    with scripted(lambda peer: peer.answer(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(S3Error, match=r"proxy 127\.0\.0\.1.* 407") as caught:
            Connection(Endpoint("https", "s3.far", 443), WATCHDOG_TIMEOUTS).request(HEAD)
    assert caught.value.temporary


def test_no_proxy_excepts_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY is respected, and what holds for one scheme does not hold for the other."""
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "near.example,localhost")
    assert proxy_for(Endpoint("https", "far.example", 443)) == Proxy("proxy", 3128, "")
    assert proxy_for(Endpoint("https", "s3.near.example", 443)) is None
    assert proxy_for(Endpoint("http", "far.example", 80)) is None


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Better no connection than one past the proxy."""
    monkeypatch.setenv("https_proxy", "socks5://proxy:1080")
    with pytest.raises(S3Error, match="socks5"):
        proxy_for(Endpoint("https", "far.example", 443))


def test_a_proxys_password_is_not_shown() -> None:
    """Not even in a traceback's repr."""
    assert "secret" not in repr(Proxy("h", 1, "secret"))
