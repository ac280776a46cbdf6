"""The work that waits in one worker: the routes' orders and the large objects' invitations, taken in turn.

A route with few orders is served as often as one with many, and small objects get their turn beside large ones.
"""

import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Lanes of tasks that many threads put into and take from; a lane is served once in a round."""

    def __init__(self, lanes: int) -> None:
        self._lanes: list[deque[T]] = [deque() for _ in range(lanes)]
        self._next = 0
        self._lock = threading.Lock()
        # One token per task, or more: a thread that finds nothing for its token waits for the next one. Waiting on
        # this queue costs a tenth of waiting on a condition.
        self._tokens: SimpleQueue[None] = SimpleQueue()

    def put(self, lane: int, task: T) -> None:
        """Let `task` wait at the end of its lane."""
        self._lanes[lane].append(task)
        self._tokens.put(None)

    def take(self) -> T:
        """Wait for a task and take it from the lane whose turn it is."""
        while True:
            self._tokens.get()
            with self._lock:
                lane = self._turn()
                if lane is not None:
                    return lane.popleft()

    def drain(self, lane: int) -> list[T]:
        """Take all tasks of a lane at once."""
        waiting, tasks = self._lanes[lane], []
        with self._lock:
            while waiting:
                tasks.append(waiting.popleft())
        # Those that are not there are in the hands of threads that will find nothing for them.
        with suppress(Empty):
            for _ in tasks:
                self._tokens.get_nowait()
        return tasks

    def _turn(self) -> deque[T] | None:
        for _ in self._lanes:
            lane = self._lanes[self._next]
            self._next = (self._next + 1) % len(self._lanes)
            if lane:
                return lane
        return None
