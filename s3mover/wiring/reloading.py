"""The settings in force, and reading them again: what may change under a running daemon, and what may not."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.settings import Settings, schema_of_settings
from s3mover.settings.model import Section

Read = Callable[[], Settings]

CREDENTIALS = frozenset(
    f"{side}.{field}"
    for side in ("source", "destination")
    for field in ("access_key", "secret_key", "session_token", "profile", "role_arn", "external_id")
)
# What a sweep, a worker or a listener asks for anew. The rest is what was opened at the start: buckets, addresses,
# database, ports, processes. transfer.after is not among them: what deletes is begun by hand, and tested first.
RELOADABLE = CREDENTIALS | frozenset(
    (
        "destination.storage_class",
        "destination.acl",
        "destination.kms_key_id",
        "transfer.method",
        "transfer.large_objects",
        "transfer.part_size",
        "transfer.thorough",
        "transfer.restore.tier",
        "transfer.restore.days",
        "transfer.max_attempts",
        "transfer.requests_per_second",
        "transfer.bandwidth",
        "filter.include",
        "filter.exclude",
        "filter.min_age",
        "sweep.interval",
        "sweep.windows",
        "audit.retention",
        "log.level",
        "summary.directory",
        "summary.keep",
        "stop.grace",
    )
)


class Current:
    """The settings in force. They are replaced as a whole, so that any thread may look at any time."""

    def __init__(self, settings: Settings, read: Read | None = None) -> None:
        self.settings = settings
        self.read = read or (lambda: settings)


def differing(old: Settings, new: Settings) -> list[str]:
    """Return the names of the settings that differ, in the order of the model."""
    return [name for name in schema_of_settings() if value_of(old, name) != value_of(new, name)]


def merged(old: Settings, new: Settings, names: frozenset[str] = RELOADABLE) -> Settings:
    """Return `old` with the values that `new` has for `names`."""
    for name in differing(old, new):
        if name in names:
            old = _with(old, name.split("."), value_of(new, name))
    return old


def value_of(settings: Settings, name: str) -> Any:
    """Return the value of a setting by its name."""
    return reduce(getattr, name.split("."), settings)


def secrets_of(settings: Settings) -> list[str]:
    """Return what must never be shown, whatever a foreign library puts into its messages."""
    sides = (settings.source, settings.destination)
    held = [secret.get_secret_value() for side in sides for secret in (side.secret_key, side.session_token)]
    dsn = parse_dsn(settings.audit.url.get_secret_value())
    return [*held, dsn.password] if isinstance(dsn, MysqlDsn) else held


def _with(section: Any, path: list[str], value: object) -> Any:
    first, *rest = path
    inner: Section | object = _with(getattr(section, first), rest, value) if rest else value
    return section.model_copy(update={first: inner})
