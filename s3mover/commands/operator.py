"""Who runs a command, as other instances and people see it."""

import getpass
import os
import socket


def operator() -> str:
    """Return `user@host` of this process; a container may have no name for its user."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
