"""The work that waits in one worker: the routes' orders and the large objects' invitations, taken in turn.

A route with few orders is served as often as one with many. Bulk work binds no more threads than `admission.py`
permits, which depends on whether small orders lack threads.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from queue import SimpleQueue
from typing import Generic, NamedTuple, TypeVar

from s3mover.workers.process.admission import BULK, SMALL, Backlog, Bounds, Kind

T = TypeVar("T")

# Between two messages from the supervisor small orders may run out for a moment: parts are not begun for that.
CALM_SECONDS = 1.0


class _Lane(NamedTuple, Generic[T]):
    kind: Kind
    tasks: deque[T]


class FairTaskQueue(Generic[T]):
    """Lanes of tasks that many threads put into and take from; a lane is served once in a round.

    `kinds` has the kind of each lane's tasks. `enough` is set while small tasks have all the threads that they can
    use. `clock` counts seconds steadily.
    """

    def __init__(
        self, kinds: Sequence[Kind], bounds: Bounds, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.enough = threading.Event()
        self.enough.set()
        self._enough_since = -inf
        self._clock = clock
        self._bounds = bounds
        self._lanes: list[_Lane[T]] = [_Lane(kind, deque()) for kind in kinds]
        self._next = 0
        self._small = 0
        self._under_way: dict[Kind, int] = dict.fromkeys(BULK, 0)
        # The threads that look for work, as so many items: they come and go without a lock.
        self._idle: deque[None] = deque()
        self._lock = threading.Lock()
        # One token per task that may be begun, or more: a thread that finds nothing for its token waits for the next
        # one. Waiting on this queue costs a tenth of waiting on a condition.
        self._tokens: SimpleQueue[None] = SimpleQueue()

    def put(self, lane: int, task: T) -> None:
        """Let `task` wait at the end of its lane."""
        kind, tasks = self._lanes[lane]
        with self._lock:
            tasks.append(task)
            if kind is SMALL:
                self._small += 1
                self._tokens.put(None)
                self._judge()
            else:
                self._admit()

    def take(self) -> tuple[Kind, T]:
        """Wait for a task that may be begun, and take it from the lane whose turn it is.

        Who takes bulk says when it has `ended`.
        """
        self._idle.append(None)
        while True:
            self._tokens.get()
            with self._lock:
                lane = self._turn()
                if lane is not None:
                    return lane.kind, self._begin(lane)

    def ended(self, kind: Kind) -> None:
        """Take note that a thread is free of bulk work again."""
        with self._lock:
            self._under_way[kind] -= 1
            self._admit()

    def poll(self) -> None:
        """Let begin what may be begun because of the time that has passed: to be called every second or so."""
        with self._lock:
            self._admit()

    def drain(self, lane: int) -> list[T]:
        """Take all tasks of a lane at once."""
        kind, tasks = self._lanes[lane]
        with self._lock:
            drained = list(tasks)
            tasks.clear()
            if kind is SMALL:
                self._small -= len(drained)
                self._judge()
        return drained

    def _turn(self) -> _Lane[T] | None:
        for _ in self._lanes:
            lane = self._lanes[self._next]
            self._next = (self._next + 1) % len(self._lanes)
            if lane.tasks and (lane.kind is SMALL or self._room(lane.kind) > 0):
                return lane
        return None

    def _begin(self, lane: _Lane[T]) -> T:
        self._idle.pop()
        task = lane.tasks.popleft()
        if lane.kind is SMALL:
            self._small -= 1
        else:
            self._under_way[lane.kind] += 1
        self._judge()
        return task

    def _judge(self) -> None:
        """Notice when small tasks begin to lack threads, and when they have enough."""
        enough = self._small <= len(self._idle)
        if enough == self.enough.is_set():
            return
        if enough:
            self._enough_since = self._clock()
            self.enough.set()
            self._admit()
        else:
            self.enough.clear()

    def _admit(self) -> None:
        """Give a token to each bulk task that may be begun and has none."""
        may_begin = self._small + sum(
            min(len(tasks), max(0, self._room(kind))) for kind, tasks in self._lanes if tasks and kind in BULK
        )
        for _ in range(may_begin - self._tokens.qsize()):
            self._tokens.put(None)

    def _room(self, kind: Kind) -> int:
        return self._bounds.room(kind, self._backlog(), self._under_way)

    def _backlog(self) -> Backlog:
        if not self.enough.is_set():
            return Backlog.LACK
        return Backlog.CALM if self._clock() - self._enough_since >= CALM_SECONDS else Backlog.ENDED
