"""The interface between the trail and a database; `mysql.py` and `sqlite.py` implement it.

SQL is in `statements.py`, logic in `sql_reader.py` and `sql_trail.py`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]


class Database(Protocol):
    """One connection, used by one thread. Placeholders are `?`. Foreign errors become those of `s3mover.errors`."""

    @property
    def backend(self) -> str:
        """`mysql` or `sqlite`: the dialect, and the folder of the schema files."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what is written inside, or roll it back if an error is raised."""

    def write(self, sql: str, parameters: Sequence[object]) -> int:
        """Run one statement inside a transaction and return the number of rows it matched."""

    def insert(self, sql: str, parameters: Sequence[object]) -> int:
        """Insert one row inside a transaction and return its generated id."""

    def write_many(self, sql: str, rows: Sequence[Row]) -> int:
        """Run a statement for many rows (see `statements.py`) inside a transaction.

        Return the number of rows that an update matched.

        Raises:
            RowExistsError: a row to be inserted exists, and the statement does not say what then.
        """

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return a query's rows. The parameters are numbers and times, never text from outside."""

    def read_by_text(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        """Return a query's rows. The parameters may be any text, as keys are."""

    def schema_version(self) -> int:
        """Return the newest schema version that was applied, 0 if none was."""

    def upgrading(self) -> AbstractContextManager[None]:
        """Hold a lock that keeps every other instance from changing the schema."""

    def run(self, statement: str) -> None:
        """Run one statement of a schema file."""

    def reopen(self) -> None:
        """Reconnect if the connection is lost."""

    def follows_another(self) -> bool:
        """Return whether the server is known to apply the changes of another one, as replicas do."""

    def close(self) -> None:
        """Close the connection."""
