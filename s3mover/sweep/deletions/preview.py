"""What a sweep would do with the objects that only the destination has, without writing anything: for a dry run."""

from collections.abc import Iterator

from s3mover.audit.trail import Trail
from s3mover.model import DeletionCandidate, ObjectEntry, Pair, SweepStatus
from s3mover.planning.deletion_guards import (
    DeletionPolicy,
    SweepFacts,
    missed,
    reason_by_trail,
    reason_not_to_count,
    reason_to_keep,
    reason_to_refuse,
    reason_to_wait,
    seen_again,
)
from s3mover.planning.page_diff import PageDiff
from s3mover.sweep.deletions.sightings import last_completed

# Stands for the sweep that does not take place.
NEXT_SWEEP = 2**62


class DeletionPreview:
    """Decides as a sweep would that began at `now`; `trail` is None where nothing was recorded yet."""

    def __init__(self, trail: Trail | None, pair: Pair, policy: DeletionPolicy, now: float) -> None:
        self._trail = trail
        self._pair = pair
        self._policy = policy
        self._now = now
        self._last_completed = 0 if trail is None else last_completed(trail, pair)
        self._source_listed = self._destination_listed = 0
        self.confirmed = self._approved = 0

    def of(self, diff: PageDiff) -> Iterator[tuple[ObjectEntry, str]]:
        """Yield each object of a page that only the destination has, and why it would stay; empty if it would not."""
        self._source_listed += diff.listed
        self._destination_listed += diff.destination_listed
        entries = diff.destination_only
        keys = [self._pair.source_key(entry.key) for entry in entries]
        copies = self._trail.last_copies(self._pair, keys) if self._trail else {}
        known = self._trail.candidates(self._pair, keys) if self._trail else {}
        for key, entry in zip(keys, entries, strict=True):
            reason = reason_to_keep(entry, self._pair, self._policy)
            reason = reason or reason_by_trail(entry, self._policy, copies.get(key))
            yield entry, reason or self._reason_to_wait(key, entry, known.get(key))

    def refusal(self) -> str:
        """Return why a sweep would delete nothing but what is approved, once all pages were seen; empty if it would."""
        facts = SweepFacts(SweepStatus.COMPLETED, self._source_listed, self._destination_listed)
        return reason_not_to_count(facts) or reason_to_refuse(
            self.confirmed - self._approved, self._policy, facts
        )

    def _reason_to_wait(self, key: str, entry: ObjectEntry, known: DeletionCandidate | None) -> str:
        fresh = DeletionCandidate(key, entry.etag, entry.size, NEXT_SWEEP, self._now)
        seen = seen_again(known, fresh, self._last_completed)
        judged = missed(seen, self._policy, self._now)
        self.confirmed += judged.is_confirmed
        self._approved += judged.is_confirmed and judged.is_approved
        return reason_to_wait(judged, self._policy, self._now)
