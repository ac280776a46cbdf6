"""The open connections of the HTTP server, bounded in all and per peer.

A new connection is not refused: the oldest one makes room for it. A peer that opens many and finishes none
displaces its own, so that a health check of another peer is always answered.
"""

import contextlib
import socket
from collections import Counter
from threading import Lock, Thread
from typing import Any, NamedTuple

MAX_CONNECTIONS = 64  # at once
MAX_PER_PEER = 16  # of one address: browsers open 6, Prometheus and kubelets 1 to 3
_IPV6_NETWORK_BYTES = 8  # one host usually has all addresses of a /64
_IPV4_MAPPED = bytes(10) + b"\xff\xff"


def peer_of(address: tuple[Any, ...]) -> bytes:
    """Return what identifies the peer at a socket address: its IPv4 address, or its IPv6 network."""
    host = str(address[0]).partition("%")[0]
    if ":" not in host:
        return socket.inet_pton(socket.AF_INET, host)
    packed = socket.inet_pton(socket.AF_INET6, host)
    return packed[12:] if packed.startswith(_IPV4_MAPPED) else packed[:_IPV6_NETWORK_BYTES]


class _Connection(NamedTuple):
    peer: bytes
    thread: Thread


class OpenConnections:
    """The connections that are being served, oldest first; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[socket.socket, _Connection] = {}
        self._ending: list[Thread] = []  # of connections that were cut

    def add(self, connection: socket.socket, peer: bytes, thread: Thread) -> None:
        """Add a connection and the thread that serves it."""
        with self._lock:
            self._open[connection] = _Connection(peer, thread)

    def remove(self, connection: socket.socket) -> None:
        """Remove a connection, before it is closed."""
        with self._lock:
            self._open.pop(connection, None)

    def make_room(self, peer: bytes) -> bool:
        """Cut connections until there is room for one more of `peer`; return False if the threads of cut ones hang."""
        while self._count(peer) >= MAX_PER_PEER:
            self._cut(peer)
        while self._count() >= MAX_CONNECTIONS:
            self.cut_one()
        with self._lock:
            self._ending = [thread for thread in self._ending if thread.is_alive()]
            return len(self._ending) < MAX_CONNECTIONS

    def cut_one(self) -> None:
        """Cut the oldest connection of the peer that has most."""
        with self._lock:
            counts = Counter(connection.peer for connection in self._open.values())
        if counts:
            self._cut(counts.most_common(1)[0][0])

    def close(self) -> None:
        """Stop reading from all connections, and wait until their responses are sent."""
        with self._lock:
            connections = list(self._open.items())
        for connection, _ in connections:
            with contextlib.suppress(OSError):  # the client closed it meanwhile
                connection.shutdown(socket.SHUT_RD)
        for thread in [*(its.thread for _, its in connections), *self._ending]:
            thread.join()

    def _count(self, peer: bytes | None = None) -> int:
        with self._lock:
            return sum(peer in (None, connection.peer) for connection in self._open.values())

    def _cut(self, peer: bytes) -> None:
        """End the oldest connection of `peer`."""
        with self._lock:
            oldest = next((one for one, its in self._open.items() if its.peer == peer), None)
            if oldest is not None:
                self._ending.append(self._open.pop(oldest).thread)
                with contextlib.suppress(OSError):  # the client closed it meanwhile
                    oldest.shutdown(socket.SHUT_RDWR)
