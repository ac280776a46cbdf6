"""Pauses of pairs of buckets: a row of `pauses` stands until it is removed, for every instance."""

from s3mover.audit.database import Database
from s3mover.audit.digests import pair_digest
from s3mover.audit.rows import seconds, stamp
from s3mover.model import Pair, Pause

BY_CHARACTERS = 255
REASON_CHARACTERS = 1000

READ = "SELECT paused_at, paused_by, reason FROM pauses WHERE pair = ?"
REMOVE = "DELETE FROM pauses WHERE pair = ?"
WRITE = "INSERT INTO pauses (pair, paused_at, paused_by, reason) VALUES (?, ?, ?, ?)"


class SqlPauses:
    """Implements `trail.Pauses` on one connection."""

    _database: Database

    def pause_of(self, pair: Pair) -> Pause | None:
        """Return the pause of `pair`, None if it is not paused."""
        found = self._database.read(READ, (pair_digest(pair),))
        return Pause(seconds(found[0][0]), found[0][1], found[0][2]) if found else None

    def pause(self, pair: Pair, pause: Pause) -> None:
        """Record the pause of `pair`, in place of an earlier one."""
        name = pair_digest(pair)
        by, reason = pause.by[:BY_CHARACTERS], pause.reason[:REASON_CHARACTERS]
        with self._database.transaction():
            self._database.write(REMOVE, (name,))
            self._database.write(WRITE, (name, stamp(pause.paused_at), by, reason))

    def resume(self, pair: Pair) -> None:
        """Remove the pause of `pair`, if it has one."""
        with self._database.transaction():
            self._database.write(REMOVE, (pair_digest(pair),))
