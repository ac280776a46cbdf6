"""Requests of operators to the instance that leads a pair, and its answers: a row of `operator_requests` per kind."""

# ruff: noqa: S608 - what is put together here are expressions of this package, never a value

from s3mover.audit.database import Database
from s3mover.audit.digests import pair_digest
from s3mover.audit.lease_statements import NOW
from s3mover.model import Pair, PairRequest, RequestAnswer, RequestKind

BY_CHARACTERS = 255
ANSWER_CHARACTERS = 1000
# How long a request stands: nobody waits for its answer any more, and it must not come as a surprise.
VALID_SECONDS = 10.0
_KINDS = frozenset(kind.value for kind in RequestKind)

_IGNORE = {
    "mysql": "ON DUPLICATE KEY UPDATE kind = operator_requests.kind",
    "sqlite": "ON CONFLICT (pair, kind) DO NOTHING",
}
_AGE_SECONDS = {
    "mysql": "TIMESTAMPDIFF(MICROSECOND, requested_at, UTC_TIMESTAMP(6)) / 1000000",
    "sqlite": "(julianday('now') - julianday(requested_at)) * 86400",
}
NUMBER = "SELECT number FROM operator_requests WHERE pair = ? AND kind = ?"
ANSWER = """
    UPDATE operator_requests SET answered = ?, answered_by = ?, is_accepted = ?, answer = ?
    WHERE pair = ? AND kind = ? AND answered < ?
"""
READ_ANSWER = """
    SELECT answered_by, is_accepted, answer FROM operator_requests WHERE pair = ? AND kind = ? AND answered >= ?
"""


class SqlOperatorRequests:
    """Implements `trail.OperatorRequests` on one connection."""

    _database: Database

    def request(self, pair: Pair, kind: RequestKind, by: str) -> int:
        """Record a request and return its number."""
        name, now = pair_digest(pair), NOW[self._database.backend]
        create = f"INSERT INTO operator_requests (pair, kind, requested_at) VALUES (?, ?, {now}) "
        ask = f"UPDATE operator_requests SET number = number + 1, requested_at = {now}, requested_by = ?"
        with self._database.transaction():
            self._database.write(create + _IGNORE[self._database.backend], (name, kind.value))
            self._database.write(f"{ask} WHERE pair = ? AND kind = ?", (by[:BY_CHARACTERS], name, kind.value))
        # One that came a moment later, perhaps: the leader's answer to it is one to both.
        [(number,)] = self._database.read(NUMBER, (name, kind.value))
        return int(number)

    def requests_of(self, pair: Pair) -> tuple[PairRequest, ...]:
        """Return the latest request of each kind, with or without an answer."""
        age = _AGE_SECONDS[self._database.backend]
        query = f"SELECT kind, number, requested_by, answered, {age} FROM operator_requests WHERE pair = ?"
        return tuple(
            PairRequest(RequestKind(kind), int(number), by, float(age) > VALID_SECONDS, answered >= number)
            for kind, number, by, answered, age in self._database.read(query, (pair_digest(pair),))
            if kind in _KINDS
        )

    def answer(self, pair: Pair, kind: RequestKind, number: int, answer: RequestAnswer) -> None:
        """Record the answer to a request, unless it or a later one has one."""
        values = (answer.by[:BY_CHARACTERS], answer.is_accepted, answer.text[:ANSWER_CHARACTERS])
        with self._database.transaction():
            self._database.write(ANSWER, (number, *values, pair_digest(pair), kind.value, number))

    def answer_to(self, pair: Pair, kind: RequestKind, number: int) -> RequestAnswer | None:
        """Return the answer to a request or a later one, None while there is none."""
        found = self._database.read(READ_ANSWER, (pair_digest(pair), kind.value, number))
        return RequestAnswer(found[0][0], bool(found[0][1]), found[0][2]) if found else None
