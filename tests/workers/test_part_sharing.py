"""Many threads do the parts of one object."""

import threading
from functools import partial
from queue import SimpleQueue

import pytest

from s3mover.transfer.parts import Part, parts_of
from s3mover.workers.process.part_sharing import PartSharing, SharedJob


def helpers_of(
    queue: "SimpleQueue[SharedJob | None]", sharing: PartSharing, count: int
) -> list[threading.Thread]:
    """Start threads that take jobs as a worker's threads do."""

    def work() -> None:
        while (job := queue.get()) is not None:
            sharing.help(job)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def end(queue: "SimpleQueue[SharedJob | None]", threads: list[threading.Thread]) -> None:
    for _ in threads:
        queue.put(None)
    for thread in threads:
        thread.join()


def test_results_are_in_the_order_of_parts() -> None:
    """Each part is done once, by any thread, and the results are in order."""
    queue: SimpleQueue[SharedJob | None] = SimpleQueue()
    sharing = PartSharing(queue.put)
    threads = helpers_of(queue, sharing, 4)
    done: list[int] = []

    def do(part: Part) -> str:
        done.append(part.number)
        return f"etag-{part.number}"

    results = sharing.run(do, parts_of(1000, 3))
    end(queue, threads)
    assert results == [f"etag-{number}" for number in range(1, 335)]
    assert sorted(done) == list(range(1, 335))


def test_one_job_brings_all_idle_threads() -> None:
    """Four parts wait for each other: each thread that takes one must put the job back first."""
    queue: SimpleQueue[SharedJob | None] = SimpleQueue()
    sharing = PartSharing(queue.put)
    threads = helpers_of(queue, sharing, 3)
    all_four = threading.Barrier(4, timeout=60)
    sharing.run(lambda _: all_four.wait(), parts_of(4, 1))
    end(queue, threads)


def test_the_thread_of_the_order_needs_no_help() -> None:
    """A job that no other thread takes delays nothing, and does nothing once all parts have begun."""
    ignored: list[SharedJob] = []
    sharing = PartSharing(ignored.append)
    assert sharing.run(lambda part: part.first, parts_of(3, 1)) == [0, 1, 2]
    [late] = ignored
    sharing.help(late)
    assert ignored == [late]


def test_the_first_error_ends_the_job() -> None:
    """No part is begun after an error, and the thread that has the order raises it."""
    begun: list[int] = []

    def do(part: Part) -> None:
        begun.append(part.number)
        raise LookupError(part.number)

    with pytest.raises(LookupError):
        PartSharing(lambda _: None).run(do, parts_of(10, 1))
    assert begun == [1]


def test_objects_get_help_in_round_robin_order() -> None:
    """A job goes to the end of the queue after each part that is taken, so that objects get equal help."""
    queue: SimpleQueue[SharedJob] = SimpleQueue()
    sharing = PartSharing(queue.put)
    helped: list[str] = []
    for name in ("one", "other"):
        queue.put(SharedJob(partial(lambda name, _: helped.append(name), name), parts_of(3, 1)))
    while not queue.empty():
        sharing.help(queue.get())
    assert helped == ["one", "other"] * 3
