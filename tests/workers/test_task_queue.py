"""The work that waits in a worker, taken in turn."""

import threading
from queue import SimpleQueue

from hypothesis import given
from hypothesis import strategies as st

from s3mover.workers.process.admission import Bounds, Kind
from s3mover.workers.process.task_queue import CALM_SECONDS, FairTaskQueue
from testkit.waiting import wait_until

SMALL, LARGE, PART = Kind.SMALL, Kind.LARGE, Kind.PART


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Taker(threading.Thread):
    """A worker's thread: takes tasks and keeps each until it is told to end it."""

    def __init__(self, queue: FairTaskQueue[str], taken: "SimpleQueue[tuple[Taker, str]]") -> None:
        super().__init__()
        self._queue = queue
        self._taken = taken
        self.go_on = threading.Semaphore(0)

    def run(self) -> None:
        while True:
            kind, task = self._queue.take()
            if task == "end":
                return
            self._taken.put((self, task))
            self.go_on.acquire()
            if kind is not SMALL:
                self._queue.ended(kind)


class Crowd:
    """So many takers of one lane of small tasks, one of large ones and one of parts."""

    def __init__(self, threads: int) -> None:
        self.clock = Clock()
        self.queue: FairTaskQueue[str] = FairTaskQueue([SMALL, LARGE, PART], Bounds(threads), self.clock)
        self._taken: SimpleQueue[tuple[Taker, str]] = SimpleQueue()
        self._takers = [Taker(self.queue, self._taken) for _ in range(threads)]
        self.busy: list[tuple[Taker, str]] = []
        for taker in self._takers:
            taker.start()
        wait_until(lambda: len(self.queue._idle) == threads)

    def put(self, lane: int, name: str, count: int) -> None:
        for _ in range(count):
            self.queue.put(lane, name)

    def under_way(self, count: int) -> list[str]:
        """Wait until so many tasks are under way, no more, and tell them in order."""
        while len(self.busy) < count:
            self.busy.append(self._taken.get(timeout=60))
        idle = len(self._takers) - count
        wait_until(lambda: len(self.queue._idle) == idle and (not idle or self.queue._tokens.empty()))
        assert self._taken.empty()
        return sorted(task for _, task in self.busy)

    def end(self, name: str, count: int) -> None:
        """Let so many tasks of a name end."""
        for one in [busy for busy in self.busy if busy[1] == name][:count]:
            self.busy.remove(one)
            one[0].go_on.release()

    def leave(self) -> None:
        for lane in range(3):
            self.queue.drain(lane)
        for taker, _ in self.busy:
            taker.go_on.release()
        for _ in self._takers:
            self.queue.put(0, "end")
        for taker in self._takers:
            taker.join(60)


