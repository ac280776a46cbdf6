"""The part of a trail that is about seals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from s3mover.model import Pair

if TYPE_CHECKING:
    from s3mover.audit.seals import Seal


class SealedTrail(Protocol):
    """The part of a trail that reads seals, and notes which of them the anchor holds."""

    def seals_after(self, pair: Pair, number: int, limit: int) -> "list[Seal]":
        """Return up to `limit` seals of a pair above that number, in their order."""

    def anchored_to(self, pair: Pair) -> int:
        """Return the number of the newest seal that the anchor holds, 0 for none."""

    def newest_seal(self, pair: Pair) -> int:
        """Return the number of the newest seal of a pair, 0 for none."""

    def note_anchored(self, pair: Pair, numbers: Sequence[int], at: float) -> None:
        """Record that the anchor holds these seals."""

    def take_seals(self) -> "list[Seal]":
        """Return the seals that were written since the last call."""
