"""How many of a worker's threads each kind of task may use, so that small objects flow beside huge ones. Pure.

Which task is next is decided in `task_queue.py`, how much CPU bulk work yields in `cpu_yield.py`.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from s3mover.transfer.parts import MAX_SINGLE_COPY, MIB

# Larger orders are bulk: to stream one takes the CPU of some 20 small ones, to copy one takes longer than S3's latency.
LARGEST_SMALL = 8 * MIB
# Larger ones may take long, as parts may: a part has this size by default.
LARGEST_SHORT = 64 * MIB
# While small orders lack threads, bulk keeps one thread in so many. While they do not, what may take long leaves the
# same number free.
BULK_DIVISOR = 8


class Kind(IntEnum):
    """What a task is: an order by its object's size, or the parts of a huge object that has begun.

    All but the small ones are bulk.
    """

    SMALL = 0
    LARGE = 1
    LONG = 2
    HUGE = 3
    PART = 4


# Looked up once: Python takes 0.2 us to find a member of an enumeration, and several are needed per object.
SMALL = Kind.SMALL
BULK = tuple(kind for kind in Kind if kind is not Kind.SMALL)


def kind_of(size: int) -> Kind:
    """Return the kind of an order by its object's size in bytes; a huge one goes in parts by either method."""
    if size <= LARGEST_SMALL:
        return SMALL
    if size <= LARGEST_SHORT:
        return Kind.LARGE
    return Kind.LONG if size <= MAX_SINGLE_COPY else Kind.HUGE


class Backlog(IntEnum):
    """Whether small orders lack threads: not for a while, not since a moment ago, or now."""

    NONE = 0
    RECENT = 1
    PRESENT = 2


class Bounds(NamedTuple):
    """How many threads tasks may use: `bulk_min` and `long_max` of `threads`."""

    threads: int

    @property
    def bulk_min(self) -> int:
        """How many threads bulk keeps at least, so that it goes on."""
        return max(1, self.threads // BULK_DIVISOR)

    @property
    def long_max(self) -> int:
        """How many threads may be used by what takes long: new small orders find a thread at once."""
        return max(1, self.threads - self.threads // BULK_DIVISOR)

    def room(self, kind: Kind, backlog: Backlog, running: Mapping[Kind, int]) -> int:
        """Return how many more threads may begin tasks of a kind; `running` counts the tasks of each bulk kind.

        The bound on all bulk together, by the backlog of small orders:

        | kind  | present    | recent     | none       |
        |-------|------------|------------|------------|
        | small | no bound   | no bound   | no bound   |
        | large | `bulk_min` | no bound   | no bound   |
        | long  | `bulk_min` | `bulk_min` | `long_max` |
        | huge  | `bulk_min` | no bound   | no bound   |
        | part  | `bulk_min` | `bulk_min` | `long_max` |

        At most `bulk_min` huge objects run at once. All threads help with their parts, an object that is complete is
        not lost by a kill, and a thread that has a huge object does not come free for hours.
        """
        if kind is Kind.SMALL:
            return self.threads
        bound = self._bound(kind, backlog) - sum(running.values())
        return min(bound, self.bulk_min - running[kind]) if kind is Kind.HUGE else bound

    def _bound(self, kind: Kind, backlog: Backlog) -> int:
        takes_long = kind in (Kind.LONG, Kind.PART)
        if backlog is Backlog.PRESENT or (takes_long and backlog is Backlog.RECENT):
            return self.bulk_min
        return self.long_max if takes_long else self.threads
