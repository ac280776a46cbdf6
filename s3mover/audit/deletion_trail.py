"""The parts of a trail that are about deletions at the destination: the candidates, and the rows."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from s3mover.model import DeletionCandidate, DeletionRecord, Pair

# Below every digest: where reading candidates begins.
FIRST = -(2**63)


class DeletionCandidates(Protocol):
    """The part of a trail that keeps candidates."""

    def candidates(self, pair: Pair, keys: Sequence[str]) -> dict[str, DeletionCandidate]:
        """Return the candidates among these keys of the source."""

    def candidates_after(self, pair: Pair, after: int, limit: int) -> tuple[list[DeletionCandidate], int]:
        """Return up to `limit` candidates in the order of their digests, and the next `after`; `FIRST` begins."""

    def write_candidates(self, pair: Pair, candidates: Sequence[DeletionCandidate]) -> None:
        """Record these candidates as they are now, all or none; an approval is not changed."""

    def end_candidates(self, pair: Pair, keys: Sequence[str]) -> None:
        """Remove these candidates."""

    def end_old_candidates(self, pair: Pair, before: float, limit: int) -> int:
        """Remove up to `limit` candidates that no sweep has seen since that time, and return their number."""

    def approve_candidates(self, pair: Pair, keys: Sequence[str]) -> int:
        """Approve the deletion of those of these candidates that are confirmed, and return their number."""


class DeletionRows(Protocol):
    """The part of a trail that reads deletions."""

    def deletions(
        self, limit: int, since: float = 0.0, sweep: int | None = None, pair: Pair | None = None
    ) -> Iterator[DeletionRecord]:
        """Yield deletions at the destination, newest first, in constant memory; the filters are those of failures."""
