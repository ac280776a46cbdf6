"""SIGTERM while the program waits for something that never answers: it ends within `stop.grace`, in good order."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.program import Daemon, daemon
from testkit.waiting import TOO_LONG, wait_until
from testkit.world import World
from tests.endtoend.test_daemon import settings_for

# Short beside every time-out of a request, a statement or a connection.
GRACE = {"S3MOVER_STOP__GRACE": "300ms"}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TOO_LONG)
        yield listener


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def ends_in_order(running: Daemon, code: int = 0) -> bool:
    running.process.terminate()
    assert running.end() == code
    assert "Traceback" not in running.tail()
    return True


@pytest.mark.parametrize("variable", ["SRC_ENDPOINT_URL", "DST_ENDPOINT_URL"])
def test_a_silent_store_does_not_hold_up_a_stop(
    world: World, port: int, silent: socket.socket, tmp_path: Path, variable: str
) -> None:
    """While it opens: exit code 0, and the stop is logged."""
    settings = settings_for(world, port, **GRACE) | {variable: f"http://127.0.0.1:{port_of(silent)}"}
    with daemon(settings, tmp_path) as running:
        connection, _ = silent.accept()
        with connection:
            assert ends_in_order(running)
    assert [event["event"] for event in running.events][-2:] == ["daemon.stopping", "daemon.stopped"]


def test_a_silent_database_does_not_hold_up_a_stop(
    world: World, port: int, silent: socket.socket, tmp_path: Path
) -> None:
    """Which accepts connections and never greets."""
    settings = settings_for(world, port, **GRACE)
    settings["MYSQL_DSN"] = f"mysql://u:p@127.0.0.1:{port_of(silent)}/name"
    with daemon(settings, tmp_path) as running:
        connection, _ = silent.accept()
        with connection:
            assert ends_in_order(running)


def test_a_silent_store_does_not_hold_up_the_stop_of_a_single_sweep(
    world: World, silent: socket.socket, tmp_path: Path
) -> None:
    """Its exit code says that it was interrupted."""
    settings = world.environment | GRACE | {"SRC_ENDPOINT_URL": f"http://127.0.0.1:{port_of(silent)}"}
    with daemon(settings, tmp_path, "sweep") as running:
        connection, _ = silent.accept()
        with connection:
            assert ends_in_order(running, code=130)


def test_a_settings_file_that_never_ends_does_not_hold_up_a_stop(
    world: World, port: int, tmp_path: Path
) -> None:
    """When it is read for the first time, there is nothing to stop yet."""
    config = tmp_path / "config.yaml"
    os.mkfifo(config)
    with daemon(settings_for(world, port), tmp_path) as running, writing(config):
        assert ends_in_order(running)


def test_a_reload_that_never_ends_does_not_hold_up_a_stop(world: World, port: int, tmp_path: Path) -> None:
    """The settings file became a named pipe that nobody closes."""
    config = tmp_path / "config.yaml"
    with daemon(settings_for(world, port, **GRACE), tmp_path) as running:
        running.await_event("sweep.finished")
        os.mkfifo(config)
        running.process.send_signal(signal.SIGHUP)
        with writing(config):
            assert ends_in_order(running)


class writing:  # noqa: N801 - used like a function
    """Wait until the program reads a named pipe, and keep it open without writing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> None:
        wait_until(self._opened, "the program reads the pipe")

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def _opened(self) -> bool:
        try:
            # Refused while nobody reads (fifo(7)).
            self._file = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        return True
