"""Sockets: one connection to a host, plain or TLS, direct or through the environment's proxy.

The only module that uses `socket` and `ssl`: their errors become `S3Error` here. It moves bytes and knows no HTTP,
except for opening a tunnel through a proxy (RFC 9110, section 9.3.6).
"""

import os
import select
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import monotonic
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from s3mover.errors import S3Error

MAX_TUNNEL_RESPONSE = 16 * 1024


# The least rate of bodies, on average over so many seconds of waiting for the other side. Slow links are legitimate (at
# this rate 150 threads share 300 kbit/s), but a server that sends single bytes must not hold a thread for ever.
LEAST_RATE, PACE_SECONDS = 256, 120.0


class Timeouts(NamedTuple):
    """Bounds in seconds.

    `connect` is for reaching the host, `read` for the longest silence on the connection, `head` for the TLS handshake,
    and for the head of a response from its first byte on, `document` for the body of a response that is read whole (S3
    takes minutes for some, and sends white space meanwhile). `copy` replaces `read` for a response to a copy: stores
    are silent for minutes while they copy gigabytes.
    """

    connect: float = 5.0
    read: float = 60.0
    head: float = 60.0
    document: float = 600.0
    copy: float = 600.0

    @property
    def longest(self) -> float:
        """The seconds that one request may take that is not a copy, and whose response is a document.

        A connection that was kept open may prove to be closed: the request is then sent on a new one.
        """
        return self.connect + 2 * (self.read + self.head) + self.document


def timeouts_with(read: float) -> Timeouts:
    """Return the bounds where a request may be silent for `read` seconds."""
    default = Timeouts()
    return default._replace(read=read, copy=max(read, default.copy))


class Endpoint(NamedTuple):
    """Where requests are sent; `scheme` is `http` or `https`."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as in the `Host` header, without the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


class Proxy(NamedTuple):
    """A forward proxy; `authorization` is the value of `Proxy-Authorization`, or empty."""

    host: str
    port: int
    authorization: str

    def __repr__(self) -> str:
        """Return host and port only: the rest is secret."""
        return f"Proxy({self.host}:{self.port})"


class Wire:
    """An open connection. Every method may raise `S3Error` (`ConnectionError` or `Timeout`).

    The socket does not block, and is polled only when it is not ready: a socket with a timeout polls before each write
    and, with TLS, tries to read before each wait. One CopyObject releases the interpreter's lock four times instead of
    six.

    Args:
        sock: the connected socket.
        timeout: the longest silence, in seconds.
    """

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._timeout = timeout
        # When what is received must be complete, by the monotonic clock; None: it must keep the least rate.
        self._deadline: float | None = None
        self._waited, self._moved = 0.0, 0
        self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else lambda: 0
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(sock, select.POLLIN)
        self._writable.register(sock, select.POLLOUT)

    def limit_time(self, seconds: float) -> None:
        """Let what is received from now on take so many seconds in all."""
        self._deadline = monotonic() + seconds

    def limit_rate(self) -> None:
        """Let what is sent and received from now on take any time, at no less than the least rate."""
        self._deadline = None
        self._waited, self._moved = 0.0, 0

    def send(self, data: bytes | memoryview) -> None:
        """Send all of `data`."""
        left = memoryview(data)
        while left:
            left = left[self._retry_io(self._socket.send, left, self._writable) :]

    def wait(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for bytes; cheaper than trying to read where a response takes time."""
        if not self._pending() and not self._readable.poll(timeout * 1000):
            raise to_s3_error(TimeoutError())

    def receive_into(self, view: memoryview) -> int:
        """Wait for bytes and return their count; 0 once the other side has closed."""
        return self._retry_io(self._socket.recv_into, view, self._readable)

    def try_receive(self, view: memoryview) -> int | None:
        """Receive without waiting; return the number of bytes, 0 where the other side has closed, None for nothing.

        TLS has messages of its own (session tickets), so that a readable socket may have no byte for us.
        """
        if not self._readable.poll(0) and not self._pending():
            return None
        try:
            return self._socket.recv_into(view)
        except (ssl.SSLWantReadError, BlockingIOError):
            return None
        except OSError:
            return 0

    def close(self) -> None:
        """Close at once."""
        self._socket.close()

    def _retry_io(self, move: Callable[[memoryview], int], view: memoryview, ready: select.poll) -> int:
        """Move bytes once the socket is `ready`; TLS may have to read before it writes, and the other way round."""
        while True:
            try:
                count = move(view)
            except BlockingIOError:
                awaited = ready
            except ssl.SSLWantReadError:
                awaited = self._readable
            except ssl.SSLWantWriteError:
                awaited = self._writable
            except OSError as error:
                raise to_s3_error(error) from error
            else:
                self._moved += count
                return count
            self._wait_for(awaited)

    def _wait_for(self, awaited: select.poll) -> None:
        began = monotonic()
        left = self._timeout if self._deadline is None else min(self._timeout, self._deadline - began)
        if left <= 0 or not awaited.poll(left * 1000):
            raise to_s3_error(TimeoutError())
        if self._deadline is None:
            self._check_pace(monotonic() - began)

    def _check_pace(self, waited: float) -> None:
        self._waited += waited
        if self._waited < PACE_SECONDS:
            return
        if self._moved < LEAST_RATE * PACE_SECONDS:
            message = f"less than {LEAST_RATE} bytes per second over {PACE_SECONDS:.0f} seconds"
            raise S3Error("Timeout", message, temporary=True)
        self._waited, self._moved = 0.0, 0


