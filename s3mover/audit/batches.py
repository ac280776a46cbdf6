"""Cuts rows into JSON texts for statements that insert many rows. Pure."""

from collections.abc import Iterator, Sequence

import orjson

from s3mover.audit.database import Row


def json_batches(rows: Sequence[Row], most_rows: int, most_bytes: int) -> Iterator[str]:
    """Yield the rows as JSON texts of so many rows and bytes at most; one row alone may be longer."""
    for start in range(0, len(rows), most_rows):
        yield from _halved(rows[start : start + most_rows], most_bytes)


def _halved(rows: Sequence[Row], most_bytes: int) -> Iterator[str]:
    text = orjson.dumps(rows)
    if len(text) <= most_bytes or len(rows) == 1:
        yield text.decode()
    else:
        middle = len(rows) // 2
        yield from _halved(rows[:middle], most_bytes)
        yield from _halved(rows[middle:], most_bytes)
