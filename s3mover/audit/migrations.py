"""The numbered schema files: where they are, how they are split into statements, and which of them to run.

Only `upgrade` changes a database; everything else here is decided without one, or from its version alone.
"""

import re
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from s3mover.audit.database import Database
from s3mover.errors import SchemaError

_FILE_NAME = re.compile(r"(?P<version>\d{3})_\w+\.sql")

# Quoted text, comments (not MySQL's `/*! ... */`, which it runs), the end of a statement, anything else.
_TOKEN = re.compile(
    r"""
    (?P<comment> --(?=\s|$)[^\n]* | /\*(?!!).*?\*/ )
    | (?P<end> ; )
    | (?P<text> '[^']*' | "[^"]*" | `[^`]*` | [^'"`;/-]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


class Migration(NamedTuple):
    """One schema file; `version` is the number that its name begins with."""

    version: int
    name: str
    sql: str


def load(backend: str) -> list[Migration]:
    """Return the schema files for `mysql` or `sqlite`, in order.

    Raises:
        SchemaError: the files are missing: the installation is broken.
    """
    for folder in _folders():
        files = sorted((folder / backend).glob("*.sql"))
        if files:
            return [_migration(path) for path in files]
    raise SchemaError(
        f"The schema files for {backend} are missing from this installation. Install s3mover again."
    )


def _folders() -> Iterator[Path]:
    """Yield where schema files may be: beside the package in a checkout, else where a wheel's data files go."""
    yield Path(__file__).parents[2] / "schema"
    yield Path(sysconfig.get_path("data")) / "share" / "s3mover" / "schema"


def statements(sql: str) -> list[str]:
    """Split the text of a schema file into its statements, without comments.

    A `;` inside quotes or a comment does not end a statement. A quote inside quoted text is written twice, never
    escaped with a backslash, which the two databases read differently.
    """
    found = [""]
    for token in _TOKEN.finditer(sql):
        if token["end"]:
            found.append("")
        elif token["text"]:
            found[-1] += token["text"]
    return [statement.strip() for statement in found if statement.strip()]


def unapplied(known: Sequence[Migration], applied: int) -> list[Migration]:
    """Return the known migrations that are newer than the `applied` version.

    Raises:
        SchemaError: the database is newer than this s3mover.
    """
    newest = known[-1].version
    if applied > newest:
        raise SchemaError(
            f"The audit database has schema version {applied}, and this s3mover knows no version after {newest}: "
            "a newer s3mover has upgraded it. Install that version, or use another database."
        )
    return [migration for migration in known if migration.version > applied]


def is_behind(database: Database) -> bool:
    """Return whether migrations are to be run.

    Raises:
        SchemaError: the database is newer than this s3mover.
    """
    return bool(unapplied(load(database.backend), database.schema_version()))


def upgrade(database: Database) -> list[int]:
    """Run the unapplied migrations under the database's lock, and return their versions.

    Raises:
        SchemaError: the database is newer than this s3mover.
    """
    known = load(database.backend)
    if not unapplied(known, database.schema_version()):
        return []
    with database.upgrading():
        todo = unapplied(known, database.schema_version())
        for migration in todo:
            for statement in statements(migration.sql):
                database.run(statement)
    return [migration.version for migration in todo]


def require_newest(database: Database) -> None:
    """Require that every migration was applied.

    Raises:
        SchemaError: the database is older or newer than this s3mover.
    """
    todo = unapplied(load(database.backend), database.schema_version())
    if todo:
        raise SchemaError(
            f"The audit database lacks schema version {todo[-1].version}: run `s3mover schema apply` first."
        )


def text(todo: Sequence[Migration]) -> str:
    """Return the migrations as one text, each below its file's name."""
    return "\n".join(f"-- {migration.name}\n\n{migration.sql.strip()}\n" for migration in todo)


def _migration(path: Path) -> Migration:
    named = _FILE_NAME.fullmatch(path.name)
    if named is None:
        raise SchemaError(
            f"The schema file {path.name} has an invalid name; expected a name like 001_words.sql."
        )
    return Migration(int(named["version"]), path.name, path.read_text("utf-8"))
