"""A TCP relay on a free loopback port that can alter requests, and break connections unnoticed by the server."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType


class Relay:
    """Passes bytes between its clients and a server on this machine; requests pass through `alter`."""

    def __init__(
        self, server_port: int, alter: Callable[[bytes], bytes] = bytes, host: str = "127.0.0.1"
    ) -> None:
        self._server_port = server_port
        self._alter = alter
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._clients: list[socket.socket] = []
        self._servers: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._lost_after = b""
        self._doomed: set[socket.socket] = set()
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

    def lose_answer_to(self, request: bytes) -> None:
        """Pass the next data that hold `request` on, and break the connection when the server answers them."""
        self._lost_after = request

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._clients.append(client)
                self._servers.append(server)
                for pass_on in (self._ask, self._answer):
                    self._threads.append(threading.Thread(target=pass_on, args=(client, server)))
                    self._threads[-1].start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._lost_after and self._lost_after in data:
                    self._lost_after = b""
                    self._doomed.add(client)
                server.sendall(self._alter(data))

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := server.recv(65536)) and client not in self._doomed:
                client.sendall(data)
        # The server's end of the connection is passed on, too.
        _end(client)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
