"""Bulk gives way: what a thread on bulk work does while small orders lack threads.

To stream a part of 64 MiB takes a thousand times the CPU of a small object, so that taking turns is not fair. A
thread on bulk work sleeps off the CPU time that it has used, and not its wall-clock time: a copy that S3 makes, or a
part that waits for the network, hinders nobody and hardly waits.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of one core, for the threads that bulk keeps in one worker: about 25 MB/s, so that a huge object goes on. More would
# be felt by the small ones, since the kernel, and stores on the same machine, work for each byte as well.
CPU_SHARE = 0.05
# CPU seconds that are slept off at a time: waking up costs a fiftieth of that.
STEP_SECONDS = 0.001
# What a thread used while nobody asked for the CPU is not slept off.
MOST_SECONDS = 2 * STEP_SECONDS


class _Own(threading.local):
    """One thread's: the CPU time up to which it has slept everything off; None while it is on small orders."""

    settled: float | None = None


class CpuYield:
    """A gate for the bytes of bulk work; to all others it is open.

    `no_backlog` is set while small orders have all the threads that they can use, `threads` are those that bulk keeps
    while it is not. Where more are on bulk still, each keeps its share all the same, so that they come free.
    `timer` tells the CPU seconds of the calling thread.
    """

    def __init__(
        self, no_backlog: threading.Event, threads: int, timer: Callable[[], float] = time.thread_time
    ) -> None:
        self._enough = no_backlog
        self._seconds_per_second = threads / CPU_SHARE - 1
        self._timer = timer
        self._own = _Own()

    @contextmanager
    def bulk_work(self) -> Iterator[None]:
        """Have the calling thread give way meanwhile."""
        self._own.settled = self._timer()
        try:
            yield
        finally:
            self._own.settled = None

    @property
    def is_open(self) -> bool:
        """Whether everything of the calling thread's passes at once."""
        return self._enough.is_set() or self._own.settled is None

    def take(self, _bytes: float = 1.0) -> None:
        """Sleep off what CPU time was used, unless small orders have enough before that."""
        settled = self._own.settled
        if settled is None:
            return
        used = min(self._timer() - settled, MOST_SECONDS)
        if used >= STEP_SECONDS:
            self._enough.wait(used * self._seconds_per_second)
            self._own.settled = self._timer()
