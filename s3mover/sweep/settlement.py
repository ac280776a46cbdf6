"""Outcomes on their way into the trail: committed first, then counted, then passed on.

Nothing is counted, announced, deleted at the source or passed to the work source before it is committed.
"""

from collections.abc import Callable, Sequence

from s3mover.model import INTERRUPTED, WORKER_DIED, Deletion, DueDeletion, Order, Outcome, Status, unmoved
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.removal import Removed
from s3mover.sweep.stats import SweepStats
from s3mover.sweep.tools import SweepTools
from s3mover.workers.pool.subscriptions import Completed


class Settlement:
    """Collects what ended and commits it, in the loop's thread.

    `settled` gets the outcomes that were committed, `ended` the keys of all orders that are not in hand any more.
    `first_undone` is the first key whose order came back, or was interrupted.
    """

    def __init__(
        self,
        tools: SweepTools,
        stats: SweepStats,
        backoff: ObjectBackoff,
        settled: Callable[[Sequence[Outcome]], None],
        ended: Callable[[Sequence[str]], None],
    ) -> None:
        self._tools = tools
        self._stats = stats
        self._backoff = backoff
        self._settled = settled
        self._ended = ended
        self._outcomes: list[Outcome] = []
        self._withdrawn: list[Order] = []
        self._deletions: list[Deletion] = []
        self.set_aside: list[Outcome] = []
        self.first_undone: str | None = None

    def add(self, completed: Completed) -> None:
        """Take orders that ended, and orders that came back.

        What no worker began is withdrawn; what a worker died with may have been carried out, and keeps its row.
        """
        self._outcomes += completed.outcomes
        interrupted = [outcome.key for outcome in completed.outcomes if outcome.code == INTERRUPTED]
        undone = [*interrupted, *(order.key for order in completed.returned)]
        self.first_undone = min([*undone, *filter(None, [self.first_undone])], default=None)
        for order in completed.returned:
            if order.orphaned_since:
                message = "interrupted before another worker took it up"
                self._outcomes.append(unmoved(order, INTERRUPTED, message, self._tools.clock()))
            else:
                self._withdrawn.append(order)

    def add_deletions(self, removed: Removed) -> None:
        """Take the results of deletions of source objects."""
        self._deletions += removed.deletions
        if self._tools.remover is not None:
            self._tools.remover.received(removed)

    def commit(self) -> None:
        """Commit what was taken, then count it and pass it on."""
        if self._outcomes:
            self._settle(self._outcomes)
            self._outcomes = []
        if self._withdrawn:
            self._withdraw(self._withdrawn)
            self._withdrawn = []
        if self._deletions:
            self._end_deletions(self._deletions)
            self._deletions = []

    def _settle(self, outcomes: list[Outcome]) -> None:
        self._tools.trail.settle(outcomes, self._backoff.changed_by(outcomes))
        self._stats.settled(outcomes)
        self._tools.costs.meter.settled(outcomes)
        self._settled(outcomes)
        self._ended([outcome.key for outcome in outcomes])
        self._delete_sources(outcomes)
        self.set_aside += [outcome for outcome in outcomes if outcome.code == WORKER_DIED]

    def _withdraw(self, orders: list[Order]) -> None:
        now = self._tools.clock()
        self._tools.trail.settle(
            [unmoved(order, INTERRUPTED, "", now)._replace(status=Status.SKIPPED) for order in orders]
        )
        self._stats.withdrawn(orders)
        self._tools.costs.meter.withdrawn(orders)
        self._ended([order.key for order in orders])

    def _end_deletions(self, deletions: list[Deletion]) -> None:
        self._tools.trail.end_deletions(deletions, self._tools.clock())
        self._stats.sources_deleted(deletions)

    def _delete_sources(self, committed: list[Outcome]) -> None:
        """Only what stands in the trail as a success may be deleted."""
        if self._tools.remover is not None:
            self._tools.remover.remove([_due(outcome) for outcome in committed if outcome.delete_due])


def _due(outcome: Outcome) -> DueDeletion:
    return DueDeletion(outcome.sweep, outcome.number, outcome.key, outcome.source_etag)
