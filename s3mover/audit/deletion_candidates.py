"""Objects that only the destination has, as the trail keeps them between sweeps: statements, rows and methods.

What is to become of them is decided in `planning/deletion_guards.py`. Pair and key are found by 64 bits of their
digests, as waits are: where two keys share them, the one that was seen last has the row, and begins anew.
"""

# ruff: noqa: S608 - what is put together here are names and placeholders of this module, never a value

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from s3mover.audit.database import Database, Row
from s3mover.audit.digests import key_hashes, pair_hash
from s3mover.audit.rows import ETAG_CHARACTERS, seconds, stamp
from s3mover.audit.statements import insert_many, overwriting
from s3mover.model import DeletionCandidate, Pair

_KEY = ("pair_hash", "key_hash")
_COLUMNS = (
    *_KEY,
    "file_key",
    "destination_etag",
    "size_bytes",
    "seen_batch",
    "seen_at",
    "times_missed",
    "first_missed_batch",
    "first_missed_at",
    "last_missed_batch",
    "last_missed_at",
    "confirmed",
)
_READ = (
    ", ".join(_COLUMNS[2:])
    + ", CASE WHEN approved_etag = destination_etag THEN 1 ELSE 0 END AS approved, key_hash"
)
# The approval is not overwritten: it is given beside the daemon, and holds for one ETag.
WRITE = insert_many("deletion_candidates", _COLUMNS, overwriting(_KEY, _COLUMNS[2:]))
PAGE = (
    f"SELECT {_READ} FROM deletion_candidates WHERE pair_hash = ? AND key_hash > ? ORDER BY key_hash LIMIT ?"
)
OLD = "SELECT key_hash FROM deletion_candidates WHERE pair_hash = ? AND seen_at < ? LIMIT ?"


def of_keys(keys: int) -> str:
    """Return the query for the candidates of so many keys of one pair."""
    return f"SELECT {_READ} FROM deletion_candidates WHERE pair_hash = ? AND key_hash IN ({_marks(keys)})"


def end(keys: int) -> str:
    """Return the statement that removes the candidates of so many keys of one pair."""
    return f"DELETE FROM deletion_candidates WHERE pair_hash = ? AND key_hash IN ({_marks(keys)})"


def approve(keys: int) -> str:
    """Return the statement that approves the deletion of so many keys of one pair, as far as it is confirmed."""
    return f"""
        UPDATE deletion_candidates SET approved_etag = destination_etag
        WHERE pair_hash = ? AND confirmed = 1 AND key_hash IN ({_marks(keys)})
    """


class SqlDeletionCandidates(ABC):
    """Implements `deletion_trail.DeletionCandidates` on one connection.

    What a sweep writes depends on its fencing token, as all of its writes do.
    """

    _database: Database

    @abstractmethod
    def _in_range(self) -> AbstractContextManager[None]:
        """Commit what is written inside only if no other instance took over the sweep."""

    def candidates(self, pair: Pair, keys: Sequence[str]) -> dict[str, DeletionCandidate]:
        """Return the candidates among these keys of the source."""
        if not keys:
            return {}
        found = self._database.read(of_keys(len(keys)), (pair_hash(pair), *key_hashes(keys)))
        asked = set(keys)
        return {one.key: one for one in map(_candidate, found) if one.key in asked}

    def candidates_after(self, pair: Pair, after: int, limit: int) -> tuple[list[DeletionCandidate], int]:
        """Return up to `limit` candidates in the order of their digests, and the next `after`."""
        found = self._database.read(PAGE, (pair_hash(pair), after, limit))
        return list(map(_candidate, found)), found[-1][-1] if found else after

    def write_candidates(self, pair: Pair, candidates: Sequence[DeletionCandidate]) -> None:
        """Record these candidates as they are now, all or none."""
        if not candidates:
            return
        number = pair_hash(pair)
        hashes = key_hashes([one.key for one in candidates])
        columns = [_columns(number, key, one) for key, one in zip(hashes, candidates, strict=True)]
        with self._in_range():
            self._database.write_many(WRITE[self._database.backend], columns)

    def end_candidates(self, pair: Pair, keys: Sequence[str]) -> None:
        """Remove these candidates."""
        if keys:
            with self._in_range():
                self._end(pair, key_hashes(keys))

    def end_old_candidates(self, pair: Pair, before: float, limit: int) -> int:
        """Remove up to `limit` candidates that no sweep has seen since that time, and return their number."""
        found = self._database.read(OLD, (pair_hash(pair), stamp(before), limit))
        if found:
            with self._database.transaction():
                self._end(pair, [key for (key,) in found])
        return len(found)

    def approve_candidates(self, pair: Pair, keys: Sequence[str]) -> int:
        """Approve the deletion of those of these candidates that are confirmed, and return their number."""
        if not keys:
            return 0
        with self._database.transaction():
            self._database.write(approve(len(keys)), (pair_hash(pair), *key_hashes(keys)))
        return sum(one.is_approved for one in self.candidates(pair, keys).values())

    def _end(self, pair: Pair, hashes: Sequence[int]) -> None:
        self._database.write(end(len(hashes)), (pair_hash(pair), *hashes))


def _columns(pair: int, key: int, candidate: DeletionCandidate) -> Row:
    return (
        pair,
        key,
        candidate.key,
        candidate.etag[:ETAG_CHARACTERS],
        candidate.size,
        candidate.seen_sweep,
        stamp(candidate.seen_at),
        candidate.times_missed,
        candidate.first_missed_sweep,
        stamp(candidate.first_missed_at),
        candidate.last_missed_sweep,
        stamp(candidate.last_missed_at),
        int(candidate.is_confirmed),
    )


def _candidate(row: Row) -> DeletionCandidate:
    key, etag, size, seen_sweep, seen_at, times, first, first_at, last, last_at, confirmed, approved, _ = row
    return DeletionCandidate(
        key,
        etag,
        int(size),
        seen_sweep,
        seconds(seen_at),
        times,
        first,
        seconds(first_at),
        last,
        seconds(last_at),
        bool(confirmed),
        bool(approved),
    )


def _marks(length: int) -> str:
    return ", ".join("?" * length)
