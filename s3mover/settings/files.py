"""Reads the files that hold settings: bounded in size and time, whatever a path leads to.

A path may lead to a named pipe that nobody writes to, or to a device that never ends.
"""

import errno
import os
import select
import time
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 256 * 1024
# For all files together that are not there at once: named pipes, terminals.
WAIT_SECONDS = 5.0

ReadFile = Callable[[Path], bytes]


def file_reader(clock: Callable[[], float] = time.monotonic) -> ReadFile:
    """Return the function that reads a file; all files that it waits for share `WAIT_SECONDS` from now."""
    deadline = clock() + WAIT_SECONDS

    def read(path: Path) -> bytes:
        # Without O_NONBLOCK opening a pipe waits for its writer (fifo(7)).
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return _read(descriptor, lambda: max(0.0, deadline - clock()))
        finally:
            os.close(descriptor)

    return read


def _read(descriptor: int, remaining: Callable[[], float]) -> bytes:
    data = b""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    # Regular files are always ready.
    while poller.poll(remaining() * 1000):
        piece = os.read(descriptor, MAX_BYTES + 1 - len(data))
        if not piece:
            return data
        data += piece
        if len(data) > MAX_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MAX_BYTES // 1024} KiB")
    raise TimeoutError(errno.ETIMEDOUT, f"its end did not come within {WAIT_SECONDS:g} seconds")
