"""The seals of a trail: how they are read, and what makes them at the end of sweeps.

What makes them is loaded at the first end of a sweep, so that a start does not wait for it.
"""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from s3mover.audit.database import Database
from s3mover.audit.digests import pair_digest
from s3mover.audit.rows import stamp
from s3mover.model import Pair

if TYPE_CHECKING:
    from s3mover.audit.sealing import Sealing, SealWriter
    from s3mover.audit.seals import Seal


class SqlSeals:
    """Implements `seal_trail.SealedTrail` on one connection; `_seals` makes seals."""

    _database: Database
    _sealing: "Sealing | None"

    def seals_after(self, pair: Pair, number: int, limit: int) -> "list[Seal]":
        """Return up to `limit` seals of a pair above that number, in their order."""
        from s3mover.audit import seal_statements  # noqa: PLC0415 - see above
        from s3mover.audit.sealing import seal_of  # noqa: PLC0415

        found = self._database.read(seal_statements.AFTER, (pair_digest(pair), number, limit))
        return [seal_of(row) for row in found]

    def anchored_to(self, pair: Pair) -> int:
        """Return the number of the newest seal that the anchor holds, 0 for none."""
        from s3mover.audit import seal_statements  # noqa: PLC0415

        found = self._database.read(seal_statements.LAST_ANCHORED, (pair_digest(pair),))
        return int(found[0][0]) if found else 0

    def newest_seal(self, pair: Pair) -> int:
        """Return the number of the newest seal of a pair, 0 for none."""
        from s3mover.audit import seal_statements  # noqa: PLC0415

        found = self._database.read(seal_statements.LAST, (pair_digest(pair),))
        return int(found[0][1]) if found else 0

    def note_anchored(self, pair: Pair, numbers: Sequence[int], at: float) -> None:
        """Record that the anchor holds these seals."""
        from s3mover.audit import seal_statements  # noqa: PLC0415

        with self._database.transaction():
            for number in numbers:
                parameters = (stamp(at), pair_digest(pair), number)
                self._database.write(seal_statements.NOTE_ANCHORED, parameters)

    def take_seals(self) -> "list[Seal]":
        """Return the seals that were written since the last call."""
        return self._seals.take_written() if "_seals" in vars(self) else []

    @cached_property
    def _seals(self) -> "SealWriter":
        from s3mover.audit.sealing import Sealing, SealWriter  # noqa: PLC0415

        return SealWriter(self._database, self._sealing or Sealing(), self._leading)

    @abstractmethod
    def _leading(self) -> AbstractContextManager[None]:
        """Commit what is written inside only if this instance leads."""
