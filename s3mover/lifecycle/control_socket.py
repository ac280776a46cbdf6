"""The control socket: another process on this machine sends commands to the daemon, such as pause and resume.

It is a Unix socket rather than HTTP: only the owner of the file can connect, and it is not reachable by network. A
request is one line, an answer is one line. The commands themselves are passed in.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from s3mover.errors import ControlError

Commands = Mapping[str, Callable[[], str]]

OWNER_ONLY = 0o600
TIMEOUT_SECONDS = 5.0
# Time that a caller has to send its command; others wait meanwhile.
REQUEST_SECONDS = 1.0
# Pause after a connection could not be accepted.
PAUSE_SECONDS = 0.1
_MAX_LINE = 256
_PIECE = 64 * 1024
_BACKLOG = 8


class ControlServer:
    """Serves `commands` at `path` on the thread `control`; each is called there and returns one line.

    Raises:
        ControlError: the socket cannot be created, or another daemon listens there.
    """

    def __init__(self, path: Path, commands: Commands) -> None:
        self._path = path
        self._commands = commands
        self._closed = False
        self._listener, self._inode = _listen(path)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the file, unless it belongs to another daemon by now. May be called again."""
        if self._closed:
            return
        self._closed = True
        # Ends a blocking accept(2) on Linux.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        if _inode(self._path) == self._inode:
            self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                # No descriptor is left, for example; the caller waits.
                time.sleep(PAUSE_SECONDS)
                continue
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            command = self._commands.get(_read_line(connection, REQUEST_SECONDS))
            connection.sendall(f"{command() if command else 'unknown command'}\n".encode())
        except OSError:
            return  # the client disconnected or does not answer


def send_command(path: Path, command: str, longest: int = _MAX_LINE) -> str:
    """Send `command` to the daemon that listens at `path` and return its answer, of up to `longest` bytes.

    Raises:
        ControlError: no daemon answers there, or this user is not permitted to connect.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(f"{command}\n".encode())
            answer = _read_line(connection, TIMEOUT_SECONDS, longest)
        except OSError as error:
            raise ControlError(
                f"control.socket: no daemon answers at {path} ({error.strerror or error}); is it running, with this "
                "working directory and these settings, as this user?"
            ) from error
    if not answer:
        raise ControlError(
            f"control.socket: the process that listens at {path} sent no answer; is it s3mover?"
        )
    return answer


def _listen(path: Path) -> tuple[socket.socket, int]:
    """Listen at `path`. The socket is created under another name and renamed after its mode is set to owner-only."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX)
    try:
        _require_free(path)
        temporary.unlink(missing_ok=True)
        listener.bind(str(temporary))
        temporary.chmod(OWNER_ONLY)
        listener.listen(_BACKLOG)
        temporary.rename(path)
        return listener, _inode(path)
    except OSError as error:
        listener.close()
        temporary.unlink(missing_ok=True)
        raise ControlError(
            f"control.socket: cannot be created at {path}: {error.strerror or error}"
        ) from error
    except ControlError:
        listener.close()
        raise


def _require_free(path: Path) -> None:
    """Raise ControlError unless the path is free, or is a socket that a killed daemon left behind."""
    if not path.is_socket():
        if path.exists():
            raise ControlError(f"control.socket: {path} exists and is not a socket")
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(TIMEOUT_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
    raise ControlError(f"control.socket: another daemon listens at {path}")


def _read_line(peer: socket.socket, seconds: float, longest: int = _MAX_LINE) -> str:
    """Read one line, or its first `longest` bytes.

    Raises:
        TimeoutError: it did not end within `seconds`, however often a piece of it came.
    """
    deadline = time.monotonic() + seconds
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < longest:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        peer.settimeout(remaining)
        piece = peer.recv(min(longest, _PIECE))
        if not piece:
            break
        line += piece
    return line.decode(errors="replace").strip()


def _inode(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return 0
