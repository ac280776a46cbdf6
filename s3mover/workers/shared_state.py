"""Shared memory that outlives a worker: the orders that its threads have in flight, and their heartbeats.

The supervisor reads it, also after the worker's death. There is no lock: each thread writes fields of its own, and
each field is written at once. A worker that dies between two writes leaves an order that is not marked as in flight.
When a worker counts as hung is not decided here.
"""

import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from s3mover.workers.messages import OrderKey

# Fields of a thread's cell: its order's route (counted from 1; 0 for no order), sweep and number, and its count of
# heartbeats (0 while none is expected).
ROUTE, SWEEP, NUMBER, HEARTBEATS = range(4)
FIELDS = 4
FIELD_BYTES = 8


def shared_memory_file() -> int:
    """Return the descriptor of a new file in memory, which needs no file system."""
    return os.memfd_create("s3mover-worker-state")


class WorkerState:
    """A cell for each of `threads` threads, and the heartbeats of the worker's main thread.

    They lie in the file `memory`, which the worker inherits. The caller closes it.
    """

    def __init__(self, threads: int, routes: Sequence[str], memory: int) -> None:
        self._routes = tuple(routes)
        size = (FIELDS * threads + 1) * FIELD_BYTES
        os.ftruncate(memory, size)
        # Each field is one aligned word, which is written as a whole.
        self._fields = memoryview(mmap.mmap(memory, size)).cast("Q")

    def heartbeat(self) -> None:
        """Count a heartbeat of the main thread."""
        self._fields[-1] += 1

    @property
    def main_heartbeats(self) -> int:
        """The main thread's count of heartbeats; 0 until the worker is up."""
        return int(self._fields[-1])

    def thread_heartbeats(self) -> list[int]:
        """Return each thread's count of heartbeats, 0 where none is expected."""
        return list(self._fields[HEARTBEATS:-1:FIELDS])

    def in_flight(self) -> set[OrderKey]:
        """Return the orders that threads have begun and not ended."""
        rows = zip(
            self._fields[ROUTE:-1:FIELDS],
            self._fields[SWEEP:-1:FIELDS],
            self._fields[NUMBER:-1:FIELDS],
            strict=True,
        )
        return {(self._routes[route - 1], sweep, number) for route, sweep, number in rows if route}

    def cell(self, thread: int) -> "ThreadCell":
        """Return the cell of one thread."""
        return ThreadCell(self._fields, thread * FIELDS)


class ThreadCell:
    """The fields of one thread."""

    def __init__(self, fields: memoryview, first: int) -> None:
        self._fields = fields
        self._first = first
        self._heartbeats = first + HEARTBEATS

    def begin(self, route: int, sweep: int, number: int) -> None:
        """Mark an order as in flight."""
        fields, first = self._fields, self._first
        fields[first + SWEEP] = sweep
        fields[first + NUMBER] = number
        fields[first + ROUTE] = route + 1
        fields[self._heartbeats] = 1

    def end(self) -> None:
        """Mark that no order is in flight."""
        self._fields[self._first + ROUTE] = 0
        self._fields[self._heartbeats] = 0

    def heartbeat(self) -> None:
        """Count a heartbeat: something went on, or begins."""
        self._fields[self._heartbeats] += 1

    def idle(self) -> None:
        """Expect no heartbeat until the next one."""
        self._fields[self._heartbeats] = 0


class Heartbeats:
    """The cells of one worker's threads, each found by the thread itself."""

    def __init__(self) -> None:
        self._local = threading.local()

    def attach(self, cell: ThreadCell) -> ThreadCell:
        """Count the calling thread's heartbeats in `cell`."""
        self._local.cell = cell
        return cell

    def beat(self) -> None:
        """Count a heartbeat of the calling thread."""
        self._local.cell.heartbeat()

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Expect no heartbeat of the calling thread meanwhile: it waits for another thread or for a limit."""
        cell: ThreadCell = self._local.cell
        cell.idle()
        try:
            yield
        finally:
            cell.heartbeat()
