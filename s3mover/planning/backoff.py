"""Objects that failed wait for their next attempt, longer after each sweep that failed with them. Pure decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from s3mover.model import WAITING, Action, DeletionCandidate, ObjectEntry, Outcome, Wait
from s3mover.planning.page_diff import PageDiff
from s3mover.s3.values import iso_time

# More than any wait needs, few enough for a float.
MAX_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """How long an object waits, in seconds: `first` after its second failure in a row, then doubled, up to `longest`.

    After its first failure the next sweep tries it: most failures pass by themselves.
    """

    first: float
    longest: float

    def seconds(self, failures: int) -> float:
        """Return the wait after so many failures in a row."""
        if failures <= 1:
            return 0.0
        return min(self.first * 2.0 ** min(failures - 2, MAX_DOUBLINGS), self.longest)


def wait_after(known: Wait | None, outcome: Outcome, policy: BackoffPolicy) -> Wait:
    """Return the wait of an object that failed, from the one it had before; one sweep counts as one failure."""
    failures = 1 if known is None else known.failures + (known.sweep != outcome.sweep)
    next_attempt = outcome.moved_at + policy.seconds(failures)
    etag = outcome.destination_etag if outcome.action is Action.DELETE else outcome.source_etag
    return Wait(outcome.key, failures, outcome.sweep, etag, outcome.moved_at, next_attempt)


def without_backed_off(diff: PageDiff, waits: Mapping[str, Wait], now: float) -> PageDiff:
    """Return the diff without the transfers that are to wait, which it skips as `waiting`."""
    ready = [one for one in diff.transfers if not _still_waits(one.entry, waits.get(one.entry.key), now)]
    left_out = len(diff.transfers) - len(ready)
    skipped = {**diff.skipped, WAITING: left_out} if left_out else diff.skipped
    return replace(diff, transfers=ready, skipped=skipped)


def deletion_waits(candidate: DeletionCandidate, wait: Wait | None, now: float) -> bool:
    """Return whether the deletion of this version failed before, and the time of its next attempt has not come."""
    return wait is not None and wait.etag == candidate.etag and wait.failed_at <= now < wait.next_attempt


def _still_waits(entry: ObjectEntry, wait: Wait | None, now: float) -> bool:
    """Return whether the time of its next attempt has not come.

    now                    | the object at the source    | it waits
    -----------------------|-----------------------------|------------------------------------
    after the next attempt | -                           | no
    before it failed       | -                           | no: the clock was set back
    between                | has another ETag            | no: another object may fare better
    between                | was written since it failed | no
    between                | is the same, as far as known | yes
    """
    if wait is None or not wait.failed_at <= now < wait.next_attempt or entry.etag != wait.etag:
        return False
    written_at = iso_time(entry.last_modified)
    return written_at is None or written_at <= wait.failed_at
