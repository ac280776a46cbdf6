"""The lease on a pair of buckets: one row, which its holder renews and others may take over once it has expired.

Correctness does not rest on time: who takes a lease raises its token and fences the sweeps left running in the same
transaction, and every write of a sweep is conditional on its token (`sql_trail.py`). Time decides only when a lease may
be taken: by the database's clock, or, in case that clock was set back, once the row has not changed for the TTL.
"""

import secrets
import time
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from s3mover.audit import lease_statements as sql
from s3mover.audit.database import Database
from s3mover.audit.digests import pair_digest
from s3mover.audit.trail import LeaseToken, RangeClaim
from s3mover.errors import LeaseHeldError
from s3mover.model import Pair

# Longer than workers may begin requests without a renewal, and such requests take to settle (`workers/lease_guard.py`).
TTL_SECONDS = 5


class _Seen(NamedTuple):
    """A lease as it was read; `age` is in seconds by the database's clock, `renewed_at` in its own form."""

    holder: str
    token: int
    renewed_at: object
    age: float
    ttl: float


class Lease:
    """The lease on `pair`, held by at most one instance; `clock` is monotonic, in seconds.

    `running_sweeps` returns the ids of the pair's sweeps that an earlier holder left running.
    """

    def __init__(
        self,
        database: Database,
        pair: Pair,
        running_sweeps: Callable[[], list[int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pair = pair
        self.holder = secrets.token_hex(16)
        # Seconds between the last sign of the former holder, or of a machine that worked for it, and our taking over.
        self.vacant_seconds = inf
        self._database = database
        self._name = pair_digest(pair)
        self._running_sweeps = running_sweeps
        self._clock = clock
        self._token: int | None = None
        self._lost = False
        self._seen: _Seen | None = None
        self._unchanged_since = clock()
        self.renewed_by_another = False

    @property
    def is_awaited(self) -> bool:
        """Whether this instance neither holds the lease nor has lost it to another."""
        return self._token is None and not self._lost

    def acquire(self) -> bool:
        """Take the lease if it was released or has expired; return False while another instance holds it."""
        seen = self._read()
        if seen.holder == self.holder:
            self._token = seen.token
            return True
        if not self._may_be_taken(seen):
            return False
        running = self._running_sweeps()
        backend = self._database.backend
        with self._database.transaction():
            taken = self._database.write(
                sql.take(backend),
                (self.holder, TTL_SECONDS, self._name, seen.holder, seen.token, seen.renewed_at),
            )
            if taken and running:
                self._database.write(sql.fence(len(running)), running)
        if taken:
            self._token, self._lost = seen.token + 1, False
            self.vacant_seconds = max(0.0, min(seen.age, self._silence(running)))
        return bool(taken)

    def renew(self) -> None:
        """Renew the lease, inside a transaction.

        Raises:
            LeaseHeldError: it is not held, or another instance took it.
        """
        if self._token is None or not self._database.write(
            sql.renew(self._database.backend), (self._name, self.holder, self._token)
        ):
            self._token, self._lost = None, True
            raise LeaseHeldError(f"Another s3mover took the lease on {self.pair}.")

    @property
    def token(self) -> LeaseToken:
        """The lease as its holder has it.

        Raises:
            LeaseHeldError: it is not held.
        """
        if self._token is None:
            raise LeaseHeldError(f"The lease on {self.pair} is not held.")
        return LeaseToken(self.holder, self._token)

    def release(self) -> None:
        """Release the lease if it is held."""
        if self._token is None:
            return
        token, self._token = self._token, None
        with self._database.transaction():
            self._database.write(sql.release(self._database.backend), (self._name, self.holder, token))

    def _silence(self, sweeps: list[int]) -> float:
        """Return the seconds since the last heartbeat of any range of these sweeps."""
        if not sweeps:
            return inf
        [(seconds,)] = self._database.read(sql.silence(len(sweeps), self._database.backend), sweeps)
        return inf if seconds is None else float(seconds)

    def _read(self) -> _Seen:
        query = sql.read(self._database.backend)
        found = self._database.read(query, (self._name,))
        if not found:
            with self._database.transaction():
                self._database.write(sql.create(self._database.backend), (self._name, TTL_SECONDS))
            found = self._database.read(query, (self._name,))
        holder, token, renewed_at, age, ttl = found[0]
        return _Seen(holder, int(token), renewed_at, float(age), float(ttl))

    def _may_be_taken(self, seen: _Seen) -> bool:
        before, self._seen = self._seen, seen
        if before is None or (before.token, before.renewed_at) != (seen.token, seen.renewed_at):
            self.renewed_by_another = before is not None and bool(seen.holder)
            self._unchanged_since = self._clock()
        unchanged = self._clock() - self._unchanged_since
        return not seen.holder or seen.age > seen.ttl or unchanged > seen.ttl


class FollowedLease:
    """The lease on `pair` of another instance, as the run of a range of its sweep follows it."""

    def __init__(self, database: Database, pair: Pair, claim: RangeClaim, lease: LeaseToken) -> None:
        self.is_recalled = False
        self._pair = pair
        self._database = database
        self._lease = lease
        self._parameters = (claim.sweep, claim.number, pair_digest(pair))

    def check(self) -> None:
        """Read the lease, and whether the range is recalled.

        Raises:
            LeaseHeldError: the lease has lapsed or changed hands, or the range is gone.
        """
        found = self._database.read(sql.follow(self._database.backend), self._parameters)
        holder, token, age, ttl, recalled = found[0] if found else ("", 0, inf, 0, 0)
        if (holder, int(token)) != self._lease or float(age) > ttl:
            raise LeaseHeldError(
                f"The supervisor of this sweep does not hold the lease on {self._pair} any more."
            )
        self.is_recalled = bool(recalled)
