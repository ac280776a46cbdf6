"""The work that waits in a worker, taken in turn."""

import threading
from queue import SimpleQueue

from hypothesis import given
from hypothesis import strategies as st

from s3mover.workers.turns import Turns


@given(counts=st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_lanes_are_served_in_turn(counts: list[int]) -> None:
    """As long as two lanes have tasks, neither is ahead of the other by more than one; each lane keeps its order."""
    turns: Turns[tuple[int, int]] = Turns(len(counts))
    for lane, count in enumerate(counts):
        for number in range(count):
            turns.put(lane, (lane, number))
    taken = [0] * len(counts)
    for _ in range(sum(counts)):
        lane, number = turns.take()
        assert number == taken[lane]
        taken[lane] += 1
        waiting = [done for done, count in zip(taken, counts, strict=True) if done < count]
        assert not waiting or max(waiting) - min(waiting) <= 1
    assert taken == counts


def test_a_drained_lane_leaves_the_others_alone() -> None:
    """What is drained is nobody's any more, and every other task is still taken."""
    turns: Turns[str] = Turns(2)
    for task in ("a", "b", "c"):
        turns.put(0, task)
    turns.put(1, "kept")
    assert turns.drain(0) == ["a", "b", "c"]
    assert turns.take() == "kept"
    turns.put(0, "later")
    assert turns.take() == "later"


def test_many_threads_take_each_task_once_beside_drains() -> None:
    """Whatever threads and drains do at once, no task is lost and none is taken twice."""
    turns: Turns[int] = Turns(3)
    taken: SimpleQueue[int] = SimpleQueue()

    def work() -> None:
        while (task := turns.take()) >= 0:
            taken.put(task)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    drained: list[int] = []
    for task in range(6000):
        turns.put(task % 2, task)
        if task % 100 == 0:
            drained += turns.drain(1)
    for _ in threads:
        turns.put(2, -1)
    for thread in threads:
        thread.join(60)
    rest = [turns.take() for _ in range(6000 - taken.qsize() - len(drained))]
    done = sorted([taken.get() for _ in range(taken.qsize())] + drained + rest)
    assert done == list(range(6000))
