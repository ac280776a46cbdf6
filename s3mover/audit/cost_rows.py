"""What the batches of a pair cost: a row of `batch_costs` for each run, batch and day, by the database's clock.

A row has what a run has spent for a batch since it began with it, as of the last write of the day. So each write can be
repeated, and what was spent on a day is the difference to the row of an earlier one. No lease guards these rows: money
that a replaced instance has spent is spent.
"""

# ruff: noqa: S608 - what is put together here are expressions of this module, never a value

from s3mover.audit.database import Database
from s3mover.audit.digests import pair_hash
from s3mover.model import Pair

# A run that goes on for longer than this without a write would be counted anew.
DAYS_KEPT = 7

_DAY = {"mysql": "UTC_DATE()", "sqlite": "date('now')"}
_FIRST_DAY_KEPT = {
    "mysql": f"UTC_DATE() - INTERVAL {DAYS_KEPT} DAY",
    "sqlite": f"date('now', '-{DAYS_KEPT} days')",
}
_LARGER = {
    "mysql": "ON DUPLICATE KEY UPDATE micros = GREATEST(micros, VALUES(micros))",
    "sqlite": "ON CONFLICT DO UPDATE SET micros = MAX(micros, excluded.micros)",
}


def _record(backend: str) -> str:
    return f"""
        INSERT INTO batch_costs (pair_hash, day, batch_id, run, micros)
        VALUES (?, {_DAY[backend]}, ?, ?, ?) {_LARGER[backend]}
    """


def _spent_today(backend: str) -> str:
    return f"""
        SELECT COALESCE(SUM(today.micros - COALESCE((
            SELECT MAX(earlier.micros) FROM batch_costs AS earlier
            WHERE earlier.batch_id = today.batch_id AND earlier.run = today.run AND earlier.day < today.day
        ), 0)), 0)
        FROM batch_costs AS today WHERE today.pair_hash = ? AND today.day = {_DAY[backend]}
    """


COST_OF_BATCH = """
    SELECT SUM(micros) FROM (
        SELECT MAX(micros) AS micros FROM batch_costs WHERE batch_id = ? GROUP BY run
    ) AS runs
"""


def _remove_old(backend: str) -> str:
    return f"DELETE FROM batch_costs WHERE pair_hash = ? AND day < {_FIRST_DAY_KEPT[backend]}"


class SqlCosts:
    """Implements `trail.Costs` on one connection."""

    _database: Database

    def record_cost(self, pair: Pair, batch: int, run: int, micros: int) -> None:
        """Record what a run has spent for a batch since it began with it, in micro-dollars; a sum never falls."""
        with self._database.transaction():
            self._database.write(_record(self._database.backend), (pair_hash(pair), batch, run, micros))

    def spent_today(self, pair: Pair) -> int:
        """Return what all runs have spent for a pair since 00:00 UTC, in micro-dollars."""
        found = self._database.read(_spent_today(self._database.backend), (pair_hash(pair),))
        return int(found[0][0])

    def cost_of_batch(self, batch: int) -> int | None:
        """Return what all runs have spent for a batch, in micro-dollars; None if nothing was recorded."""
        found = self._database.read(COST_OF_BATCH, (batch,))[0][0]
        return None if found is None else int(found)

    def end_old_costs(self, pair: Pair) -> None:
        """Remove the rows of days that no sum needs any more; the costs of sweeps stand in `cost_usd`."""
        with self._database.transaction():
            self._database.write(_remove_old(self._database.backend), (pair_hash(pair),))
