"""Which loop gets what comes back from the worker pool: that of the sweep, or that of a batch of events."""

from collections import defaultdict
from collections.abc import Callable

from s3mover.model import Order, Outcome
from s3mover.sweep.removal import Removed
from s3mover.sweep.tools import Inbox
from s3mover.workers.pool.subscriptions import Completed, PoolMessage


class Inboxes:
    """Delivers by the batch of each order, on any thread; what is of no batch of events goes to `main`.

    `wake` is called after each delivery to a batch.
    """

    def __init__(self, main: Inbox, wake: Callable[[], None]) -> None:
        self._main = main
        self._wake = wake
        self._of_batches: dict[int, Inbox] = {}

    def add(self, batch: int, inbox: Inbox) -> None:
        """Deliver what is of a batch to its inbox from now on."""
        self._of_batches[batch] = inbox

    def remove(self, batch: int) -> None:
        """Note that nothing of a batch comes any more."""
        self._of_batches.pop(batch, None)

    def deliver(self, message: PoolMessage) -> None:
        """Deliver completed orders to their loops; an error of the pool goes to the main one."""
        if message.error is not None or not self._of_batches:
            self._main.put(message)
            return
        parts: defaultdict[int, Completed] = defaultdict(lambda: Completed([], []))
        for outcome in message.completed.outcomes:
            parts[self._batch_of(outcome)].outcomes.append(outcome)
        for order in message.completed.returned:
            parts[self._batch_of(order)].returned.append(order)
        for batch, completed in parts.items():
            self._of_batches.get(batch, self._main).put(PoolMessage(completed))
        if any(parts):
            self._wake()

    def deliver_removed(self, removed: Removed) -> None:
        """Deliver deletions of source objects, which are all of one batch, to its loop."""
        batch = removed.deletions[0].due.sweep if removed.deletions else 0
        self._of_batches.get(batch, self._main).put(removed)
        self._wake()

    def _batch_of(self, one: Order | Outcome) -> int:
        return one.sweep if one.sweep in self._of_batches else 0
