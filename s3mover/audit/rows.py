"""Records to rows and rows to records, the same for both databases.

COALESCE of an unsigned column of MySQL and 0 is a decimal, hence the conversions to `int`. Times are stored as UTC with
microseconds: written as text, read as text (SQLite) or `datetime` (MySQL).
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from s3mover.audit.database import Row
from s3mover.audit.trail import LastCopy, PendingRow, RangeRow, Total
from s3mover.costs.money import dollars, micros
from s3mover.model import (
    DELETION,
    Action,
    BatchKind,
    FailureRecord,
    Order,
    Outcome,
    Pair,
    RangeStatus,
    Status,
    SweepRecord,
    SweepStatus,
    Tally,
    Wait,
)

# The lengths of the columns. Longer text is cut: a row that is refused would block every row after it.
MESSAGE_CHARACTERS = 4000
CODE_CHARACTERS = 128
ETAG_CHARACTERS = 255
# Rows of one range of a sweep, as a power of two; a sweep may have as many ranges.
RANGE_BITS = 32


def stamp(at: float) -> str:
    """Write seconds since the epoch as `2025-01-04 03:17:09.123456`, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "microseconds")[:26]


def seconds(value: str | datetime) -> float:
    """Read a time of the database as seconds since the epoch."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC).timestamp()


def intended(order: Order, at: str) -> Row:
    """Return the columns of `statements.INTEND`."""
    etag = order.etag[:ETAG_CHARACTERS]
    etags = (etag, None) if order.action is Action.COPY else (None, etag)
    return (order.sweep, order.number, order.key, str(order.action), order.size, *etags, at, at)


def settled(outcome: Outcome) -> Row:
    """Return the columns of `statements.SETTLE`."""
    at = stamp(outcome.moved_at)
    method = DELETION if outcome.action is Action.DELETE else outcome.method
    return (
        outcome.sweep,
        outcome.number,
        outcome.key,
        str(outcome.action),
        outcome.size,
        outcome.source_etag[:ETAG_CHARACTERS],
        str(outcome.status),
        None if method is None else str(method),
        at,
        at,
        outcome.duration_us,
        outcome.attempts,
        outcome.destination_etag[:ETAG_CHARACTERS] or None,
        outcome.code[:CODE_CHARACTERS] or None,
        outcome.message[:MESSAGE_CHARACTERS] or None,
        int(outcome.delete_due),
    )


def closed(record: SweepRecord) -> Row:
    """Return the parameters of `statements.CLOSE_SWEEP`."""
    return (
        None if record.ended_at is None else stamp(record.ended_at),
        record.status.value,
        record.duration_us,
        record.summary_file,
        *counts(record.tally),
        usd(record.cost_micros),
        record.id,
    )


def usd(micros: int | None) -> str | None:
    """Return micro-dollars as the column `cost_usd` has them, in dollars."""
    return None if micros is None else f"{dollars(micros):f}"


def counts(tally: Tally) -> Row:
    """Return the counts of a sweep or a range, in the order of their columns."""
    moved = tally.bytes, tally.server_side_copies, tally.streamed
    return (tally.listed, tally.skipped, tally.planned, tally.succeeded, tally.failed, *moved)


def numbers_of(number: int) -> tuple[int, int]:
    """Return the first and the last number that the rows of a range may have, so that no two ranges share one."""
    return ((number - 1) << RANGE_BITS) + 1, number << RANGE_BITS


def range_row(row: Row) -> RangeRow:
    """Read a row of `lease_statements.ranges`."""
    number, silence, after, until, token, holder, status, *counted = row
    tally = Tally(*map(int, counted))
    return RangeRow(number, float(silence), after, until, int(token), holder, RangeStatus(status), tally)


def waiting(pair: int, key: int, wait: Wait) -> Row:
    """Return the columns of `statements.WAIT`."""
    times = stamp(wait.failed_at), stamp(wait.next_attempt)
    return (pair, key, wait.key, wait.etag[:ETAG_CHARACTERS], wait.failures, wait.sweep, *times)


def wait(row: Row) -> Wait:
    """Read a row of `statements.waits`."""
    key, failures, sweep, etag, failed_at, next_attempt = row
    return Wait(key, failures, sweep, etag, seconds(failed_at), seconds(next_attempt))


def pending_row(row: Row) -> PendingRow:
    """Read a row of `statements.pending`."""
    sweep, number, key, size, etag, created_at, action = row
    return PendingRow(sweep, number, key, int(size), etag, seconds(created_at), Action(action))


def last_copy(row: Row) -> LastCopy | None:
    """Read a row of `statements.last_successes`, without its key; None if it is about a deletion."""
    action, size, *etags = row
    return LastCopy(int(size), *etags) if Action(action) is Action.COPY else None


def sweep_record(row: Row) -> SweepRecord:
    """Read a row of `statements.LATEST_SWEEPS`."""
    identity, *pair, started_at, ended_at, status = row[:8]
    return SweepRecord(
        id=identity,
        pair=Pair(*pair),
        started_at=seconds(started_at),
        ended_at=None if ended_at is None else seconds(ended_at),
        status=SweepStatus(status),
        tally=Tally(*row[8:16]),
        duration_us=row[16],
        summary_file=row[17],
        kind=BatchKind(row[18]),
        cost_micros=None if row[19] is None else micros(Decimal(str(row[19]))),
    )


def failure_record(row: Row) -> FailureRecord:
    """Read a row of `statements.failures`."""
    sweep, key, code, message, attempts, at, action, _created_at, _id = row
    return FailureRecord(int(sweep), key, code, message, int(attempts), seconds(at), action=Action(action))


def completed(record: FailureRecord, pair: Pair | None, of_object: Wait | None) -> FailureRecord:
    """Return the record with its pair, and what is known of its object's next attempt."""
    if of_object is None:
        return replace(record, pair=pair)
    failures, next_attempt = of_object.failures, of_object.next_attempt
    return replace(record, pair=pair, failures_in_a_row=failures, next_attempt=next_attempt)


def total(row: Row) -> Total:
    """Read a row of `statements.totals`."""
    status, method, objects, size = row
    return Total(Status(status), method, int(objects), int(size))


def digits(pair: Pair) -> list[str]:
    """Return a pair's names in the form of `HEX` of both databases."""
    return [name.encode().hex().upper() for name in pair]


def pair_of(names: Row) -> Pair | None:
    """Read a pair from the `HEX` of its names; None if there is none, for which SQLite writes no digits."""
    return Pair(*(bytes.fromhex(name).decode() for name in names)) if names[0] else None
