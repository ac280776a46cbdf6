"""What the loop of events works with: the receiver, the look-ups, what other threads have for it, and the settings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

from s3mover.model import Pair
from s3mover.notifications.messages import ReceivedMessage
from s3mover.planning.deletion_guards import DeletionPolicy
from s3mover.planning.page_diff import Rules
from s3mover.sweep.cycle import AddSeal, SumUp
from s3mover.sweep.events.inboxes import Inboxes
from s3mover.sweep.events.lookups import Look
from s3mover.sweep.tools import Inbox, SweepTools, Wake
from s3mover.workers.pool.route_client import RouteClient


class Receiver(Protocol):
    """Where messages come from; they are delivered by another thread."""

    def receive(self) -> None:
        """Receive messages from now on; called in every turn of the loop."""

    def pause(self) -> None:
        """Receive no more messages until `receive`."""

    def delete(self, messages: Sequence[int]) -> None:
        """Delete messages, which are done."""

    def give_back(self, messages: Sequence[int], *, at_once: bool) -> None:
        """Let messages come again: at once, or when they would have anyway."""

    def close(self) -> None:
        """Receive nothing more, and end what receives."""


class KeyLookups(Protocol):
    """Looks at keys in the background."""

    def begin(self, keys: Iterable[str], rules: Rules) -> None:
        """Look at these keys, by these rules; each look is delivered once."""

    def close(self) -> None:
        """End the threads."""


@dataclass(frozen=True, slots=True)
class EventTools:
    """What events are worked off with.

    `tools` are those of the route's sweeps, `client` its client of the pool, `inboxes` sorts what comes back. `rules`
    makes the rules of comparison, `deletion_policy` is None where deletions are not carried over, `batch_seconds`
    returns the age at which a batch is closed.
    """

    tools: SweepTools
    client: RouteClient
    inboxes: Inboxes
    pair: Pair
    sum_up: SumUp
    add_seal: AddSeal
    rules: Callable[[], Rules]
    deletion_policy: Callable[[], DeletionPolicy] | None
    batch_seconds: Callable[[], float]


class Incoming:
    """What other threads have for the loop; `wake` lets it go round, also where it waits for messages of its own."""

    def __init__(self, main: Inbox) -> None:
        self._main = main
        self._queue: SimpleQueue[ReceivedMessage | Look] = SimpleQueue()
        self._woken = False

    def put(self, item: ReceivedMessage | Look) -> None:
        """Take an item, on any thread."""
        self._queue.put(item)
        self.wake()

    def wake(self) -> None:
        """Let the loop go round, on any thread."""
        if not self._woken:
            self._woken = True
            self._main.put(Wake())

    def take(self) -> list[ReceivedMessage | Look]:
        """Return what has come since the last call."""
        self._woken = False
        items: list[ReceivedMessage | Look] = []
        try:
            while True:
                items.append(self._queue.get_nowait())
        except Empty:
            return items
