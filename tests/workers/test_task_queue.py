"""The tasks that wait in a worker, taken in round-robin order."""

import threading
from queue import SimpleQueue

from hypothesis import given
from hypothesis import strategies as st

from s3mover.workers.process.admission import Bounds, Kind
from s3mover.workers.process.task_queue import RECENT_SECONDS, FairTaskQueue
from testkit.waiting import wait_until

SMALL, LARGE, PART = Kind.SMALL, Kind.LARGE, Kind.PART


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Taker(threading.Thread):
    """A worker's thread: takes tasks, and keeps each one until the test lets it end."""

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
                self._queue.task_done(kind)


class Takers:
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

    def running(self, count: int) -> list[str]:
        """Wait until exactly so many tasks run, and return their names in order."""
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

    def stop(self) -> None:
        for lane in range(3):
            self.queue.drain(lane)
        for taker, _ in self.busy:
            taker.go_on.release()
        for _ in self._takers:
            self.queue.put(0, "end")
        for taker in self._takers:
            taker.join(60)


@given(counts=st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_lanes_are_served_in_round_robin_order(counts: list[int]) -> None:
    """While two lanes have tasks, neither is ahead of the other by more than one; each lane keeps its order."""
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


def test_draining_a_lane_does_not_affect_the_others() -> None:
    """A drained task is not taken, and every other task is."""
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
            queue.task_done(kind)
        kind, task = queue.take()


def test_many_threads_take_each_task_once_beside_drains() -> None:
    """While threads take and drain at once, no task is lost and none is taken twice."""
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


def test_bulk_uses_few_threads_while_small_tasks_lack_some() -> None:
    """An eighth of sixteen threads does large tasks, and the next one begins when one of them ends."""
    takers = Takers(16)
    takers.put(0, "small", 40)
    assert takers.running(16) == ["small"] * 16
    takers.put(1, "large", 5)
    takers.end("small", 8)
    assert takers.running(16) == ["large"] * 2 + ["small"] * 14
    takers.end("large", 1)
    takers.running(16)
    takers.end("small", 4)
    assert takers.running(16) == ["large"] * 2 + ["small"] * 14
    takers.stop()


def test_large_tasks_use_the_threads_that_small_ones_leave() -> None:
    """While no small task waits, every free thread takes a large one."""
    takers = Takers(16)
    takers.put(0, "small", 3)
    takers.running(3)
    takers.put(1, "large", 30)
    assert takers.running(16) == ["large"] * 13 + ["small"] * 3
    takers.stop()


def test_parts_leave_threads_free_for_small_tasks() -> None:
    """Fourteen of sixteen threads help at once; new small tasks begin without a wait."""
    takers = Takers(16)
    takers.put(2, "part", 20)
    assert takers.running(14) == ["part"] * 14
    takers.put(0, "small", 2)
    assert takers.running(16) == ["part"] * 14 + ["small"] * 2
    assert takers.queue.no_backlog.is_set()
    takers.put(0, "small", 1)
    assert not takers.queue.no_backlog.is_set()
    takers.stop()


def test_parts_wait_until_small_tasks_have_had_enough_threads_for_a_while() -> None:
    """In a short lull parts use an eighth of the threads; after a long one, a poll lets more begin."""
    takers = Takers(16)
    takers.put(0, "small", 17)
    takers.running(16)
    takers.put(2, "part", 20)
    takers.end("small", 16)
    assert takers.running(3) == ["part"] * 2 + ["small"]
    takers.clock.now += RECENT_SECONDS
    takers.queue.poll()
    assert takers.running(15) == ["part"] * 14 + ["small"]
    takers.stop()


def test_a_recall_ends_the_backlog() -> None:
    """When the small tasks are drained, there is no backlog any more."""
    takers = Takers(8)
    takers.put(0, "small", 20)
    takers.running(8)
    assert not takers.queue.no_backlog.is_set()
    assert len(takers.queue.drain(0)) == 12
    assert takers.queue.no_backlog.is_set()
    takers.stop()
