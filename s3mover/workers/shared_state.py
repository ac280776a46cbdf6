"""What a worker's threads write down in memory that outlives it: the order in hand, and signs of life.

The supervisor reads it, also after the worker's death. Nobody locks anything: each thread has cells of its own, each
cell is written at once, and a worker that dies between two cells has left an order that is not said to be in hand.
"""

import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from s3mover.workers.messages import OrderKey

# Cells of a thread: its lane (counted from 1; 0 for no order), the order's sweep and number, and its signs of life
# (0 while none is to be expected of it).
LANE, SWEEP, NUMBER, SIGNS = range(4)
CELLS = 4
CELL_BYTES = 8


def shared_memory_file() -> int:
    """Return the number of a new file of memory, which needs no file system."""
    return os.memfd_create("s3mover-slate")


class WorkerState:
    """Cells for `threads` threads and the worker's main thread.

    They lie in a file of memory, number `memory`, which the worker inherits; it stays the caller's to close.
    """

    def __init__(self, threads: int, routes: Sequence[str], memory: int) -> None:
        self._routes = tuple(routes)
        size = (CELLS * threads + 1) * CELL_BYTES
        os.ftruncate(memory, size)
        # Each cell is one aligned word, which is written as a whole.
        self._cells = memoryview(mmap.mmap(memory, size)).cast("Q")

    def heartbeat(self) -> None:
        """Give a sign of life of the main thread."""
        self._cells[-1] += 1

    @property
    def beats(self) -> int:
        """How often the main thread gave one; 0 until the worker is up."""
        return int(self._cells[-1])

    def signs(self) -> list[int]:
        """Return each thread's count of signs, 0 where none is expected."""
        return list(self._cells[SIGNS:-1:CELLS])

    def in_hand(self) -> set[OrderKey]:
        """Return the orders that threads have begun and not ended."""
        rows = zip(
            self._cells[LANE:-1:CELLS], self._cells[SWEEP:-1:CELLS], self._cells[NUMBER:-1:CELLS], strict=True
        )
        return {(self._routes[lane - 1], sweep, number) for lane, sweep, number in rows if lane}

    def line(self, thread: int) -> "ThreadCell":
        """Return the cells of one thread."""
        return ThreadCell(self._cells, thread * CELLS)


class ThreadCell:
    """One thread's cells."""

    def __init__(self, cells: memoryview, first: int) -> None:
        self._cells = cells
        self._first = first
        self._signs = first + SIGNS

    def begin(self, lane: int, sweep: int, number: int) -> None:
        """Write down that an order is begun."""
        cells, first = self._cells, self._first
        cells[first + SWEEP] = sweep
        cells[first + NUMBER] = number
        cells[first + LANE] = lane + 1
        cells[self._signs] = 1

    def end(self) -> None:
        """Write down that nothing is in hand."""
        self._cells[self._first + LANE] = 0
        self._cells[self._signs] = 0

    def give_sign(self) -> None:
        """Show that something went on, or begins."""
        self._cells[self._signs] += 1

    def rest(self) -> None:
        """Let no sign be expected until the next one."""
        self._cells[self._signs] = 0


class Heartbeats:
    """The lines of one worker's threads, each found by the thread itself."""

    def __init__(self) -> None:
        self._local = threading.local()

    def attach(self, line: ThreadCell) -> ThreadCell:
        """Let the calling thread's signs be written on `line`."""
        self._local.line = line
        return line

    def give(self) -> None:
        """Give a sign of the calling thread."""
        self._local.line.give_sign()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Expect no sign of the calling thread meanwhile: it waits for others, or its turn."""
        line: ThreadCell = self._local.line
        line.rest()
        try:
            yield
        finally:
            line.give_sign()
