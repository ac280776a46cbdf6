"""The control socket: who may use it, and what happens to its file."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3mover.errors import ControlError
from s3mover.lifecycle.control_socket import ControlServer, ask

PATH = Path("control.sock")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A socket's path must be short, and a test's folder is not.
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[ControlServer]:
    running = ControlServer(PATH, {"pause": lambda: "paused"})
    yield running
    running.close()


@pytest.mark.usefixtures("server")
def test_a_command_is_answered_in_a_line() -> None:
    """Again and again."""
    assert [ask(PATH, "pause") for _ in range(3)] == ["paused"] * 3


@pytest.mark.usefixtures("server")
def test_what_is_no_command_is_told_so() -> None:
    """And does nothing."""
    assert ask(PATH, "explode") == "unknown command"


@pytest.mark.usefixtures("server")
def test_only_the_owner_may_use_it() -> None:
    """Whatever the umask is."""
    assert stat.S_IMODE(PATH.stat().st_mode) == 0o600
    assert [path.name for path in Path().iterdir()] == [PATH.name]


@pytest.mark.usefixtures("server")
def test_a_caller_that_goes_away_disturbs_nobody() -> None:
    """The next one is served."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(PATH))
    assert ask(PATH, "pause") == "paused"


@pytest.mark.usefixtures("server")
def test_a_daemon_that_listens_is_not_pushed_aside() -> None:
    """The second one is refused, and the first goes on."""
    with pytest.raises(ControlError, match="another daemon listens"):
        ControlServer(PATH, {})
    assert ask(PATH, "pause") == "paused"


def test_what_a_killed_daemon_left_is_replaced() -> None:
    """A file that nobody listens behind."""
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(PATH))
    left.close()
    server = ControlServer(PATH, {"pause": lambda: "paused"})
    assert ask(PATH, "pause") == "paused"
    server.close()
    assert not PATH.exists()


def test_a_file_that_is_no_socket_stays() -> None:
    """It is somebody's."""
    PATH.write_text("precious", encoding="utf-8")
    with pytest.raises(ControlError, match="is no socket"):
        ControlServer(PATH, {})
    assert PATH.read_text(encoding="utf-8") == "precious"


def test_another_daemon_s_file_is_not_removed(server: ControlServer) -> None:
    """Whoever took the place keeps it."""
    PATH.unlink()
    successor = ControlServer(PATH, {"pause": lambda: "paused"})
    server.close()
    assert ask(PATH, "pause") == "paused"
    successor.close()


def test_where_nothing_can_be_made_the_setting_is_named() -> None:
    """With the system's reason."""
    with pytest.raises(ControlError, match=r"control\.socket: cannot be made at nowhere/c: No such file"):
        ControlServer(Path("nowhere/c"), {})


def test_where_nobody_listens_the_path_is_named() -> None:
    """With what to look at."""
    with pytest.raises(ControlError, match=r"no daemon answers at control\.sock .* is it running"):
        ask(PATH, "pause")


def test_the_process_is_in_the_hidden_name_only_while_it_is_made(server: ControlServer) -> None:
    """Nothing of it is left."""
    server.close()
    assert not list(Path().glob(f"*{os.getpid()}*"))
