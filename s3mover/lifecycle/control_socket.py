"""The control socket: how another process on this machine tells the daemon to pause and to resume.

A Unix socket and no HTTP: who may open the file may give orders, which is its owner alone, and no network leads
there. One line asks, one line answers. What the commands do is the business of whoever serves them.
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from s3mover.errors import ControlError

Commands = Mapping[str, Callable[[], str]]

OWNER_ONLY = 0o600
DEADLINE_SECONDS = 5.0
_LONGEST_LINE = 256
_BACKLOG = 8


class ControlServer:
    """Serves `commands` at `path`, on a thread of its own; each is called there and returns its answer's one line.

    Raises:
        ControlError: nothing can listen there, or another daemon does.
    """

    def __init__(self, path: Path, commands: Commands) -> None:
        self._path = path
        self._commands = commands
        self._closed = False
        self._listener, self._inode = _listen(path)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; the file goes, unless it is another daemon's by now. May be called again."""
        if self._closed:
            return
        self._closed = True
        # Ends the accept(2) under way, on Linux.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        if _inode(self._path) == self._inode:
            self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                raise
            with caller:
                self._answer(caller)

    def _answer(self, caller: socket.socket) -> None:
        caller.settimeout(DEADLINE_SECONDS)
        try:
            command = self._commands.get(_read_line(caller))
            caller.sendall(f"{command() if command else 'unknown command'}\n".encode())
        except OSError:
            return  # it went away, and does not want to know any more


def ask(path: Path, command: str) -> str:
    """Return what the daemon that listens at `path` answers to `command`.

    Raises:
        ControlError: no daemon answers there, or this user may not ask it.
    """
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(DEADLINE_SECONDS)
        try:
            caller.connect(str(path))
            caller.sendall(f"{command}\n".encode())
            answer = _read_line(caller)
        except OSError as error:
            raise ControlError(
                f"control.socket: no daemon answers at {path} ({error.strerror or error}); is it running, with this "
                "working directory and these settings, as this user?"
            ) from error
    if not answer:
        raise ControlError(f"control.socket: what listens at {path} is no s3mover that answers")
    return answer


def _listen(path: Path) -> tuple[socket.socket, int]:
    """Listen at `path`: made under another name and shut to others first, so that it is never open to them."""
    hidden = path.with_name(f"{path.name}.{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX)
    try:
        _require_free(path)
        hidden.unlink(missing_ok=True)
        listener.bind(str(hidden))
        hidden.chmod(OWNER_ONLY)
        listener.listen(_BACKLOG)
        hidden.rename(path)
        return listener, _inode(path)
    except OSError as error:
        listener.close()
        hidden.unlink(missing_ok=True)
        raise ControlError(f"control.socket: cannot be made at {path}: {error.strerror or error}") from error
    except ControlError:
        listener.close()
        raise


def _require_free(path: Path) -> None:
    """See that nothing is there but what a daemon that was killed left behind."""
    if not path.is_socket():
        if path.exists():
            raise ControlError(f"control.socket: {path} is there and is no socket")
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(DEADLINE_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
    raise ControlError(f"control.socket: another daemon listens at {path}")


def _read_line(peer: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
        piece = peer.recv(_LONGEST_LINE)
        if not piece:
            break
        line += piece
    return line.decode(errors="replace").strip()


def _inode(path: Path) -> int:
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return 0
