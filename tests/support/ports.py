"""Free ports of the loopback interface."""

import socket
from contextlib import closing


def free_port() -> int:
    """Return a port that nothing listens at now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
