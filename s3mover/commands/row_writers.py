"""Writes rows of `document_logs` as JSON lines, CSV or Parquet, one after the other, in constant memory."""

from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import IO, Any, Protocol

import orjson

from s3mover.audit.canonical_rows import COLUMNS, INTEGERS
from s3mover.commands.csv_text import csv_line
from s3mover.errors import SettingsError

# Rows of one group of a Parquet file: some megabytes in memory.
ROWS_PER_GROUP = 20_000

Row = Mapping[str, str | int | None]


class RowWriter(Protocol):
    """Writes rows to a file that its caller closes."""

    def write(self, row: Row) -> None:
        """Write one row."""

    def close(self) -> None:
        """Write what is left."""


class JsonLines:
    """One JSON object a line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, row: Row) -> None:
        """Write one row."""
        self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Do nothing: nothing is left."""


class Csv:
    """CSV with a heading, for spreadsheets: no cell is a formula (`csv_text.py`), NULL and the empty text are empty."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._write(COLUMNS)

    def write(self, row: Row) -> None:
        """Write one row."""
        self._write(row.values())

    def close(self) -> None:
        """Do nothing: nothing is left."""

    def _write(self, values: Iterable[object]) -> None:
        self._file.write(f"{csv_line(values)}\r\n".encode())


class Parquet:
    """Parquet with a group for every 20,000 rows; numbers as 64-bit integers, all else as text.

    Raises:
        SettingsError: pyarrow is not installed.
    """

    def __init__(self, file: IO[bytes]) -> None:
        if find_spec("pyarrow") is None:
            raise SettingsError(
                ["--format parquet: needs pyarrow; install it with pip install 's3mover[parquet]'"]
            )
        import pyarrow as pa  # noqa: PLC0415 - only for this format
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._pa: Any = pa
        self._schema = pa.schema(
            [(name, pa.int64() if name in INTEGERS else pa.string()) for name in COLUMNS]
        )
        self._file: Any = pq.ParquetWriter(file, self._schema)
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        """Write one row."""
        self._rows.append(row)
        if len(self._rows) == ROWS_PER_GROUP:
            self._write_group()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        self._write_group()
        self._file.close()

    def _write_group(self) -> None:
        if self._rows:
            self._file.write_table(self._pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


WRITERS: dict[str, Callable[[IO[bytes]], RowWriter]] = {"jsonl": JsonLines, "csv": Csv, "parquet": Parquet}
