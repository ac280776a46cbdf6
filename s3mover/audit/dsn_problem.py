"""The error about a value of `audit.url`; it never holds the value, which may hold a password."""

from s3mover.errors import SettingsError

EXPECTED = (
    "expected user:password@tcp(host:3306)/name, mysql://user:password@host:3306/name or sqlite:///file.db"
)


def dsn_problem(what: str, expected: str = EXPECTED) -> SettingsError:
    """Return the error that says what is wrong and what was expected."""
    return SettingsError([f"audit.url: {what}; {expected}"])