def open_wire(endpoint: Endpoint, proxy: Proxy | None, timeouts: Timeouts) -> Wire:
    """Connect to `endpoint`, through `proxy` where there is one.

    Raises:
        S3Error: the host cannot be reached, or its certificate does not verify (the one case that is not
            temporary).
    """
    try:
        return Wire(_connect(endpoint, proxy, timeouts), timeouts.read)
    except OSError as error:
        raise to_s3_error(error, f"{endpoint.host}:{endpoint.port}") from error


def proxy_for(endpoint: Endpoint) -> Proxy | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY ask for, if any."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    # Imported only where a proxy is configured: it costs each process a megabyte.
    from urllib.request import (  # type: ignore[attr-defined]  # noqa: PLC0415 - the stubs lack the second
        getproxies_environment,
        proxy_bypass_environment,
    )

    proxies = getproxies_environment()
    url = proxies.get(endpoint.scheme) or proxies.get("all")
    if not url or proxy_bypass_environment(f"{endpoint.host}:{endpoint.port}", proxies):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise S3Error("ConnectionError", f"a proxy must be given as http://host:port, got {parts.scheme}://")
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    authorization = f"Basic {b64encode(user.encode()).decode()}" if parts.username else ""
    return Proxy(parts.hostname, parts.port or 80, authorization)


def to_s3_error(error: OSError, where: str = "") -> S3Error:
    """Return the `S3Error` for an error of `socket` or `ssl`; `where` names the host, if any."""
    prefix = f"{where}: " if where else ""
    if isinstance(error, TimeoutError):
        return S3Error("Timeout", f"{prefix}no response in time", temporary=True)
    verified = not isinstance(error, ssl.SSLCertVerificationError)
    message = error.strerror or str(error) or type(error).__name__
    return S3Error("ConnectionError", f"{prefix}{message}", temporary=verified)


def _connect(endpoint: Endpoint, proxy: Proxy | None, timeouts: Timeouts) -> socket.socket:
    peer = (proxy.host, proxy.port) if proxy else (endpoint.host, endpoint.port)
    sock = socket.create_connection(peer, timeouts.connect)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.scheme == "https":
            deadline = monotonic() + timeouts.head
            if proxy:
                _open_tunnel(sock, endpoint, proxy, deadline)
            context = _tls_context(os.environ.get("AWS_CA_BUNDLE", ""))
            sock = context.wrap_socket(sock, server_hostname=endpoint.host, do_handshake_on_connect=False)
            _shake_hands(sock, timeouts.connect, deadline)
    except BaseException:
        sock.close()
        raise
    return sock


@cache
def _tls_context(bundle: str) -> ssl.SSLContext:
    """Trust the system's authorities, or those of `bundle` (a file, or a directory of hashed certificates)."""
    try:
        if bundle and Path(bundle).is_dir():
            context = ssl.create_default_context(capath=bundle)
        else:
            context = ssl.create_default_context(cafile=bundle or None)
    except OSError as error:
        raise S3Error("ConnectionError", f"AWS_CA_BUNDLE: {bundle} holds no certificates: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _shake_hands(sock: ssl.SSLSocket, silence: float, deadline: float) -> None:
    """Do the TLS handshake, which is over by `deadline` and in which the server is never silent for so long."""
    sock.setblocking(False)
    while True:
        try:
            return sock.do_handshake()
        except ssl.SSLWantReadError:
            events = select.POLLIN
        except ssl.SSLWantWriteError:
            events = select.POLLOUT
        ready = select.poll()
        ready.register(sock, events)
        if not ready.poll(max(0.0, min(silence, deadline - monotonic())) * 1000):
            raise TimeoutError


def _open_tunnel(sock: socket.socket, endpoint: Endpoint, proxy: Proxy, deadline: float) -> None:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    target = f"{host}:{endpoint.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    status = _tunnel_status(sock, deadline)
    if status[9:12] != b"200":
        reply = status.decode("latin-1") or "nothing"
        raise S3Error("ConnectionError", f"the proxy {proxy.host}:{proxy.port} said {reply}", temporary=True)


def _tunnel_status(sock: socket.socket, deadline: float) -> bytes:
    """Read the head of the proxy's response and not a byte more: what follows belongs to TLS."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < MAX_TUNNEL_RESPONSE:
        byte = sock.recv(1)
        if not byte:
            break
        if monotonic() > deadline:
            raise TimeoutError
        head += byte
    return head.partition(b"\r\n")[0][:200]
