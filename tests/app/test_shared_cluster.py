"""All routes of a process share one connection to the scheduler, and each gets the answers to its own tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from s3mover.app.shared_cluster import Deliver, SharedCluster
from s3mover.events import Notify
from s3mover.scale.messages import ClusterMessage, Machine, MachinesChanged, RangeAnswered, RangeLost
from s3mover.settings.model import ScaleSettings

SCALE = ScaleSettings(scheduler="tls://scheduler:8786")
ONE = Machine("one", "tls://one:1", "1.0")


class Connection:
    """A connection that remembers what was asked of it."""

    def __init__(self) -> None:
        self.deliver: Deliver
        self.calls: list[str] = []

    @contextmanager
    def open(self, _scale: ScaleSettings, deliver: Deliver, _notify: Notify) -> "Iterator[Connection]":
        """Connect."""
        self.deliver = deliver
        self.calls.append("open")
        yield self
        self.calls.append("close")

    def machines(self) -> tuple[Machine, ...]:
        """Return one machine."""
        return (ONE,)

    def submit(self, key: str, payload: bytes) -> None:
        """Take a task."""
        self.calls.append(f"submit {key} {payload!r}")

    def withdraw(self, key: str) -> None:
        """Forget a task."""
        self.calls.append(f"withdraw {key}")


@pytest.fixture
def connection() -> Connection:
    """A connection to nowhere."""
    return Connection()


@pytest.fixture
def shared(connection: Connection) -> SharedCluster:
    """What routes share."""
    return SharedCluster(lambda _: None, connection.open)


def test_there_is_one_connection_from_the_first_route_to_the_last(
    shared: SharedCluster, connection: Connection
) -> None:
    """A route that opens later, or again, uses it; none is left when no route needs it."""
    for _ in range(2):
        connection.calls.clear()
        first = shared.joined(SCALE, lambda _: None)
        assert first.__enter__().machines() == (ONE,)
        with shared.joined(SCALE, lambda _: None):
            first.__exit__(None, None, None)
            assert connection.calls == ["open"]
        assert connection.calls == ["open", "close"]


def test_an_answer_comes_to_the_route_that_gave_the_task_out(
    shared: SharedCluster, connection: Connection
) -> None:
    """News of machines come to all; what was withdrawn, or has been answered, comes to none."""
    told: dict[str, list[ClusterMessage]] = {"a": [], "b": []}
    with shared.joined(SCALE, told["a"].append) as a, shared.joined(SCALE, told["b"].append) as b:
        a.submit("key-a", b"1")
        b.submit("key-b", b"2")
        b.submit("key-c", b"3")
        b.withdraw("key-c")
        messages = [RangeAnswered("key-b", b"!"), RangeLost("key-a", "gone"), RangeLost("key-c", "gone")]
        for message in (MachinesChanged(), *messages, *messages):
            connection.deliver(message)
    assert told == {"a": [MachinesChanged(), messages[1]], "b": [MachinesChanged(), messages[0]]}
    assert connection.calls[1:-1] == [
        "submit key-a b'1'", "submit key-b b'2'", "submit key-c b'3'", "withdraw key-c"
    ]  # fmt: skip
