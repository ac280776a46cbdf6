"""Ports of the loopback interface that are kept free for a program that is still to come."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """Give a port that the system hands out to nobody else meanwhile.

    We stay bound to it and never listen: who asks the system for any port, or connects from one, gets another, while
    who names this one may listen there, as long as both set SO_REUSEADDR, which servers do.
    """
    with closing(socket.socket()) as refresher:
        refresher.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        refresher.bind(("127.0.0.1", 0))
        yield int(refresher.getsockname()[1])