@given(counts=st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_lanes_are_served_in_turn(counts: list[int]) -> None:
    """As long as two lanes have tasks, neither is ahead of the other by more than one; each lane keeps its order."""
    queue: FairTaskQueue[tuple[int, int]] = FairTaskQueue([SMALL] * len(counts), Bounds(1))
    for lane, count in enumerate(counts):
        for number in range(count):
            queue.put(lane, (lane, number))
    taken = [0] * len(counts)
    for _ in range(sum(counts)):
        _, (lane, number) = queue.take()
        assert number == taken[lane]
        taken[lane] += 1
        waiting = [done for done, count in zip(taken, counts, strict=True) if done < count]
        assert not waiting or max(waiting) - min(waiting) <= 1
    assert taken == counts


def test_a_drained_lane_leaves_the_others_alone() -> None:
    """What is drained is nobody's any more, and every other task is still taken."""
    queue: FairTaskQueue[str] = FairTaskQueue([SMALL, SMALL], Bounds(1))
    for task in ("a", "b", "c"):
        queue.put(0, task)
    queue.put(1, "kept")
    assert queue.drain(0) == ["a", "b", "c"]
    assert queue.take() == (SMALL, "kept")
    queue.put(0, "later")
    assert queue.take() == (SMALL, "later")


def take_all(queue: FairTaskQueue[int], taken: "SimpleQueue[int]") -> None:
    """Take tasks as a worker's thread does, until a negative one comes."""
    kind, task = queue.take()
    while task >= 0:
        taken.put(task)
        if kind is not SMALL:
            queue.ended(kind)
        kind, task = queue.take()


def test_many_threads_take_each_task_once_beside_drains() -> None:
    """Whatever threads and drains do at once, no task is lost and none is taken twice."""
    queue: FairTaskQueue[int] = FairTaskQueue([SMALL, LARGE, SMALL], Bounds(8))
    taken: SimpleQueue[int] = SimpleQueue()

    threads = [threading.Thread(target=take_all, args=(queue, taken)) for _ in range(8)]
    for thread in threads:
        thread.start()
    drained: list[int] = []
    for task in range(6000):
        queue.put(task % 2, task)
        if task % 100 == 0:
            drained += queue.drain(task // 100 % 2)
    wait_until(lambda: taken.qsize() + len(drained) == 6000)
    for _ in threads:
        queue.put(2, -1)
    for thread in threads:
        thread.join(60)
    assert sorted([taken.get() for _ in range(taken.qsize())] + drained) == list(range(6000))


def test_bulk_binds_few_threads_while_small_tasks_lack_some() -> None:
    """An eighth of sixteen threads works on large tasks, and the next one begins when one of them ends."""
    crowd = Crowd(16)
    crowd.put(0, "small", 40)
    assert crowd.under_way(16) == ["small"] * 16
    crowd.put(1, "large", 5)
    crowd.end("small", 8)
    assert crowd.under_way(16) == ["large"] * 2 + ["small"] * 14
    crowd.end("large", 1)
    crowd.under_way(16)
    crowd.end("small", 4)
    assert crowd.under_way(16) == ["large"] * 2 + ["small"] * 14
    crowd.leave()


def test_large_tasks_take_what_small_ones_leave() -> None:
    """While no small task waits, every thread that is free is for large ones."""
    crowd = Crowd(16)
    crowd.put(0, "small", 3)
    crowd.under_way(3)
    crowd.put(1, "large", 30)
    assert crowd.under_way(16) == ["large"] * 13 + ["small"] * 3
    crowd.leave()


def test_parts_alone_leave_threads_free_that_small_tasks_find() -> None:
    """Fourteen of sixteen threads help at once; small tasks that come are begun without a wait."""
    crowd = Crowd(16)
    crowd.put(2, "part", 20)
    assert crowd.under_way(14) == ["part"] * 14
    crowd.put(0, "small", 2)
    assert crowd.under_way(16) == ["part"] * 14 + ["small"] * 2
    assert crowd.queue.enough.is_set()
    crowd.put(0, "small", 1)
    assert not crowd.queue.enough.is_set()
    crowd.leave()


def test_parts_wait_until_small_tasks_have_had_enough_for_a_while() -> None:
    """In a lull parts keep to an eighth; when it has lasted, a look lets more begin."""
    crowd = Crowd(16)
    crowd.put(0, "small", 17)
    crowd.under_way(16)
    crowd.put(2, "part", 20)
    crowd.end("small", 16)
    assert crowd.under_way(3) == ["part"] * 2 + ["small"]
    crowd.clock.now += CALM_SECONDS
    crowd.queue.poll()
    assert crowd.under_way(15) == ["part"] * 14 + ["small"]
    crowd.leave()


def test_a_recall_gives_bulk_the_threads() -> None:
    """When the small tasks are drained, those that wait for them to have enough need not wait any more."""
    crowd = Crowd(8)
    crowd.put(0, "small", 20)
    crowd.under_way(8)
    assert not crowd.queue.enough.is_set()
    assert len(crowd.queue.drain(0)) == 12
    assert crowd.queue.enough.is_set()
    crowd.leave()
