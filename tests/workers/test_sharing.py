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
    """Each object takes half of what is free, so that another one finds help, too; never are more invited than may."""
    invited: list[Invitation] = []
    sharing = Sharing(invited.append, 8)
    seen: list[tuple[int, int]] = []

    def look(_: Part) -> None:
        seen.append((len(invited), len(set(invited))))
        assert sum(one.helpers for one in set(invited)) <= 8

    def nested(_: Part) -> None:
        sharing.run(look, parts_of(1, 1))

    sharing.run(nested, parts_of(1, 1))
    assert seen == [(4 + 2, 2)]
    invited.clear()
    sharing.run(look, parts_of(1, 1))
    assert seen[1:] == [(4, 1)]


def test_an_object_alone_comes_to_have_all_the_help() -> None:
    """Between its parts it takes up what is free."""
    invited: list[Invitation] = []
    counts: list[int] = []
    Sharing(invited.append, 8).run(lambda _: counts.append(len(invited)), parts_of(5, 1))
    assert counts == [4, 6, 7, 8, 8]


def test_helpers_leave_an_object_when_another_one_comes() -> None:
    """Two objects come to have equal parts of the help: what one has too much is let go, part by part."""
    invited: list[Invitation] = []
    sharing = Sharing(invited.append, 8)

    def first(part: Part) -> None:
        if part.number == 4:
            sharing.run(second, parts_of(1, 1))
            assert invited[-1] is not invited[0]

    def second(_: Part) -> None:
        of_first = invited[0]
        assert of_first.helpers == 8
        sharing._balance(of_first)
        assert of_first.helpers == 4
        assert [of_first.is_over_for_me() for _ in range(5)] == [True] * 4 + [False]

    sharing.run(first, parts_of(5, 1))
