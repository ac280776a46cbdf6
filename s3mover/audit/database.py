"""What the trail asks of a database: `mysql.py` and `sqlite.py` are the two doors that answer.

Here lives only the interface; SQL is in `statements.py`, logic in `sqltrail.py`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from s3mover.model import Pair

Row = tuple[Any, ...]


class Database(Protocol):
    """One connection, used by one thread. Placeholders are `?`. Foreign errors come out as `s3mover.errors`."""

    @property
    def backend(self) -> str:
        """`mysql` or `sqlite`: the dialect, and the folder of the schema files."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what is written inside, or roll it back where an error passes."""

    def write(self, sql: str, parameters: Sequence[object]) -> int:
        """Run one statement inside a transaction and return the number of rows it touched."""

    def insert(self, sql: str, parameters: Sequence[object]) -> int:
        """Insert one row inside a transaction and return its generated id."""

    def write_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run an insert of many rows (see `statements.py`) for all of them inside a transaction."""

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return a query's rows. The parameters are numbers and times, never text from outside."""

    def schema_version(self) -> int:
        """Return the newest schema version that was applied, 0 for none."""

    def upgrading(self) -> AbstractContextManager[None]:
        """Keep every other instance from changing the schema meanwhile."""

    def run(self, statement: str) -> None:
        """Run one statement of a schema file."""

    def acquire_lease(self, pair: Pair) -> bool:
        """Take the named lock on `pair`; False where another connection holds it."""

    def release_lease(self) -> None:
        """Give the lock back, where it is held."""

    def reopen(self) -> None:
        """Make the connection usable again, the lease included."""

    def close(self) -> None:
        """End the connection."""
