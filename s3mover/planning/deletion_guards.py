"""Whether an object that only the destination has may be deleted: pure decisions, the first guard that holds decides.

Each object by itself, whenever a sweep sees it (`reason_to_keep`, and `reason_by_trail` for the last one):

    guard                                                          | reason
    ---------------------------------------------------------------|------------------
    its key is not below the destination's prefix                  | outside_prefix
    it was written by s3mover to test permissions                  | probe
    no object of the source can have its key, which is too long    | unusable_key
    a filter excludes its key                                      | filtered
    it was modified within the last `filter.min_age`               | too_young
    the listing has no ETag, on which a deletion can depend        | no_etag
    scope `recorded`: no success of this pair has its ETag, size   | not_recorded

What is left is a candidate. A sweep counts for it only if it completed and the source listed something
(`reason_not_to_count`); a completed sweep that does not see it ends it. Then (`reason_to_wait`):

    so many completed sweeps in a row missed it at the source      | waits if
    ---------------------------------------------------------------|---------------------------------------
    fewer than `deletions.confirm`                                 | unconfirmed
    enough                                                         | too_recent: the first of them was less than
                                                                   | `deletions.min_age` before the last began
    enough, and long enough                                        | it is confirmed

All confirmed ones that no person approved together (`reason_to_refuse`):

    more than `deletions.max_objects`                              | none of them is deleted
    more than `deletions.max_share` of what the destination lists  | none of them is deleted

Right before a deletion the source is asked once more; see `sweep/deletions/`.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from s3mover.audit.trail import LastCopy
from s3mover.model import (
    MAX_KEY_LENGTH,
    PROBE_NAME,
    UNUSABLE_KEY,
    DeletionCandidate,
    ObjectEntry,
    Pair,
    SweepStatus,
)
from s3mover.planning.filters import KeyFilter

OUTSIDE_PREFIX = "outside_prefix"
PROBE = "probe"
FILTERED = "filtered"
TOO_YOUNG = "too_young"
NO_ETAG = "no_etag"
NOT_RECORDED = "not_recorded"
UNCONFIRMED = "unconfirmed"
TOO_RECENT = "too_recent"
DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class DeletionPolicy:
    """The settings that decide about deletions.

    `propagate` is False where nothing is deleted, only reported. `max_share` is a fraction of what the destination
    lists, `min_age` in seconds. Objects modified after `not_after` (S3's own text, empty for no bound) stay.
    """

    propagate: bool
    recorded_only: bool
    confirm: int
    min_age: float
    max_objects: int
    max_share: float
    included: KeyFilter | None = None
    not_after: str = ""


class SweepFacts(NamedTuple):
    """What a sweep came to, as far as it decides about deletions."""

    status: SweepStatus
    source_listed: int
    destination_listed: int


def reason_to_keep(entry: ObjectEntry, pair: Pair, policy: DeletionPolicy) -> str:
    """Return why an object of the destination is never deleted as it is; empty if its listing gives no reason."""
    if not entry.key.startswith(pair.destination_prefix):
        return OUTSIDE_PREFIX
    if entry.key.startswith(pair.destination_prefix + PROBE_NAME):
        return PROBE
    if len(pair.source_key(entry.key).encode()) > MAX_KEY_LENGTH:
        return UNUSABLE_KEY
    if policy.included is not None and not policy.included(pair.source_key(entry.key)):
        return FILTERED
    if policy.not_after and entry.last_modified > policy.not_after:
        return TOO_YOUNG
    return "" if entry.etag else NO_ETAG


def reason_by_trail(entry: ObjectEntry, policy: DeletionPolicy, copy: LastCopy | None) -> str:
    """Return why such an object is not deleted, by what the newest success recorded of its key; empty for no reason."""
    if not policy.recorded_only:
        return ""
    recorded = copy is not None and (copy.destination_etag, copy.size) == (entry.etag, entry.size)
    return "" if recorded else NOT_RECORDED


def seen_again(
    known: DeletionCandidate | None, fresh: DeletionCandidate, last_completed: int
) -> DeletionCandidate:
    """Return the candidate that a sweep has just seen; `known` is what the trail has under its digest.

    It begins anew if it is another object or version, or if the sweep `last_completed` did not count for it, since then
    its completed sweeps are not in a row. A sweep that did not complete changes nothing.
    """
    if known is None or (known.key, known.etag, known.size) != (fresh.key, fresh.etag, fresh.size):
        return fresh
    if known.times_missed and known.last_missed_sweep < last_completed:
        return fresh
    return known._replace(seen_sweep=fresh.seen_sweep, seen_at=fresh.seen_at)


def reason_not_to_count(facts: SweepFacts) -> str:
    """Return why a sweep says nothing about what is missing at the source; empty if it does."""
    if facts.status is not SweepStatus.COMPLETED:
        return f"the sweep did not complete ({facts.status})"
    if not facts.source_listed:
        return "the source lists no objects at all"
    return ""


def missed(candidate: DeletionCandidate, policy: DeletionPolicy, started_at: float) -> DeletionCandidate:
    """Return the candidate after the sweep that saw it last has completed; counting a sweep again changes nothing.

    `started_at` is when that sweep began: what it listed it listed later, so an object was missing for at least as long
    as is counted.
    """
    if candidate.last_missed_sweep != candidate.seen_sweep:
        if not candidate.times_missed:
            candidate = candidate._replace(
                first_missed_sweep=candidate.seen_sweep, first_missed_at=candidate.seen_at
            )
        candidate = candidate._replace(
            times_missed=candidate.times_missed + 1,
            last_missed_sweep=candidate.seen_sweep,
            last_missed_at=candidate.seen_at,
        )
    return candidate._replace(is_confirmed=not reason_to_wait(candidate, policy, started_at))


def reason_to_wait(candidate: DeletionCandidate, policy: DeletionPolicy, started_at: float) -> str:
    """Return why the deletion of a candidate is not confirmed, empty if it is."""
    if candidate.times_missed < policy.confirm:
        return UNCONFIRMED
    if policy.min_age and candidate.first_missed_at > started_at - policy.min_age:
        return TOO_RECENT
    return ""


def reason_to_refuse(confirmed: int, policy: DeletionPolicy, facts: SweepFacts) -> str:
    """Return why so many confirmed deletions are too many for one sweep, empty if they are not."""
    if confirmed > policy.max_objects:
        return f"more than deletions.max_objects ({policy.max_objects})"
    if confirmed > policy.max_share * facts.destination_listed:
        share, listed = f"{100 * policy.max_share:g}%", facts.destination_listed
        return f"more than deletions.max_share ({share}) of the {listed} objects that the destination lists"
    return ""


class ListDigest:
    """The digest of a list of confirmed deletions, by which a person approves it as it stands."""

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, candidate: DeletionCandidate) -> None:
        """Add one; the order counts."""
        line = f"{len(candidate.key)} {candidate.key} {candidate.etag} {candidate.size}\n"
        self._hash.update(line.encode())

    def __str__(self) -> str:
        return self._hash.hexdigest()[:DIGEST_CHARACTERS]
