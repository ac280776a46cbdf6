"""What one sweep asks and tells the trail about objects that wait for their next attempt.

The decisions are `planning/waiting.py`'s. A sweep that meets no failed object, after none before it, asks once.
"""

from collections.abc import Callable, Sequence

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import Trail
from s3mover.model import Outcome, Pair, Status, WaitChanges
from s3mover.planning.backoff import BackoffPolicy, wait_after, without_backed_off
from s3mover.planning.page_diff import PageDiff


class ObjectBackoff:
    """The waits of one pair during one sweep; belongs to the thread that owns the trail."""

    def __init__(
        self, trail: RetryingTrail | Trail, pair: Pair, rule: BackoffPolicy, clock: Callable[[], float]
    ) -> None:
        self._trail = trail
        self._pair = pair
        self._rule = rule
        self._clock = clock
        self._any = trail.has_waits(pair)

    def without_backed_off(self, diff: PageDiff) -> PageDiff:
        """Return the finding without the transfers whose time has not come."""
        if not self._any:
            return diff
        waits = self._trail.waits(self._pair, [one.entry.key for one in diff.transfers])
        return without_backed_off(diff, waits, self._clock()) if waits else diff

    def changed_by(self, outcomes: Sequence[Outcome]) -> WaitChanges | None:
        """Return what these outcomes change: failed objects wait, all others wait no longer."""
        failed = [outcome for outcome in outcomes if outcome.status is Status.ERROR]
        if not failed and not self._any:
            return None
        known = self._trail.waits(self._pair, [one.key for one in failed]) if self._any else {}
        ended = [one.key for one in outcomes if one.status is not Status.ERROR] if self._any else []
        self._any = True
        return WaitChanges(
            self._pair, [wait_after(known.get(one.key), one, self._rule) for one in failed], ended
        )
