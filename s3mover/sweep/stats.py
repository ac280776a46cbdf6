"""What one sweep comes to: its counts, its failures, and the events that tell of them. It decides nothing."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence

from s3mover.events import (
    Event,
    Notify,
    ObjectFailed,
    ObjectFallback,
    ObjectMoved,
    ObjectReduced,
    ObjectsInPlace,
    ObjectSkipped,
    SourceDeleted,
    SourceKept,
    TransfersPlanned,
)
from s3mover.model import Deletion, Method, Order, Outcome, Status, Tally
from s3mover.planning.page_diff import PageDiff

# Failures kept for the summary; all of them stand in the trail.
FAILURES_KEPT = 100


class SweepStats:
    """Counts a sweep and announces what happens in it; belongs to the loop's thread."""

    def __init__(self, sweep: int, notify: Notify) -> None:
        self._sweep = sweep
        self._notify = notify
        self._counts: Counter[str] = Counter()
        self.fallbacks: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.unkept: Counter[str] = Counter()
        self.failures: deque[Outcome] = deque(maxlen=FAILURES_KEPT)

    def tally(self) -> Tally:
        """Return the counts so far."""
        return Tally(**self._counts)

    def found(self, diff: PageDiff) -> None:
        """Count what one page of the source came to."""
        self._counts["listed"] += diff.listed
        for reason, objects in diff.skipped.items():
            self._counts["skipped"] += objects
            self.skipped[reason] += objects
            self._notify(ObjectsInPlace(reason, objects))

    def intended(self, orders: Sequence[Order]) -> None:
        """Count rows that now stand in the trail as pending."""
        self._counts["planned"] += len(orders)
        oldest = min(order.last_modified for order in orders)
        self._notify(TransfersPlanned(len(orders), sum(order.size for order in orders), oldest))

    def withdrawn(self, orders: Sequence[Order]) -> None:
        """Take back the count of orders that nobody began; their rows are gone."""
        self._counts["planned"] -= len(orders)

    def settled(self, outcomes: Sequence[Outcome]) -> None:
        """Count and announce outcomes that now stand in the trail."""
        for outcome in outcomes:
            if outcome.fallback:
                self.fallbacks[outcome.fallback] += 1
                self._notify(ObjectFallback(self._sweep, outcome.key, outcome.fallback, outcome.message))
            if outcome.unkept:
                self.unkept.update(outcome.unkept)
                self._notify(ObjectReduced(self._sweep, outcome.key, outcome.unkept))
            self._notify(self._counted(outcome))

    def removed(self, deletions: Sequence[Deletion]) -> None:
        """Announce source objects that were deleted, and those that could not be."""
        for event in deletion_events(deletions):
            self._notify(event)

    def _counted(self, outcome: Outcome) -> Event:
        match outcome.status:
            case Status.SUCCESS:
                return self._moved(outcome)
            case Status.SKIPPED:
                self._counts["planned"] -= 1
                self._counts["skipped"] += 1
                self.skipped[outcome.code] += 1
                return ObjectSkipped(self._sweep, outcome.key, outcome.size, outcome.code, outcome.message)
            case _:
                self._counts["failed"] += 1
                self.failures.append(outcome)
                return _failed(outcome)

    def _moved(self, outcome: Outcome) -> Event:
        method = outcome.method or Method.STREAMING
        self._counts["succeeded"] += 1
        self._counts["bytes"] += outcome.size
        self._counts["server_side_copies" if method is Method.SERVER_SIDE_COPY else "streamed"] += 1
        seconds = outcome.duration_us / 1e6
        return ObjectMoved(self._sweep, outcome.key, method, outcome.size, seconds, outcome.attempts)


def deletion_events(deletions: Iterable[Deletion]) -> Iterator[Event]:
    """Yield what is to be announced of deletions."""
    for due, code in deletions:
        yield SourceKept(due.sweep, due.key, code) if code else SourceDeleted(due.sweep, due.key)


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
