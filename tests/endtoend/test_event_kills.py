"""Supervisor and receiving process are killed at random: no message is lost, nothing is moved twice at once."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from testkit.event_queue import EventQueue, running_queues
from testkit.program import Daemon, daemon, run_program
from testkit.waiting import wait_until
from testkit.world import SOURCE, World
from tests.endtoend.test_events import assert_equal, settings_for

# What a killed process had received comes again only after half a minute.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SEED = int(os.environ.get("S3MOVER_TEST_SEED", "20261128"))
KILLS = int(os.environ.get("S3MOVER_TEST_KILLS", "6"))
OBJECTS_PER_KILL = 60
LONGEST_RUN_SECONDS = 1.5


@pytest.fixture
def sqs() -> Iterator[EventQueue]:
    """A queue of this test's own."""
    with running_queues() as queues:
        yield queues()


class Program:
    """The daemon, which is started again after each kill."""

    def __init__(self, settings: dict[str, str], folder: Path, opened: ExitStack) -> None:
        self._settings = settings
        self._folder = folder
        self._opened = opened
        self.running = self._start()

    def kill_supervisor(self) -> None:
        """Kill the daemon, and start another one."""
        self.running.process.kill()
        self.running.process.wait()
        self.running = self._start()

    def kill_receiver(self) -> None:
        """Kill the process that receives, once it runs."""
        supervisor = self.running.process.pid
        wait_until(lambda: receivers_of(supervisor), "the daemon receives", self.running.tail)
        for pid in receivers_of(supervisor):
            os.kill(pid, signal.SIGKILL)

    def _start(self) -> Daemon:
        return self._opened.enter_context(daemon(self._settings, self._folder))


def receivers_of(parent: int) -> list[int]:
    """Return the receiving processes of a supervisor, whichever of its threads started them."""
    lists = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(pid) for each in lists for pid in each.read_text().split()]
    return [pid for pid in children if b"receiver_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def put(world: World, sqs: EventQueue, chance: random.Random, objects: int) -> None:
    """Put objects, and send the message of each."""
    for _ in range(objects):
        key = f"in {chance.randrange(objects)}"
        world.s3.put_object(SOURCE, key, f"{key} {chance.random()}".encode())
        sqs.send([sqs.message(SOURCE, key)])


def test_no_message_is_lost_and_nothing_is_moved_twice_at_once(
    world: World, sqs: EventQueue, port: int, tmp_path: Path
) -> None:
    """The last kill is the receiver's: then no sweep finds what an event did not bring."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable
    with ExitStack() as opened:
        program = Program(settings_for(world, sqs, port), tmp_path, opened)
        program.running.await_event("sweep.finished")
        for number in range(KILLS):
            put(world, sqs, chance, OBJECTS_PER_KILL)
            time.sleep(chance.uniform(0, LONGEST_RUN_SECONDS))
            if number % 2:
                program.kill_receiver()
            else:
                program.kill_supervisor()
        program.running.await_event("sweep.finished")
        put(world, sqs, chance, OBJECTS_PER_KILL)
        program.kill_receiver()
        wait_until(lambda: sqs.left() < OBJECTS_PER_KILL, "messages come again", program.running.tail)
        wait_until(lambda: not sqs.left(), "all messages are deleted", program.running.tail)
        copies = {entry["key"]: entry["etag"] for entry in world.s3.objects(SOURCE)}
        program.running.process.terminate()
        assert program.running.end() == 0
    assert (
        copies.items()
        <= {entry["key"]: entry["etag"] for entry in world.s3.objects("company-documents-copy")}.items()
    )
    assert sqs.dead() == 0
    run_program(["sweep"], world.environment, tmp_path)
    assert_equal(world, tmp_path)


def test_a_standby_receives_nothing_until_it_leads(
    world: World, sqs: EventQueue, port: int, tmp_path: Path
) -> None:
    """The process that receives is there only where the lease is, and messages of a killed leader are not lost."""
    settings = settings_for(world, sqs, port) | {"S3MOVER_HTTP__PORT": "0"}
    with ExitStack() as opened:
        leader = opened.enter_context(daemon(settings, tmp_path))
        leader.await_event("sweep.finished")
        wait_until(lambda: receivers_of(leader.process.pid), "the leader receives", leader.tail)
        standby = opened.enter_context(daemon(settings, tmp_path))
        standby.await_event("lease.waiting")
        assert receivers_of(standby.process.pid) == []
        world.s3.put_object(SOURCE, "first", b"1")
        sqs.send([sqs.message(SOURCE, "first")])
        leader.await_event("object.moved")
        assert receivers_of(standby.process.pid) == []
        leader.process.kill()
        leader.process.wait()
        standby.await_event("sweep.finished")
        world.s3.put_object(SOURCE, "second", b"2")
        sqs.send([sqs.message(SOURCE, "second")])
        standby.await_event("object.moved", lambda event: event["key"] == "second")
        wait_until(lambda: not sqs.left(), "all messages are deleted", standby.tail)
        standby.process.terminate()
        assert standby.end() == 0
    assert_equal(world, tmp_path)
