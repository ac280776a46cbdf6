"""How many of a worker's threads each kind of work may bind, so that small objects flow beside huge ones. Pure.

Which task is next is `queue.py`'s, what bulk work leaves of the CPU `cpu_yield.py`'s.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from s3mover.transfer.parts import MAX_SINGLE_COPY, MIB

# Larger orders are bulk: to stream them takes the CPU of some 20 small ones, to copy them longer than S3's latency.
LARGEST_SMALL = 8 * MIB
# Larger ones may take long, as parts may: a part is as large by default.
LARGEST_SHORT = 64 * MIB
# Bulk keeps one thread in so many while small orders lack threads; as many keep free of what may take long while none
# does.
SHARE = 8


class Kind(IntEnum):
    """What a task is: an order by its object's size, or the parts of a huge object that is under way already.

    All but the small ones are bulk.
    """

    SMALL = 0
    LARGE = 1
    LONG = 2
    HUGE = 3
    PART = 4


# Looked up once: Python takes 0.2 us to find a member of an enumeration, and several are asked for per object.
SMALL = Kind.SMALL
BULK = tuple(kind for kind in Kind if kind is not Kind.SMALL)


def kind_of(size: int) -> Kind:
    """Return the kind of an order by its object's size in bytes; those that go in parts either way are huge."""
    if size <= LARGEST_SMALL:
        return SMALL
    if size <= LARGEST_SHORT:
        return Kind.LARGE
    return Kind.LONG if size <= MAX_SINGLE_COPY else Kind.HUGE


class Backlog(IntEnum):
    """What small orders lack: nothing for a while, nothing at this moment, or threads."""

    CALM = 0
    ENDED = 1
    LACK = 2


class Bounds(NamedTuple):
    """How many threads may be bound: `bulk_min` and `long_max` of `threads`."""

    threads: int

    @property
    def bulk_min(self) -> int:
        """What bulk keeps, so that it goes on."""
        return max(1, self.threads // SHARE)

    @property
    def long_max(self) -> int:
        """What may take long may have: small orders that come find a thread at once."""
        return max(1, self.threads - self.threads // SHARE)

    def room(self, kind: Kind, backlog: Backlog, under_way: Mapping[Kind, int]) -> int:
        """Return how many more threads may begin with tasks of a kind; `under_way` counts those of each bulk kind.

        The bound on all bulk together:

        | kind  | small orders lack threads | they did a moment ago | they do not |
        |-------|---------------------------|-----------------------|-------------|
        | small | none                      | none                  | none        |
        | large | few                       | none                  | none        |
        | long  | few                       | few                   | most        |
        | huge  | few                       | none                  | none        |
        | part  | few                       | few                   | most        |

        At most a few huge objects are under way: all threads help with their parts, an object that is complete is
        not lost by a kill, and the threads that have them do not come free for hours.
        """
        if kind is Kind.SMALL:
            return self.threads
        bound = self._bound(kind, backlog) - sum(under_way.values())
        return min(bound, self.bulk_min - under_way[kind]) if kind is Kind.HUGE else bound

    def _bound(self, kind: Kind, backlog: Backlog) -> int:
        takes_long = kind in (Kind.LONG, Kind.PART)
        if backlog is Backlog.LACK or (takes_long and backlog is Backlog.ENDED):
            return self.bulk_min
        return self.long_max if takes_long else self.threads
