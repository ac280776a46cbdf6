"""What the receiving process does with messages, held against a queue in memory."""

import threading
from queue import SimpleQueue
from typing import Any, cast

import pytest

from s3mover.errors import UnreachableError
from s3mover.model import Side
from s3mover.notifications.held_messages import MAX_HELD, PER_RECEIVE, VISIBILITY_SECONDS, HeldMessages
from s3mover.notifications.messages import ReceiverConfig, config_fields, config_of
from s3mover.notifications.receiver_main import ReceiverProcess
from s3mover.notifications.sqs import Queue, RawMessage, dead_letter_arn
from s3mover.s3.side_access import SideAccess
from testkit.waiting import wait_until
from tests.notifications.samples import BUCKET, notification, record, sns

CONFIG = ReceiverConfig(
    SideAccess(Side.SOURCE, BUCKET, access_key="AK", secret_key="shh"),
    "arn:q",
    "",
    "",
    20.0,
    3,
    BUCKET,
    "in/",
)


class MemoryQueue:
    """A queue whose polls wait until a test lets them go, with what the test gives them."""

    def __init__(self) -> None:
        self.polls = 0
        self.answers: SimpleQueue[list[RawMessage] | UnreachableError] = SimpleQueue()
        self.deleted: list[str] = []
        self.changed: list[tuple[int, str]] = []
        self._lock = threading.Lock()

    def receive(self) -> list[RawMessage]:
        with self._lock:
            self.polls += 1
        answer = self.answers.get()
        if isinstance(answer, UnreachableError):
            raise answer
        return answer

    def delete(self, handles: list[str]) -> int:
        self.deleted += handles
        return 0

    def make_visible_in(self, seconds: int, handles: list[str]) -> int:
        self.changed += [(seconds, handle) for handle in handles]
        return 0

    def counts(self) -> dict[str, int | None]:
        return {"visible": 0, "in_flight": 0, "delayed": 0, "dead_letter": None}


class Reports:
    """What the process reports."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Any]] = []

    def __call__(self, kind: str, details: Any) -> None:
        self.all.append((kind, details))

    def of(self, kind: str) -> list[Any]:
        return [details for name, details in self.all if name == kind]


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def process(queue: MemoryQueue, reports: Reports) -> ReceiverProcess:
    """A process that receives."""
    made = ReceiverProcess(CONFIG, cast(Queue, queue), reports)
    made.start()
    made.handle("receive", None)
    return made


def raw(handle: str, body: str) -> RawMessage:
    return RawMessage(f"id-{handle}", handle, body, 1.5)


def test_an_idle_queue_costs_one_long_poll_per_receiver(process: ReceiverProcess, queue: MemoryQueue) -> None:
    wait_until(lambda: queue.polls == CONFIG.receivers)
    for _ in range(CONFIG.receivers):
        queue.answers.put([])
    wait_until(lambda: queue.polls == 2 * CONFIG.receivers)
    assert process is not None


def test_a_message_is_deleted_only_when_that_is_asked_for(
    process: ReceiverProcess, queue: MemoryQueue, reports: Reports
) -> None:
    queue.answers.put([raw("h1", notification(record("in/a")))])
    wait_until(lambda: reports.of("message"))
    assert reports.of("message") == [[1, 1.5, [["created", "in/a", 1795867200.25, "0" * 32, "0A1B"]]]]
    assert queue.deleted == []
    process.handle("delete", [1])
    process.finish()
    assert queue.deleted == ["h1"]


def test_what_announces_no_change_of_ours_is_deleted_and_counted(
    process: ReceiverProcess, queue: MemoryQueue, reports: Reports
) -> None:
    queue.answers.put([raw("h1", notification(record("out/a"))), raw("h2", sns('{"Event": "s3:TestEvent"}'))])
    wait_until(lambda: len(queue.deleted) == 2)
    assert (queue.deleted, reports.of("counts")) == (["h1", "h2"], [{"foreign": 1}, {"test": 1}])
    assert process is not None


def test_what_is_unreadable_is_neither_deleted_nor_kept_and_only_its_id_is_named(
    process: ReceiverProcess, queue: MemoryQueue, reports: Reports
) -> None:
    queue.answers.put([raw("h1", "secret")])
    wait_until(lambda: reports.of("unreadable"))
    assert reports.of("unreadable") == [["id-h1", "not JSON"]]
    process.handle("give_back", {"messages": [1], "at_once": True})
    process.finish()
    assert (queue.deleted, queue.changed) == ([], [])


@pytest.mark.parametrize(("at_once", "changed"), [(True, [(0, "h1")]), (False, [])])
def test_what_is_given_back_comes_again_and_is_not_deleted_later(
    process: ReceiverProcess,
    queue: MemoryQueue,
    reports: Reports,
    at_once: bool,
    changed: list[tuple[int, str]],
) -> None:
    queue.answers.put([raw("h1", notification(record("in/a")))])
    wait_until(lambda: reports.of("message"))
    process.handle("give_back", {"messages": [1], "at_once": at_once})
    process.handle("delete", [1])
    process.finish()
    assert (queue.changed, queue.deleted) == (changed, [])


def test_a_failure_to_receive_is_reported_with_its_remedy(
    process: ReceiverProcess, queue: MemoryQueue, reports: Reports
) -> None:
    queue.answers.put(UnreachableError("source.events.queue q: AccessDenied"))
    wait_until(lambda: reports.of("failed"))
    assert reports.of("failed") == ["source.events.queue q: AccessDenied"]
    assert process is not None


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_messages_are_kept_invisible_for_as_long_as_they_are_held() -> None:
    clock = Clock()
    held = HeldMessages(clock)
    held.receive(is_receiving=True)
    held.wait_for_room()
    numbers = held.received([("h1", 5.0), ("h2", 4.0)], 0.0)
    assert (held.expiring(), held.oldest_sent_at()) == ({}, 4.0)
    clock.now = VISIBILITY_SECONDS / 2
    assert held.expiring() == dict(zip(numbers, ["h1", "h2"], strict=True))
    held.extended(numbers[:1], clock.now)
    assert held.expiring() == {numbers[1]: "h2"}
    assert held.take(numbers) == ["h1", "h2"]
    assert (held.take(numbers), held.expiring(), held.oldest_sent_at()) == ([], {}, None)


def test_no_more_messages_are_received_than_may_be_held() -> None:
    held = HeldMessages(Clock())
    held.receive(is_receiving=True)
    for number in range(MAX_HELD // PER_RECEIVE):
        held.wait_for_room()
        held.received([(f"{number}-{one}", 0.0) for one in range(PER_RECEIVE)], 0.0)
    waiting = threading.Thread(target=held.wait_for_room, daemon=True)
    waiting.start()
    assert waiting.is_alive()
    held.take(range(1, PER_RECEIVE + 1))
    waiting.join(60)
    assert not waiting.is_alive()


def test_the_configuration_survives_the_pipe_and_its_repr_shows_no_secret() -> None:
    assert config_of(config_fields(CONFIG)) == CONFIG
    assert "shh" not in repr(CONFIG)


@pytest.mark.parametrize("policy", ["", "{", "[]", "7", '{"deadLetterTargetArn": 7}', "{}"])
def test_without_a_readable_redrive_policy_there_is_no_dead_letter_queue(policy: str) -> None:
    assert dead_letter_arn({"RedrivePolicy": policy}) == ""
