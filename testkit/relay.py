"""A TCP relay on a free loopback port that can alter what passes, hold answers back, and cut connections unnoticed."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType


class Relay:
    """Passes bytes between its clients and a server on this machine.

    Requests pass through `alter`, answers through `alter_answer`.
    """

    def __init__(
        self,
        server_port: int,
        alter: Callable[[bytes], bytes] = bytes,
        host: str = "127.0.0.1",
        alter_answer: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._server_port = server_port
        self._alter = alter
        self._alter_answer = alter_answer
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._clients: list[socket.socket] = []
        self._servers: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._lost_after = b""
        self._doomed: set[socket.socket] = set()
        self._severed: set[socket.socket] = set()
        self._held_after = b""
        self._held: dict[socket.socket, threading.Event] = {}
        self.requests: list[tuple[socket.socket, bytes]] = []
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "Relay":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        for each in (self._listener, *self._clients, *self._servers):
            _end(each)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._clients, *self._servers):
            each.close()

    def cut(self) -> None:
        """Break the connections so far towards the clients; towards the server they stay open."""
        for client in self._clients:
            self._severed.add(client)
            _end(client)

    def lose_answer_to(self, request: bytes) -> None:
        """Pass the next data that hold `request` on, and break the connection when the server answers them."""
        self._lost_after = request

    def hold_answer_to(self, request: bytes) -> None:
        """Pass the next data that hold `request` on, and hold all answers on their connection back from then on."""
        self._held_after = request

    def release(self) -> list[bytes]:
        """Pass the held answers on, and return what each held connection's client had sent meanwhile."""
        held, self._held = self._held, {}
        for passes in held.values():
            passes.set()
        return [b"".join(data for sender, data in self.requests if sender is client) for client in held]

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
                if client in self._held:
                    self.requests.append((client, data))
                if self._held_after and self._held_after in data:
                    self._held_after = b""
                    self._held[client] = threading.Event()
                server.sendall(self._alter(data))
        if client not in self._severed:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := server.recv(65536)) and client not in self._doomed:
                if held := self._held.get(client):
                    held.wait()
                client.sendall(self._alter_answer(data))
        # The server's end of the connection is passed on, too.
        _end(client)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
