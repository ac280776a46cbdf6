"""What an event says is gone at the source becomes a deletion candidate: never more, since a sweep must confirm it."""

from collections.abc import Callable, Sequence

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.model import DeletionCandidate, ObjectEntry, Pair
from s3mover.planning.deletion_guards import DeletionPolicy, reason_by_trail, reason_to_keep


def record_candidates(
    trail: RetryingTrail,
    pair: Pair,
    policy: DeletionPolicy,
    gone: Sequence[ObjectEntry],
    batch: Callable[[], int],
    now: float,
) -> None:
    """Record those objects of the destination as candidates that the guards let through; `batch` opens one for them.

    What a sweep has seen of a candidate stays as it is: an event does not count as a sweep that missed the object.
    """
    asked = [entry for entry in gone if not reason_to_keep(entry, pair, policy)]
    keys = [pair.source_key(entry.key) for entry in asked]
    copies = trail.last_copies(pair, keys) if policy.recorded_only else {}
    known = trail.candidates(pair, keys)
    fresh = [
        (key, entry)
        for key, entry in zip(keys, asked, strict=True)
        if not reason_by_trail(entry, policy, copies.get(key)) and not _is_known(known.get(key), entry)
    ]
    if fresh:
        number = batch()
        trail.end_candidates(pair, [key for key, _ in fresh if key in known])
        trail.write_candidates(
            pair, [DeletionCandidate(key, entry.etag, entry.size, number, now) for key, entry in fresh]
        )


def _is_known(known: DeletionCandidate | None, entry: ObjectEntry) -> bool:
    return known is not None and (known.etag, known.size) == (entry.etag, entry.size)
