"""The parts of one object, done by many threads."""

import threading
from queue import SimpleQueue

import pytest

from s3mover.transfer.parts import Part, parts_of
from s3mover.workers.sharing import Invitation, Sharing


def helpers_of(queue: "SimpleQueue[Invitation | None]", count: int) -> list[threading.Thread]:
    """Threads that take invitations as a worker's threads do."""

    def work() -> None:
        while (invitation := queue.get()) is not None:
            if invitation.help():
                queue.put(invitation)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def end(queue: "SimpleQueue[Invitation | None]", threads: list[threading.Thread]) -> None:
    for _ in threads:
        queue.put(None)
    for thread in threads:
        thread.join()


def test_results_come_in_the_order_of_parts() -> None:
    """Whoever does which part, each is done once and the results are in order."""
    queue: SimpleQueue[Invitation | None] = SimpleQueue()
    threads = helpers_of(queue, 4)
    done: list[int] = []

    def do(part: Part) -> str:
        done.append(part.number)
        return f"etag-{part.number}"

    results = Sharing(queue.put, 8).run(do, parts_of(1000, 3))
    end(queue, threads)
    assert results == [f"etag-{number}" for number in range(1, 335)]
    assert sorted(done) == list(range(1, 335))


def test_several_threads_work_at_once() -> None:
    """Two parts wait for each other, which only works where both are under way at a time."""
    queue: SimpleQueue[Invitation | None] = SimpleQueue()
    threads = helpers_of(queue, 1)
    both = threading.Barrier(2, timeout=60)
    Sharing(queue.put, 2).run(lambda _: both.wait(), parts_of(2, 1))
    end(queue, threads)


def test_without_help_the_order_is_done_all_the_same() -> None:
    """Invitations that nobody takes up hold nothing back."""
    ignored: list[Invitation] = []
    assert Sharing(ignored.append, 4).run(lambda part: part.first, parts_of(3, 1)) == [0, 1, 2]
    assert ignored[0].help() is False


def test_the_first_error_ends_it() -> None:
    """No part is begun after an error, and the thread that has the order raises it."""
    begun: list[int] = []

    def do(part: Part) -> None:
        begun.append(part.number)
        raise LookupError(part.number)

    with pytest.raises(LookupError):
        Sharing(lambda _: None, 4).run(do, parts_of(10, 1))
    assert begun == [1]


def test_helpers_are_bounded_and_given_back() -> None:
    """Each object takes half of what is free, so that another one finds help, too."""
    invited: list[Invitation] = []
    sharing = Sharing(invited.append, 8)
    counts: list[int] = []

    def nested(_: Part) -> None:
        before = len(invited)
        sharing.run(lambda _: None, parts_of(1, 1))
        counts.append(len(invited) - before)

    sharing.run(nested, parts_of(1, 1))
    sharing.run(lambda _: None, parts_of(1, 1))
    assert (counts, len(invited)) == ([2], 4 + 2 + 4)
