"""The control socket: who may connect, and what happens to its file."""

import errno
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3mover.errors import ControlError
from s3mover.lifecycle.control_socket import ControlServer, send_command
from testkit.waiting import TOO_LONG

PATH = Path("control.sock")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The path of a socket must be short; that of the test's directory is not.
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[ControlServer]:
    running = ControlServer(PATH, {"pause": lambda: "paused"})
    yield running
    running.close()


@pytest.mark.usefixtures("server")
def test_a_command_is_answered_with_one_line() -> None:
    """Any number of times."""
    assert [send_command(PATH, "pause") for _ in range(3)] == ["paused"] * 3


@pytest.mark.usefixtures("server")
def test_an_unknown_command_is_rejected() -> None:
    """It has no effect."""
    assert send_command(PATH, "explode") == "unknown command"


@pytest.mark.usefixtures("server")
def test_only_the_owner_may_connect() -> None:
    """Independent of the umask."""
    assert stat.S_IMODE(PATH.stat().st_mode) == 0o600
    assert [path.name for path in Path().iterdir()] == [PATH.name]


@pytest.mark.usefixtures("server")
def test_a_client_that_disconnects_does_not_stop_the_server() -> None:
    """The next client is served."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(PATH))
    assert send_command(PATH, "pause") == "paused"


@pytest.mark.usefixtures("server")
def test_a_client_that_sends_a_byte_at_a_time_does_not_keep_others_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is disconnected, although it never falls silent for long."""
    monkeypatch.setattr("s3mover.lifecycle.control_socket.REQUEST_SECONDS", 0.2)
    ended = threading.Event()

    def drip(client: socket.socket) -> None:
        try:
            while not ended.wait(0.05):
                client.sendall(b"x")
        except OSError:
            ended.set()  # disconnected

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(PATH))
        dripping = threading.Thread(target=drip, args=(client,))
        dripping.start()
        assert send_command(PATH, "pause") == "paused"
        assert ended.wait(TOO_LONG)
        dripping.join()


def test_a_server_without_a_free_descriptor_answers_once_it_has_one(
    server: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not give up its socket."""
    refused = threading.Event()
    listener = server._listener

    class Exhausted:
        def accept(self) -> tuple[socket.socket, object]:
            refused.set()
            raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(server, "_listener", Exhausted())
    assert send_command(PATH, "pause") == "paused"  # the accept(2) that was waiting
    assert refused.wait(TOO_LONG)
    monkeypatch.setattr(server, "_listener", listener)
    assert send_command(PATH, "pause") == "paused"


@pytest.mark.usefixtures("server")
def test_the_socket_of_a_running_daemon_is_not_replaced() -> None:
    """The second daemon fails to listen, and the first continues."""
    with pytest.raises(ControlError, match="another daemon listens"):
        ControlServer(PATH, {})
    assert send_command(PATH, "pause") == "paused"


def test_the_socket_of_a_killed_daemon_is_replaced() -> None:
    """Its file still exists, but no process listens."""
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(PATH))
    left.close()
    server = ControlServer(PATH, {"pause": lambda: "paused"})
    assert send_command(PATH, "pause") == "paused"
    server.close()
    assert not PATH.exists()


def test_a_file_that_is_not_a_socket_is_kept() -> None:
    """It belongs to another program."""
    PATH.write_text("precious", encoding="utf-8")
    with pytest.raises(ControlError, match="is not a socket"):
        ControlServer(PATH, {})
    assert PATH.read_text(encoding="utf-8") == "precious"


def test_the_socket_of_a_successor_is_not_removed(server: ControlServer) -> None:
    """A daemon removes only the file that it created."""
    PATH.unlink()
    successor = ControlServer(PATH, {"pause": lambda: "paused"})
    server.close()
    assert send_command(PATH, "pause") == "paused"
    successor.close()


def test_a_socket_that_cannot_be_created_names_the_setting() -> None:
    """With the reason of the operating system."""
    with pytest.raises(ControlError, match=r"control\.socket: cannot be created at nowhere/c: No such file"):
        ControlServer(Path("nowhere/c"), {})


def test_a_missing_daemon_is_reported_with_the_path() -> None:
    """And what to check."""
    with pytest.raises(ControlError, match=r"no daemon answers at control\.sock .* is it running"):
        send_command(PATH, "pause")


def test_no_temporary_file_is_left(server: ControlServer) -> None:
    """The socket is created under a temporary name with the process id."""
    server.close()
    assert not list(Path().glob(f"*{os.getpid()}*"))
