"""Where a sweep's work comes from, as the loop sees it; a listing is one such source (`planning/plan.py`)."""

from collections.abc import Callable, Sequence
from typing import Protocol

from s3mover.errors import MoverError
from s3mover.model import Outcome
from s3mover.planning.page_diff import PageDiff
from s3mover.planning.read_ahead import FeedEnded


class WorkSource(Protocol):
    """Feeds one sweep; the loop starts it, makes room as it goes, tells it what was settled, and closes it."""

    def start(self, deliver: Callable[[PageDiff | FeedEnded], None]) -> None:
        """Begin to deliver, from any thread: pages as far as there is room, and at last exactly one end.

        An end that is not `whole` without an error means that the source was closed.
        """

    def release(self, pages: int) -> None:
        """Note that the loop has room for that many further pages."""

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Note that these outcomes are committed; each object that was handed out comes here once.

        Not among them are objects whose order was withdrawn before a worker began it, and those that were skipped.
        """

    def close(self) -> None:
        """Deliver nothing more but the end, unless it was delivered; returns at once."""


class FailedSource:
    """A source without work: the sweep fails with `error`."""

    def __init__(self, error: MoverError) -> None:
        self._error = error

    def start(self, deliver: Callable[[PageDiff | FeedEnded], None]) -> None:
        """Deliver the error."""
        deliver(FeedEnded(whole=False, error=self._error))

    def release(self, pages: int) -> None:
        """Do nothing: no pages come."""

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Do nothing: no objects were delivered."""

    def close(self) -> None:
        """Do nothing: the end was delivered."""
