"""A TCP relay on a free loopback port whose client side can be cut without the server's noticing."""

import contextlib
import socket
import threading
from types import TracebackType


class Relay:
    """Passes bytes between its clients and a server on this machine."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._servers: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "Relay":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._clients, *self._servers):
            _end(each)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._clients, *self._servers):
            each.close()

    def cut(self) -> None:
        """Break the connections so far towards the clients; towards the server they stay open."""
        for client in self._clients:
            _end(client)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._clients.append(client)
                self._servers.append(server)
                for passing, pair in ((_pass_on, (client, server)), (_pass_back, (server, client))):
                    self._threads.append(threading.Thread(target=passing, args=pair))
                    self._threads[-1].start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def _pass_back(server: socket.socket, client: socket.socket) -> None:
    """Pass the answers on, and the server's end of the connection too."""
    _pass_on(server, client)
    _end(client)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
