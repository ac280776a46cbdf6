"""Reads rows as their canonical bytes (`canonical_rows.py`) from both databases.

MySQL sends many rows as one value: each row that the driver receives by itself costs tens of microseconds. A byte that
no UTF-8 text contains ends each of them there. From SQLite values are read as bytes, so that no text has to be decoded.
"""

# ruff: noqa: S608 - what is put together here are names of this module, never a value

from collections.abc import Iterator, Sequence

from s3mover.audit.canonical_rows import COLUMNS, canonical, number_of, values_of
from s3mover.audit.database import Database

# The most that are asked for at a time, by number.
ROWS_PER_PAGE = 512
_END_OF_ROW = b"\xff"

# The columns of `migration_batches` that a seal records.
SWEEP_COLUMNS = (
    "started_at",
    "ended_at",
    "status",
    "listed",
    "skipped",
    "planned",
    "succeeded",
    "failed",
    "bytes",
    "server_side_copies",
    "streamed",
    "duration_us",
    "summary_file",
    "source_bucket",
    "source_prefix",
    "destination_bucket",
    "destination_prefix",
    "kind",
)
_NUMBERS = frozenset(SWEEP_COLUMNS[3:12])
_FIRST_NUMBER = "SELECT MIN(number) FROM document_logs WHERE batch_id = ?"
_NEXT_NUMBER = f"{_FIRST_NUMBER} AND number > ?"
_PAGE = {
    "mysql": "batch_id = ? AND number BETWEEN ? AND ?",
    # SQLite keeps any value in any column; `misplaced_rows` finds what is not a number.
    "sqlite": "batch_id = ? AND number BETWEEN ? AND ? AND typeof(number) = 'integer'",
}
_MISPLACED = {
    "mysql": "SELECT id, file_key FROM document_logs WHERE batch_id = ? AND number IS NULL LIMIT ?",
    "sqlite": """
        SELECT id, CAST(file_key AS BLOB) FROM document_logs WHERE batch_id = ? AND typeof(number) <> 'integer' LIMIT ?
    """,
}

# The number of a row, and its canonical bytes.
NumberedRow = tuple[int, bytes]


class _TruncatedError(Exception):
    """Rows were cut short because together they are too long."""


def row_pages(database: Database, sweep: int) -> Iterator[list[NumberedRow]]:
    """Yield the rows of a sweep in the order of their numbers, some hundred at a time.

    Numbers follow each other closely within a range, so pages are cut by number.
    """
    first = _number(database.read(_FIRST_NUMBER, (sweep,)))
    while first is not None:
        last = first + ROWS_PER_PAGE - 1
        page = _read_page(database, sweep, first, last)
        if page:  # nothing follows a full page that is the last one
            yield page
        # A page that is not full may be the last one, or end before a gap.
        is_full = len(page) == ROWS_PER_PAGE
        first = last + 1 if is_full else _number(database.read(_NEXT_NUMBER, (sweep, last)))


def rows_of(database: Database, sweep: int, numbers: Sequence[int]) -> list[NumberedRow]:
    """Return those of these rows of a sweep that are there, in the order of their numbers."""
    if not numbers:
        return []
    marks = ", ".join("?" * len(numbers))
    condition = f"batch_id = ? AND number IN ({marks})"
    return _numbered(_canonical_rows(database, "document_logs", COLUMNS, condition, (sweep, *numbers)))


def misplaced_rows(database: Database, sweep: int, limit: int) -> list[tuple[int, str]]:
    """Return the ids and keys of rows of a sweep that have no number, as no row of ours."""
    return [
        (int(id_), key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key))
        for id_, key in database.read(_MISPLACED[database.backend], (sweep, limit))
    ]


def sweep_record(database: Database, sweep: int) -> dict[str, object]:
    """Return what `migration_batches` says of a sweep, numbers as numbers; empty where it has no such row."""
    found = _canonical_rows(database, "migration_batches", SWEEP_COLUMNS, "id = ?", (sweep,))
    if not found:
        return {}
    values = dict(zip(SWEEP_COLUMNS, values_of(found[0]), strict=True))
    return {name: int(value) if name in _NUMBERS and value else value for name, value in values.items()}


def _number(found: list[tuple[object, ...]]) -> int | None:
    number = found[0][0]
    return int(number) if isinstance(number, int) else None


def _read_page(database: Database, sweep: int, first: int, last: int) -> list[NumberedRow]:
    try:
        condition = _PAGE[database.backend]
        return _numbered(_canonical_rows(database, "document_logs", COLUMNS, condition, (sweep, first, last)))
    except _TruncatedError:
        if first == last:
            raise
        middle = (first + last) // 2
        return [*_read_page(database, sweep, first, middle), *_read_page(database, sweep, middle + 1, last)]


def _numbered(rows: Sequence[bytes]) -> list[NumberedRow]:
    return sorted((number_of(row), row) for row in rows)


def _canonical_rows(
    database: Database, table: str, columns: Sequence[str], condition: str, parameters: Sequence[object]
) -> list[bytes]:
    """Return rows as their canonical bytes, in any order.

    Raises:
        _TruncatedError: together they are longer than a packet.
    """
    if database.backend == "sqlite":
        values = ", ".join(f"CAST({name} AS BLOB)" for name in columns)
        found = database.read(f"SELECT {values} FROM {table} WHERE {condition}", parameters)
        return [canonical(row) for row in found]
    [(count, packed)] = database.read(
        f"SELECT COUNT(*), GROUP_CONCAT({_packed(columns)} SEPARATOR '') FROM {table} WHERE {condition}",
        parameters,
    )
    rows = bytes(packed or b"").split(_END_OF_ROW)
    if rows.pop() or len(rows) != count:
        raise _TruncatedError
    return rows


def _packed(columns: Sequence[str]) -> str:
    values = (f"IFNULL(CONCAT(LENGTH({name}), ':', CAST({name} AS BINARY), ','), '-')" for name in columns)
    return f"CONCAT({', '.join(values)}, UNHEX('{_END_OF_ROW.hex()}'))"
