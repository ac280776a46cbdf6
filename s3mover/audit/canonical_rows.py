"""The canonical bytes of a row of `document_logs`: the same on every database, documented in docs/proof.md. Pure.

A row is its columns in the order of `COLUMNS`. A value is its UTF-8 text as a netstring, `LENGTH:TEXT,` with the length
in bytes; NULL is `-`. Integers are decimal; times are UTC as `2025-01-04 03:17:09.123456`. The column `id` is left out:
it is only the database's own name for the row, which `batch_id` and `number` identify.
"""

import re
from collections.abc import Sequence

# Every column but `id`. What is appended here makes new seals a new format (`seals.FORMAT`).
COLUMNS = (
    "batch_id",
    "number",
    "file_key",
    "action",
    "status",
    "method",
    "size_bytes",
    "source_etag",
    "destination_etag",
    "attempts",
    "duration_us",
    "error_code",
    "message",
    "created_at",
    "moved_at",
    "updated_at",
    "source_deleted_at",
    "delete_due",
)
INTEGERS = frozenset(
    {"batch_id", "number", "size_bytes", "attempts", "duration_us", "delete_due"},
)
_KEY = COLUMNS.index("file_key")
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_NULL = 45  # "-"
# The common lengths, written: a third of the time that a row takes.
_LENGTHS = tuple(b"%d:" % length for length in range(256))

Text = bytes | str | int | None


def canonical(values: Sequence[Text]) -> bytes:
    """Return the canonical bytes of these values."""
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(b"-")
        else:
            text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
            length = len(text)
            parts += (_LENGTHS[length] if length < len(_LENGTHS) else b"%d:" % length, text, b",")
    return b"".join(parts)


def values_of(row: bytes) -> list[str | None]:
    """Return the values of a row; bytes that are not UTF-8 become escapes."""
    values: list[str | None] = []
    at = 0
    while at < len(row):
        if row[at] == _NULL:
            values.append(None)
            at += 1
            continue
        colon = row.index(b":", at)
        end = colon + 1 + int(row[at:colon])
        values.append(row[colon + 1 : end].decode(errors="backslashreplace"))
        at = end + 1
    return values


def number_of(row: bytes) -> int:
    """Return the column `number` of a row, the second one: no comma stands in the first two values."""
    return int(row.split(b",", 2)[1].partition(b":")[2])


def as_dict(row: bytes) -> dict[str, str | int | None]:
    """Return the values of a row by their columns."""
    values = zip(COLUMNS, values_of(row), strict=True)
    return {name: _number_or_text(value) if name in INTEGERS else value for name, value in values}


def key_of(row: bytes) -> str:
    """Return the column `file_key` of a row."""
    return values_of(row)[_KEY] or ""


def _number_or_text(value: str | None) -> str | int | None:
    """Return a number; a text remains what is none, as somebody may have written into SQLite."""
    return int(value) if value is not None and _NUMBER.fullmatch(value) else value
