"""The `schema apply` and `schema show` commands."""

from s3mover.audit.opening import apply_schema, schema_text
from s3mover.commands.each_route import Echo
from s3mover.errors import ExitCode
from s3mover.settings import Settings


def apply(settings: Settings, echo: Echo) -> ExitCode:
    """Migrate the audit database to the newest schema."""
    applied = apply_schema(settings.audit.url.value)
    echo(f"applied: {', '.join(map(str, applied))}" if applied else "the schema is up to date")
    return ExitCode.OK


def show(settings: Settings, echo: Echo) -> ExitCode:
    """Print the SQL that `apply` would run."""
    echo(schema_text(settings.audit.url.value) or "-- nothing to apply: the schema is up to date")
    return ExitCode.OK
