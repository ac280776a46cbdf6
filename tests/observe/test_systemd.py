"""The notifications to a service manager."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3mover.events import DaemonStopping, LeaseAcquired, LeaseWaiting, ObjectsListed, SettingsInvalid
from s3mover.model import Side
from s3mover.observe.systemd import ServiceNotifier
from tests.observe.conftest import Clock
from tests.observe.samples import EVERY_KIND, finished


class Manager:
    """A service manager that listens, at a path or in the abstract namespace."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def received(self) -> list[list[str]]:
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    monkeypatch.chdir(tmp_path)
    listening = Manager("notify")
    yield listening
    listening.close()


def test_readiness_comes_with_the_lease_or_the_wait_for_it(manager: Manager) -> None:
    """Both mean that the buckets and the database have been reached."""
    notifier = ServiceNotifier({"NOTIFY_SOCKET": "notify"})
    notifier(LeaseWaiting("a -> b"))
    notifier(LeaseAcquired("a -> b"))
    assert manager.received() == [
        ["READY=1", "STATUS=lease.waiting a -> b"],
        ["READY=1", "STATUS=lease.acquired a -> b"],
    ]


def test_stopping_reloading_and_sweeps_are_notified(manager: Manager) -> None:
    """A reload has a start and an end; a status is one line."""
    notifier = ServiceNotifier({"NOTIFY_SOCKET": "notify"}, lambda: 12.5)
    notifier(finished())
    notifier(SettingsInvalid("first\nsecond"))
    notifier(DaemonStopping("SIGTERM", 25.0))
    notifier(ObjectsListed(Side.SOURCE, 3))
    assert manager.received() == [
        ["STATUS=sweep.finished 7 completed logs/summary.log"],
        ["RELOADING=1", "MONOTONIC_USEC=12500000"],
        ["READY=1"],
        ["STOPPING=1", "STATUS=daemon.stopping SIGTERM"],
    ]


def test_the_abstract_namespace_is_supported() -> None:
    """A name that begins with @."""
    name = f"s3mover-test-{os.getpid()}"
    listening = Manager(f"\0{name}")
    ServiceNotifier({"NOTIFY_SOCKET": f"@{name}"})(LeaseAcquired("p"))
    assert listening.received() == [["READY=1", "STATUS=lease.acquired p"]]
    listening.close()


def test_the_watchdog_gets_two_keep_alives_per_timeout(manager: Manager, clock: Clock) -> None:
    """The keep-alive is sent every half of the timeout, not at every heartbeat."""
    notifier = ServiceNotifier({"NOTIFY_SOCKET": "notify", "WATCHDOG_USEC": "20000000"}, clock)
    for _ in range(21):
        notifier.heartbeat()
        clock.now += 1
    assert manager.received() == [["WATCHDOG=1"]] * 3


@pytest.mark.parametrize(
    "environ",
    [
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "0"},
        {},
    ],
)
def test_a_watchdog_of_another_process_gets_no_keep_alive(manager: Manager, environ: dict[str, str]) -> None:
    """The variables may be inherited from another process, or invalid."""
    ServiceNotifier({"NOTIFY_SOCKET": "notify", **environ}).heartbeat()
    assert manager.received() == []


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "no-listener"}])
def test_without_a_manager_nothing_happens(environ: dict[str, str], manager: Manager) -> None:
    """There is neither an error nor a notification."""
    notifier = ServiceNotifier(environ)
    for event in EVERY_KIND:
        notifier(event)
    notifier.heartbeat()
    assert manager.received() == []
