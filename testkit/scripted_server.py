"""A server that follows a script: one function per connection reads and writes its bytes."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, heard: list[bytes]) -> None:
        self._socket = sock
        self._heard = heard
        self._left_over = b""

    def hear(self) -> bytes:
        """Read one request, its body included; nothing where the client has gone."""
        head = self.hear_head()
        length = _content_length(head)
        while len(self._left_over) < length and (data := self._socket.recv(65536)):
            self._left_over += data
        body, self._left_over = self._left_over[:length], self._left_over[length:]
        self._heard[-1] += body
        return head + body

    def hear_head(self) -> bytes:
        """Read the head of one request only."""
        data = self._left_over
        while b"\r\n\r\n" not in data:
            more = self._socket.recv(65536)
            if not more:
                self._heard.append(data)
                return data
            data += more
        head, _, self._left_over = data.partition(b"\r\n\r\n")
        self._heard.append(head + b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def read(self, size: int) -> bytes:
        """Read so many bytes; fewer where the client has gone."""
        while len(self._left_over) < size and (data := self._socket.recv(65536)):
            self._left_over += data
        read, self._left_over = self._left_over[:size], self._left_over[size:]
        return read

    def say(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def answer(self, data: bytes) -> None:
        """Hear one request and send bytes."""
        self.hear()
        self.say(data)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on over TLS."""
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def reset(self) -> None:
        """Reset the connection."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._socket.close()

    def wait_for_end(self) -> None:
        """Read until the client has closed."""
        while self._socket.recv(65536):
            pass


Play = Callable[[Peer], None]


class ScriptedServer:
    """Plays `plays`, one per connection in the order in which they come; `heard` holds every request."""

    def __init__(self, plays: tuple[Play, ...], context: ssl.SSLContext | None, host: str) -> None:
        self.heard: list[bytes] = []
        self.host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self._plays = plays
        self._context = context
        self.connections = 0
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop listening and wait for the play to end."""
        with suppress(OSError):  # not on every system may a listening socket be shut down
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        for play in self._plays:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._play, args=(play, sock), daemon=True))
            self._threads[-1].start()

    def _play(self, play: Play, sock: socket.socket) -> None:
        try:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            peer = Peer(sock, self.heard)
        except OSError:
            sock.close()  # the client does not trust us
            return
        try:
            play(peer)
        except OSError:
            pass  # the client went away, as some scripts make it do
        finally:
            peer.close()


@contextmanager
def scripted(
    *plays: Play, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[ScriptedServer]:
    """Run a scripted server on a free loopback port."""
    server = ScriptedServer(plays, context, host)
    try:
        yield server
    finally:
        server.close()


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """Write an answer with a `Content-Length`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*pieces: bytes, status: str = "200 OK") -> bytes:
    """Write an answer whose body comes in chunks."""
    head = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
