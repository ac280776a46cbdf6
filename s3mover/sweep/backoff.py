"""Objects that failed and wait for their next attempt: how one sweep reads and changes them in the trail.

The decisions are in `planning/backoff.py`. A sweep without failed objects, after none before it, reads once.
"""

from collections.abc import Callable, Sequence

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import Trail
from s3mover.model import DeletionCandidate, Outcome, Pair, Status, WaitChanges
from s3mover.planning.backoff import BackoffPolicy, deletion_waits, wait_after, without_backed_off
from s3mover.planning.page_diff import PageDiff


class ObjectBackoff:
    """The backed-off objects of one pair during one sweep; belongs to the thread that owns the trail.

    With `alone` no other sweep or batch changes them meanwhile.
    """

    def __init__(
        self,
        trail: RetryingTrail | Trail,
        pair: Pair,
        policy: BackoffPolicy,
        clock: Callable[[], float],
        *,
        alone: bool = True,
    ) -> None:
        self._trail = trail
        self._pair = pair
        self._policy = policy
        self._clock = clock
        self._alone = alone
        self._any = trail.has_waits(pair)

    def without_backed_off(self, diff: PageDiff) -> PageDiff:
        """Return the diff without the transfers whose time has not come."""
        if not self._has_waits():
            return diff
        waits = self._trail.waits(self._pair, [one.entry.key for one in diff.transfers])
        return without_backed_off(diff, waits, self._clock()) if waits else diff

    def ready(self, candidates: Sequence[DeletionCandidate]) -> list[DeletionCandidate]:
        """Return those whose deletion did not fail before, or may be tried again."""
        if not self._has_waits():
            return list(candidates)
        waits = self._trail.waits(self._pair, [one.key for one in candidates])
        now = self._clock()
        return [one for one in candidates if not deletion_waits(one, waits.get(one.key), now)]

    def changed_by(self, outcomes: Sequence[Outcome]) -> WaitChanges | None:
        """Return what these outcomes change: failed objects wait, all others do not any more."""
        failed = [outcome for outcome in outcomes if outcome.status is Status.ERROR]
        if not self._has_waits() and not failed:
            return None
        known = self._trail.waits(self._pair, [one.key for one in failed]) if self._any else {}
        ended = [one.key for one in outcomes if one.status is not Status.ERROR] if self._any else []
        self._any = True
        return WaitChanges(
            self._pair, [wait_after(known.get(one.key), one, self._policy) for one in failed], ended
        )

    def _has_waits(self) -> bool:
        if not self._alone:
            self._any = self._trail.has_waits(self._pair)
        return self._any
