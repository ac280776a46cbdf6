"""What a sweep sees only at the destination goes into the trail as candidates, page by page, in constant memory.

The decisions are in `planning/deletion_guards.py`. It belongs to the loop's thread.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import Trail
from s3mover.model import BatchKind, DeletionCandidate, ObjectEntry, Pair, SweepStatus
from s3mover.planning.deletion_guards import DeletionPolicy, reason_by_trail, reason_to_keep, seen_again
from s3mover.planning.page_diff import PageDiff
from s3mover.sweep.result import DestinationOnly

# Candidates per write, and keys per question to the trail.
ROWS_PER_WRITE = 500
# Sweeps that are looked through for the last completed one; there is none where all of these failed.
SWEEPS_BACK = 100


class Sightings:
    """Collects what only the destination has during one sweep."""

    def __init__(
        self,
        trail: RetryingTrail,
        pair: Pair,
        sweep: int,
        policy: DeletionPolicy,
        clock: Callable[[], float],
    ) -> None:
        self._trail = trail
        self._pair = pair
        self._sweep = sweep
        self._policy = policy
        self._clock = clock
        self._last_completed = last_completed(trail, pair)
        self._entries: list[ObjectEntry] = []
        self._listed = self._candidates = 0
        self._kept: Counter[str] = Counter()

    def add(self, diff: PageDiff) -> None:
        """Take a page, and record what is enough for a write."""
        self._listed += diff.destination_listed
        self._entries += diff.destination_only
        while len(self._entries) >= ROWS_PER_WRITE:
            self._record(self._entries[:ROWS_PER_WRITE])
            del self._entries[:ROWS_PER_WRITE]

    def flush(self) -> None:
        """Record what is left."""
        if self._entries:
            self._record(self._entries)
            self._entries = []

    def result(self) -> DestinationOnly:
        """Return what was seen and recorded."""
        return DestinationOnly(self._policy, self._listed, self._candidates, dict(self._kept))

    def _record(self, entries: Sequence[ObjectEntry]) -> None:
        fresh = self._without_kept(entries)
        known = self._trail.candidates(self._pair, [one.key for one in fresh])
        seen = [seen_again(known.get(one.key), one, self._last_completed) for one in fresh]
        if anew := [one.key for one in seen if one.key in known and not one.times_missed]:
            # With its approval, which was for a list on which it stood for another reason.
            self._trail.end_candidates(self._pair, anew)
        self._candidates += len(seen)
        if seen:
            self._trail.write_candidates(self._pair, seen)

    def _without_kept(self, entries: Sequence[ObjectEntry]) -> list[DeletionCandidate]:
        """Return the candidates among the objects, and count the others by the reason that keeps them."""
        asked = [
            entry for entry in entries if not self._is_kept(reason_to_keep(entry, self._pair, self._policy))
        ]
        keys = [self._pair.source_key(entry.key) for entry in asked]
        copies = self._trail.last_copies(self._pair, keys) if self._policy.recorded_only else {}
        now = self._clock()
        return [
            DeletionCandidate(key, entry.etag, entry.size, self._sweep, now)
            for key, entry in zip(keys, asked, strict=True)
            if not self._is_kept(reason_by_trail(entry, self._policy, copies.get(key)))
        ]

    def _is_kept(self, reason: str) -> bool:
        if reason:
            self._kept[reason] += 1
        return bool(reason)


def last_completed(trail: RetryingTrail | Trail, pair: Pair) -> int:
    """Return the last completed sweep of the pair, 0 if there is none."""
    sweeps = trail.latest_sweeps(SWEEPS_BACK, pair=pair, kind=BatchKind.SWEEP)
    return next((sweep.id for sweep in sweeps if sweep.status is SweepStatus.COMPLETED), 0)
