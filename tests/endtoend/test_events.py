"""The source's events beside the sweeps: real processes, the simulator's buckets, and a queue of moto's SQS."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testkit.event_queue import EventQueue, running_queues
from testkit.program import daemon, run_program
from testkit.trail_rows import assert_counted, rows
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World

# Puts, changes and removals at random, each with its message, or none, or several.
OPERATIONS = int(os.environ.get("S3MOVER_TEST_OPERATIONS", "150"))
CREATED, REMOVED = "ObjectCreated:Put", "ObjectRemoved:Delete"
# Times of intention and settlement of one key that overlap: it was worked on twice at once.
AT_ONCE = """
    SELECT one.file_key FROM document_logs AS one JOIN document_logs AS other
    ON one.file_key = other.file_key AND one.id < other.id AND one.updated_at > other.created_at
"""
TWICE = """
    SELECT file_key, source_etag, COUNT(*) FROM document_logs WHERE status = 'success'
    GROUP BY file_key, source_etag HAVING COUNT(*) > 1
"""
MOVED = "SELECT file_key, source_etag FROM document_logs WHERE status = 'success'"


@pytest.fixture(scope="module")
def queues() -> Iterator[Callable[[], EventQueue]]:
    """What makes queues."""
    with running_queues() as running:
        yield running


@pytest.fixture
def sqs(queues: Callable[[], EventQueue]) -> EventQueue:
    """A queue of each test's own."""
    return queues()


def settings_for(world: World, sqs: EventQueue, port: int, **more: str) -> dict[str, str]:
    return {
        **world.environment,
        **sqs.settings(),
        "S3MOVER_HTTP__HOST": "127.0.0.1",
        "S3MOVER_HTTP__PORT": str(port),
        "S3MOVER_SWEEP__INTERVAL": "1h",
        **more,
    }


def change(world: World, sqs: EventQueue, chance: random.Random, operations: int) -> list[str]:
    """Put, change and remove objects at random, and return the messages of S3, of which some are lost or twice."""
    messages: list[str] = []
    there: set[str] = set()
    for _ in range(operations):
        key = f"in {chance.randrange(operations // 4)}/ä+%"
        removes = key in there and chance.random() < 0.2
        if removes:
            world.s3.delete_objects(SOURCE, [key])
            there.remove(key)
        else:
            world.s3.put_object(SOURCE, key, f"{key} {chance.random()}".encode())
            there.add(key)
        message = sqs.message(SOURCE, key, REMOVED if removes else CREATED)
        messages += [message] * chance.choice([0, 1, 1, 1, 1, 1, 1, 1, 2, 3])
    return messages


def disordered(messages: list[str], chance: random.Random) -> list[str]:
    """Return the messages in an order that differs within some messages' reach."""
    return [
        message
        for _, message in sorted(
            (number + chance.uniform(0, 20), message) for number, message in enumerate(messages)
        )
    ]


def assert_equal(world: World, folder: Path) -> None:
    """Assert that the destination has all that the source has, each version moved once, and never twice at once."""
    entries = world.s3.objects(SOURCE)
    copies = {entry["key"]: entry["etag"] for entry in world.s3.objects(DESTINATION)}
    assert {entry["key"]: entry["etag"] for entry in entries}.items() <= copies.items()
    assert rows(folder, TWICE) == []
    assert rows(folder, AT_ONCE) == []
    assert {(entry["key"], entry["etag"]) for entry in entries} <= set(rows(folder, MOVED))
    assert_counted(folder)


def test_duplicates_disorder_losses_and_sweeps_at_once_leave_each_version_moved_once(
    world: World, sqs: EventQueue, port: int, tmp_path: Path
) -> None:
    """Sweeps follow each other all the time, so every object may be found by both."""
    chance = random.Random(17)  # noqa: S311 - repeatable
    with daemon(settings_for(world, sqs, port, S3MOVER_SWEEP__INTERVAL="100ms"), tmp_path) as running:
        running.await_event("sweep.finished")
        for _ in range(5):
            sqs.send(disordered(change(world, sqs, chance, OPERATIONS // 5), chance))
        wait_until(lambda: not sqs.left(), "all messages are deleted", running.tail)
        running.process.terminate()
        assert running.end() == 0
    run_program(["sweep"], world.environment, tmp_path)
    assert_equal(world, tmp_path)
    kinds = {
        kind for (kind,) in rows(tmp_path, "SELECT DISTINCT kind FROM migration_batches WHERE succeeded > 0")
    }
    assert "events" in kinds
    assert sqs.dead() == 0


def test_an_object_is_moved_by_its_event_long_before_the_next_sweep(
    world: World, sqs: EventQueue, port: int, tmp_path: Path
) -> None:
    """What belongs to other buckets is ignored, what is no event is left in the queue."""
    with daemon(settings_for(world, sqs, port, S3MOVER_SOURCE__EVENTS__BATCH="1s"), tmp_path) as running:
        running.await_event("sweep.finished")
        world.s3.put_object(SOURCE, "a b", b"1")
        sqs.send([sqs.message("another", "c"), "no event", sqs.message(SOURCE, "a b")])
        running.await_event("events.unreadable")
        ended = running.await_event("events.batch_ended")
        assert (ended["succeeded"], ended["status"]) == (1, "completed")
        wait_until(lambda: sqs.left() == 1, "all but what is no event is deleted", running.tail)
        metrics = running.get(port, "/metrics")[1]
        assert 's3mover_lag_seconds_count{via="event"} 1.0' in metrics
        assert 's3mover_events_total{kind="foreign"} 1.0' in metrics
        assert 's3mover_events_total{kind="unreadable"} 1.0' in metrics
        running.process.terminate()
        assert running.end() == 0
    assert Path(tmp_path, ended["summary"]).read_text().count(f"Events: {ended['batch']} (completed)") == 1
    assert world.s3.differences(SOURCE, DESTINATION) == []


def test_term_lets_what_an_event_has_begun_end_and_gives_the_rest_back(
    world: World, sqs: EventQueue, port: int, tmp_path: Path
) -> None:
    """The row is settled, the batch closed, the message deleted; what comes later stays in the queue."""
    settings = settings_for(
        world, sqs, port, S3MOVER_TRANSFER__METHOD="server_side_copy", S3MOVER_STOP__GRACE="1h"
    )
    with daemon(settings, tmp_path) as running:
        running.await_event("sweep.finished")
        world.s3.add_fault("hold", operation="CopyObject")
        world.s3.put_object(SOURCE, "begun", b"1")
        sqs.send([sqs.message(SOURCE, "begun")])
        wait_until(lambda: world.s3.hits() == 1, "the copy has begun", running.tail)
        running.process.terminate()
        running.await_event("daemon.stopping")
        world.s3.clear_faults()
        assert running.end() == 0
    assert sqs.left() == 0
    assert rows(tmp_path, "SELECT kind, status, succeeded FROM migration_batches WHERE planned > 0") == [
        ("events", "completed", 1)
    ]
    assert_equal(world, tmp_path)
