"""The client of the receiving process: started anew after a death and after a change, and never mixing up messages."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from s3mover.events import Event, EventsFailed
from s3mover.model import Side
from s3mover.notifications import receiver
from s3mover.notifications.messages import ReceivedMessage, ReceiverConfig
from s3mover.notifications.receiver import EventReceiver
from s3mover.s3.side_access import SideAccess
from testkit.event_queue import KEYS, REGION, EventQueue, running_queues
from testkit.waiting import wait_until

pytestmark = pytest.mark.process

BUCKET = "documents"


class Receiving:
    """A receiver, what it delivered and announced, and a clock that a test moves on."""

    def __init__(self, queue: EventQueue) -> None:
        access = SideAccess(
            Side.SOURCE,
            BUCKET,
            access_key=KEYS["aws_access_key_id"],
            secret_key=KEYS["aws_secret_access_key"],
        )
        self.config = ReceiverConfig(access, queue.url, REGION, queue.endpoint, 1.0, 1, BUCKET, "")
        self.messages: list[ReceivedMessage] = []
        self.events: list[Event] = []
        self.now = 100.0
        self.receiver = EventReceiver(
            lambda: self.config, self.messages.append, self.events.append, lambda: self.now
        )

    def await_messages(self, count: int) -> None:
        """Receive until so many messages came."""

        def has_come() -> bool:
            self.receiver.receive()
            return len(self.messages) >= count

        wait_until(has_come, f"{count} messages")


@pytest.fixture(scope="module")
def queues() -> Iterator[Callable[[], EventQueue]]:
    with running_queues() as running:
        yield running


@pytest.fixture
def queue(queues: Callable[[], EventQueue]) -> EventQueue:
    return queues()


@pytest.fixture
def receiving(queue: EventQueue) -> Iterator[Receiving]:
    made = Receiving(queue)
    yield made
    made.receiver.close()


def test_what_is_to_be_deleted_is_deleted_before_the_process_ends(
    receiving: Receiving, queue: EventQueue
) -> None:
    queue.send([queue.message(BUCKET, key) for key in ("a", "b")])
    receiving.await_messages(2)
    assert sorted(change.key for one in receiving.messages for change in one.changes) == ["a", "b"]
    receiving.receiver.delete([one.id for one in receiving.messages])
    receiving.receiver.close()
    assert queue.left() == 0


def test_what_is_given_back_at_once_comes_to_the_next_process(
    receiving: Receiving, queue: EventQueue
) -> None:
    queue.send([queue.message(BUCKET, "a")])
    receiving.await_messages(1)
    receiving.receiver.give_back([receiving.messages[0].id], at_once=True)
    receiving.receiver.close()
    receiving.await_messages(2)
    first, second = receiving.messages
    assert (first.changes, first.id != second.id) == (second.changes, True)


def test_a_process_that_died_is_announced_and_started_again_after_a_pause(receiving: Receiving) -> None:
    receiving.receiver.receive()
    first = receiving.receiver.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    def is_gone() -> bool:
        receiving.receiver.receive()
        return receiving.receiver.pid is None

    wait_until(is_gone)
    assert any(isinstance(event, EventsFailed) and "-9" in event.message for event in receiving.events)
    receiving.receiver.delete([1])
    receiving.receiver.receive()
    assert receiving.receiver.pid is None
    receiving.now += receiver.LONGEST_PAUSE_SECONDS
    receiving.receiver.receive()
    assert receiving.receiver.pid not in {None, first}


def test_changed_credentials_start_another_process(receiving: Receiving) -> None:
    receiving.receiver.receive()
    first = receiving.receiver.pid
    receiving.config = replace(
        receiving.config, access=replace(receiving.config.access, access_key="another")
    )
    receiving.receiver.receive()
    assert receiving.receiver.pid == first
    receiving.now += receiver.COMPARE_SECONDS
    receiving.receiver.receive()
    assert receiving.receiver.pid not in {None, first}
