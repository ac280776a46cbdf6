"""The result of one sweep so far: counts, failures, and the events that announce them. It decides nothing."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence

from s3mover.events import (
    Event,
    Notify,
    ObjectFailed,
    ObjectFallback,
    ObjectLeftOut,
    ObjectMoved,
    ObjectReduced,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    SourceDeleted,
    SourceKept,
    SweepListed,
    TransfersPlanned,
)
from s3mover.model import UNUSABLE_KEY, Deletion, Method, Order, Outcome, Side, Status, Tally
from s3mover.planning.page_diff import PageDiff
from s3mover.sweep_counts import SweepCounts

# Failures kept for the summary; all of them stand in the trail.
FAILURES_KEPT = 100
# The reason why a sweep leaves an object alone that the events of the source deal with.
BY_EVENTS = "by_events"
UNUSABLE_MESSAGE = (
    "the key is not UTF-8 or longer than 1,024 bytes: no request can name it; rename or exclude it"
)


class SweepStats:
    """Counts a sweep and announces its events; belongs to the loop's thread.

    `fallbacks`, `skipped` and `unkept` count by reason.
    """

    def __init__(self, sweep: int, notify: Notify) -> None:
        self._sweep = sweep
        self._notify = notify
        self._counts = SweepCounts()
        self.fallbacks: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.unkept: Counter[str] = Counter()
        self.failures: deque[Outcome] = deque(maxlen=FAILURES_KEPT)

    def tally(self) -> Tally:
        """Return the counts so far."""
        return self._counts.tally()

    def page_compared(self, diff: PageDiff) -> None:
        """Count the objects of one page of the source."""
        self._announce(ObjectsListed(Side.SOURCE, diff.listed))
        for reason, objects in diff.skipped.items():
            self.skipped[reason] += objects
            self._announce(ObjectsInPlace(reason, objects))
        for key in diff.unusable:
            self._announce(ObjectLeftOut(self._sweep, key, UNUSABLE_KEY, UNUSABLE_MESSAGE))

    def left_to_events(self, objects: int) -> None:
        """Count planned objects that the events have in hand, or moved since the sweep began."""
        if objects:
            self.skipped[BY_EVENTS] += objects
            self._announce(ObjectsInPlace(BY_EVENTS, objects))

    def listing_ended(self) -> None:
        """Announce how much there is to move, now that no further page comes."""
        tally = self.tally()
        to_move = tally.listed - tally.skipped
        self._announce(SweepListed(self._sweep, tally.listed, tally.skipped, to_move))

    def intended(self, orders: Sequence[Order]) -> None:
        """Count rows that now stand in the trail as pending."""
        oldest = min([order.last_modified for order in orders])
        self._announce(TransfersPlanned(len(orders), sum([order.size for order in orders]), oldest))

    def withdrawn(self, orders: Sequence[Order]) -> None:
        """Take back the count of orders that no worker began; their rows are gone."""
        self._counts.withdraw(len(orders), sum(order.size for order in orders))

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Count and announce outcomes that now stand in the trail."""
        for outcome in outcomes:
            if outcome.fallback:
                self.fallbacks[outcome.fallback] += 1
                self._announce(ObjectFallback(self._sweep, outcome.key, outcome.fallback, outcome.message))
            if outcome.unkept:
                self.unkept.update(outcome.unkept)
                self._announce(ObjectReduced(self._sweep, outcome.key, outcome.unkept))
            if outcome.status is Status.SKIPPED:
                self.skipped[outcome.code] += 1
            elif outcome.status is not Status.SUCCESS:
                self.failures.append(outcome)
            self._announce(_event_of(outcome))

    def sources_deleted(self, deletions: Sequence[Deletion]) -> None:
        """Announce source objects that were deleted, and those that could not be."""
        for event in deletion_events(deletions):
            self._announce(event)

    def _announce(self, event: Event) -> None:
        self._counts.count(event)
        self._notify(event)


def deletion_events(deletions: Iterable[Deletion]) -> Iterator[Event]:
    """Yield the events that announce deletions of source objects."""
    for due, code in deletions:
        yield SourceKept(due.sweep, due.key, code) if code else SourceDeleted(due.sweep, due.key)


def _event_of(outcome: Outcome) -> Event:
    match outcome.status:
        case Status.SUCCESS:
            method = outcome.method or Method.STREAMING
            seconds = outcome.duration_us / 1e6
            return ObjectMoved(outcome.sweep, outcome.key, method, outcome.size, seconds, outcome.attempts)
        case Status.SKIPPED:
            return ObjectSkipped(outcome.sweep, outcome.key, outcome.size, outcome.code, outcome.message)
        case _:
            return _failed(outcome)


def _failed(outcome: Outcome) -> ObjectFailed:
    return ObjectFailed(
        outcome.sweep,
        outcome.key,
        outcome.method,
        outcome.size,
        outcome.duration_us / 1e6,
        outcome.attempts,
        outcome.code,
        outcome.message,
    )
