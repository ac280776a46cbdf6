"""Free ports on the loopback interface, reserved for a program that starts later."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """Reserve a port that the system assigns to no other socket meanwhile.

    Our socket stays bound and never listens, so a socket that asks for any port gets another one. A server that names
    this port can listen on it, as long as it sets SO_REUSEADDR, as servers do.
    """
    with closing(socket.socket()) as refresher:
        refresher.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        refresher.bind(("127.0.0.1", 0))
        yield int(refresher.getsockname()[1])
