"""Compares the seals of the trail with those that the anchor holds."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from s3mover.audit.anchor_objects import AnchoredSeal
from s3mover.audit.digests import pair_digest
from s3mover.audit.seal_reader import SealReader, StoredSeal
from s3mover.audit.seal_verification import CLOCK_TOLERANCE_SECONDS, Finding, Problem
from s3mover.model import Pair


def anchor_findings(reader: SealReader, pair: Pair, anchored: Iterable[AnchoredSeal]) -> Iterator[Finding]:
    """Yield the anchored seals that the trail does not have as they are, and those anchored before they were made.

    Both come in the order of their numbers and are read once. What the trail has and the anchor does not have (yet) is
    not a difference: the first seals may be older than the anchor, the last ones on their way.
    """
    seals = reader.seals(pair_digest(pair))
    stored = next(seals, None)
    for one in anchored:
        while stored is not None and stored.number < one.number:
            stored = next(seals, None)
        if stored is None or stored.number > one.number:
            message = (
                f"the anchor has it ({one.hash}, since {one.written_at}), the trail does not: it was removed"
            )
            yield Finding(Problem.ANCHOR, message, one.number)
        elif stored.columns["hash"] != one.hash:
            message = (
                f"the anchor has {one.hash} (since {one.written_at}), the trail {stored.columns['hash']}"
            )
            yield Finding(Problem.ANCHOR, message, one.number)
        elif (early := _seconds_before(one, stored)) > CLOCK_TOLERANCE_SECONDS:
            message = f"the anchor has it since {one.written_at}, {early:.0f} s before the time that it says"
            yield Finding(Problem.CLOCK, message, one.number)


def _seconds_before(anchored: AnchoredSeal, stored: StoredSeal) -> float:
    """Return by how many seconds a seal was anchored before the time it was made, as it says."""
    if stored.seal is None:
        return 0.0
    try:
        made = datetime.fromisoformat(stored.seal.sealed_at).replace(tzinfo=UTC)
        return (made - datetime.fromisoformat(anchored.written_at)).total_seconds()
    except ValueError:
        return 0.0
