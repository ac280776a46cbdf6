"""The tasks that wait in one worker: the routes' orders and the parts of huge objects, taken in round-robin order.

A route with few orders is served as often as one with many. How many threads bulk tasks may use is decided in
`admission.py`, and depends on whether small orders lack threads.
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

# How long a backlog counts as recent: small orders may run out between two messages from the supervisor, and parts do
# not begin because of that.
RECENT_SECONDS = 1.0


class _Lane(NamedTuple, Generic[T]):
    kind: Kind
    tasks: deque[T]


class FairTaskQueue(Generic[T]):
    """Lanes of tasks that many threads put into and take from; each lane is served once in a round.

    `kinds` has the kind of each lane's tasks. `no_backlog` is set while small tasks have all the threads that they can
    use. `clock` is monotonic, in seconds.
    """

    def __init__(
        self, kinds: Sequence[Kind], bounds: Bounds, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.no_backlog = threading.Event()
        self.no_backlog.set()
        self._no_backlog_since = -inf
        self._clock = clock
        self._bounds = bounds
        self._lanes: list[_Lane[T]] = [_Lane(kind, deque()) for kind in kinds]
        self._next = 0
        self._small = 0
        self._running: dict[Kind, int] = dict.fromkeys(BULK, 0)
        # An item for each thread that looks for work: a deque needs no lock.
        self._idle: deque[None] = deque()
        self._lock = threading.Lock()
        # At least one token per task that may begin: a thread that finds no task for its token waits for the next one.
        # To wait for this queue costs a tenth of waiting for a condition.
        self._tokens: SimpleQueue[None] = SimpleQueue()

    def put(self, lane: int, task: T) -> None:
        """Add `task` at the end of its lane."""
        kind, tasks = self._lanes[lane]
        with self._lock:
            tasks.append(task)
            if kind is SMALL:
                self._small += 1
                self._tokens.put(None)
                self._update_backlog()
            else:
                self._admit()

    def take(self) -> tuple[Kind, T]:
        """Wait for a task that may begin, and take it from the next lane of the round.

        After a bulk task the caller calls `task_done`.
        """
        self._idle.append(None)
        while True:
            self._tokens.get()
            with self._lock:
                lane = self._next_lane()
                if lane is not None:
                    return lane.kind, self._begin(lane)

    def task_done(self, kind: Kind) -> None:
        """Count a bulk task as ended: its thread is free again."""
        with self._lock:
            self._running[kind] -= 1
            self._admit()

    def poll(self) -> None:
        """Admit the tasks that may begin because time has passed; to be called about every second."""
        with self._lock:
            self._admit()

    def drain(self, lane: int) -> list[T]:
        """Remove and return all tasks of a lane."""
        kind, tasks = self._lanes[lane]
        with self._lock:
            drained = list(tasks)
            tasks.clear()
            if kind is SMALL:
                self._small -= len(drained)
                self._update_backlog()
        return drained

    def _next_lane(self) -> _Lane[T] | None:
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
            self._running[lane.kind] += 1
        self._update_backlog()
        return task

    def _update_backlog(self) -> None:
        """Set or clear `no_backlog` when small tasks begin to lack threads, or cease to."""
        no_backlog = self._small <= len(self._idle)
        if no_backlog == self.no_backlog.is_set():
            return
        if no_backlog:
            self._no_backlog_since = self._clock()
            self.no_backlog.set()
            self._admit()
        else:
            self.no_backlog.clear()

    def _admit(self) -> None:
        """Add a token for each bulk task that may begin and has none."""
        may_begin = self._small + sum(
            min(len(tasks), max(0, self._room(kind))) for kind, tasks in self._lanes if tasks and kind in BULK
        )
        for _ in range(may_begin - self._tokens.qsize()):
            self._tokens.put(None)

    def _room(self, kind: Kind) -> int:
        return self._bounds.room(kind, self._backlog(), self._running)

    def _backlog(self) -> Backlog:
        if not self.no_backlog.is_set():
            return Backlog.PRESENT
        is_recent = self._clock() - self._no_backlog_since < RECENT_SECONDS
        return Backlog.RECENT if is_recent else Backlog.NONE
