"""The transfers that events lead to in some minutes: one batch of the trail, worked off by the loop of any sweep."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from s3mover.events import (
    Event,
    Notify,
    ObjectFailed,
    ObjectFallback,
    ObjectMoved,
    ObjectReduced,
    ObjectSkipped,
    SourceDeleted,
    SourceKept,
)
from s3mover.model import Outcome, Pair
from s3mover.planning.page_diff import PageDiff
from s3mover.planning.read_ahead import FeedEnded
from s3mover.sweep.loop import Sweep
from s3mover.sweep.result import SweepResult
from s3mover.sweep.tools import OpenSweep, SweepTools

# Objects after which a batch is closed, so that its summary and its counts stay readable.
MAX_OBJECTS = 100_000
# What concerns one object. All else that a sweep announces is about the sweep that is under way.
_OF_OBJECTS = (
    ObjectFailed,
    ObjectFallback,
    ObjectMoved,
    ObjectReduced,
    ObjectSkipped,
    SourceDeleted,
    SourceKept,
)


class EventBatch:
    """One batch, as the work source of its own loop; `settled` gets the outcomes that were committed.

    The tools have an inbox and a client of their own. It belongs to the route's thread.
    """

    def __init__(
        self, tools: SweepTools, pair: Pair, opened: OpenSweep, settled: Callable[[Sequence[Outcome]], None]
    ) -> None:
        self.id, self.started_at = opened.id, opened.started_at
        self.objects = 0
        self.is_open = True
        self._settled = settled
        self._left: set[str] = set()
        self._deliver: Callable[[PageDiff | FeedEnded], None] = tools.inbox.put
        self._sweep = Sweep(replace(tools, notify=of_objects(tools.notify)), pair, source=self, opened=opened)
        self._sweep.start()

    def add(self, diff: PageDiff) -> None:
        """Work off the transfers of this diff."""
        self.objects += diff.listed
        self._left.update(one.entry.key for one in diff.transfers)
        self._deliver(diff)

    def step(self) -> bool:
        """Go round once, without waiting; return whether the batch has ended."""
        self._sweep.step(0)
        return self._sweep.is_done()

    def result(self) -> SweepResult:
        """Return what the batch came to."""
        return self._sweep.result()

    def left(self) -> list[str]:
        """Return the keys whose transfers did not end."""
        return list(self._left)

    def finish(self) -> None:
        """Take nothing more; the batch ends with its last transfer. It is whole: nothing was listed that is missing."""
        if self.is_open:
            self.is_open = False
            self._deliver(FeedEnded(whole=True))

    def start(self, deliver: Callable[[PageDiff | FeedEnded], None]) -> None:
        """See `WorkSource.start`."""
        self._deliver = deliver

    def release(self, pages: int) -> None:
        """Do nothing: what is received is bounded by the messages in flight."""

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """See `WorkSource.settled`."""
        self._left.difference_update(outcome.key for outcome in outcomes)
        self._settled(outcomes)

    def close(self) -> None:
        """See `WorkSource.close`; what no worker has begun makes the batch an interrupted one."""
        self.finish()


def of_objects(notify: Notify) -> Notify:
    """Return `notify` for what concerns one object."""

    def publish(event: Event) -> None:
        if isinstance(event, _OF_OBJECTS):
            notify(event)

    return publish
