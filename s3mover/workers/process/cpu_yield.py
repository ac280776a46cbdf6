"""CPU back-off of bulk work: a thread on bulk work sleeps while small orders lack threads.

To stream a part of 64 MiB takes a thousand times the CPU of a small object, so equal turns would not be fair. The sleep
is in proportion to the CPU time that the thread has used, not to wall-clock time: a copy that S3 makes, or a part that
waits for the network, takes no CPU from others and hardly sleeps. How many threads bulk may use is decided in
`admission.py`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Of one core, for the threads that bulk keeps in one worker: about 25 MB/s, so that a huge object goes on. More would
# slow down the small ones, since the kernel, and stores on the same machine, work for each byte as well.
CPU_SHARE = 0.05
# CPU seconds after which a thread sleeps: waking up costs a fiftieth of that.
STEP_SECONDS = 0.001
# CPU time beyond this was used while no small order lacked a thread, and is not slept off.
MAX_SECONDS = 2 * STEP_SECONDS


class _ThreadState(threading.local):
    """The CPU time of the thread up to which it has slept; None while it is not on bulk work."""

    slept_up_to: float | None = None


class CpuYield:
    """A limiter for the bytes of bulk work; it is open to all other threads.

    `no_backlog` is set while small orders have all the threads that they can use; `threads` are those that bulk keeps
    while it is not set. Where more threads are still on bulk, each keeps its share, so that they come free. `timer`
    returns the CPU seconds of the calling thread.
    """

    def __init__(
        self, no_backlog: threading.Event, threads: int, timer: Callable[[], float] = time.thread_time
    ) -> None:
        self._no_backlog = no_backlog
        self._sleep_per_cpu_second = threads / CPU_SHARE - 1
        self._timer = timer
        self._thread = _ThreadState()

    @contextmanager
    def bulk_work(self) -> Iterator[None]:
        """Limit the calling thread meanwhile."""
        self._thread.slept_up_to = self._timer()
        try:
            yield
        finally:
            self._thread.slept_up_to = None

    @property
    def is_open(self) -> bool:
        """Whether the calling thread passes at once."""
        return self._no_backlog.is_set() or self._thread.slept_up_to is None

    def take(self, _bytes: float = 1.0) -> None:
        """Sleep in proportion to the CPU time used, or until small orders have enough threads."""
        slept_up_to = self._thread.slept_up_to
        if slept_up_to is None:
            return
        used = min(self._timer() - slept_up_to, MAX_SECONDS)
        if used >= STEP_SECONDS:
            self._no_backlog.wait(used * self._sleep_per_cpu_second)
            self._thread.slept_up_to = self._timer()
