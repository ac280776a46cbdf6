"""The settings in force, and reading them again: what may change under a running daemon, and what may not."""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.settings import (
    ROUTES,
    Route,
    Settings,
    may_differ,
    routes_of,
    setting_names,
    split_name,
    value_of,
    with_values,
)

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
        "sweep.ranges",
        "sweep.retry_wait",
        "sweep.retry_wait_longest",
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
        self._changing = Lock()

    @property
    def routes(self) -> list[str]:
        """The names of the pairs of buckets that are worked on; one empty name where there is but one pair."""
        return [name for name, _ in routes_of(self.settings)]

    def of(self, route: str) -> Settings:
        """Return the settings in force of one route."""
        return dict(routes_of(self.settings))[route]

    def take_over(self, new: Settings, names: frozenset[str]) -> None:
        """Let the values that `new` has for `names` hold from now on, for every route."""
        with self._changing:
            self.settings = merged(self.settings, new, names)


def differing(old: Settings, new: Settings) -> list[str]:
    """Return the names of the settings that differ, in the order of the model, those of routes with their names.

    Where there are routes, what they may have of their own counts for each of them and not at the top.
    """
    routes, others = dict(routes_of(old)), dict(routes_of(new))
    names = [name for name in _differing(old, new) if "" in routes or not may_differ(name)]
    for route in filter(None, routes):
        if route in others:
            found = filter(may_differ, _differing(routes[route], others[route]))
            names += [f"{ROUTES}.{route}.{name}" for name in found]
    return names if routes.keys() == others.keys() else [*names, ROUTES]


def merged(old: Settings, new: Settings, names: frozenset[str]) -> Settings:
    """Return `old` with the values that `new` has for `names`, at the top and in every route that both have."""
    others = dict(new.routes)
    routes = tuple(Route(name, _merged(its, others.get(name, its), names)) for name, its in old.routes)
    return replace(_merged(old, new, names), routes=routes)


def is_among(name: str, names: frozenset[str]) -> bool:
    """Tell whether a name, of a route's setting or not, is one of `names`."""
    return split_name(name)[1] in names


def _differing(old: Settings, new: Settings) -> list[str]:
    return [name for name in setting_names() if value_of(old, name) != value_of(new, name)]


def _merged(old: Settings, new: Settings, names: frozenset[str]) -> Settings:
    changed = names.intersection(_differing(old, new))
    return with_values(old, {name: value_of(new, name) for name in changed})


def secrets_of(settings: Settings) -> list[str]:
    """Return what must never be shown, whatever a foreign library puts into its messages."""
    sides = [side for _, its in routes_of(settings) for side in (its.source, its.destination)]
    blocked_by = [secret.value for side in sides for secret in (side.secret_key, side.session_token)]
    dsn = parse_dsn(settings.audit.url.value)
    return [*blocked_by, dsn.password] if isinstance(dsn, MysqlDsn) else blocked_by
