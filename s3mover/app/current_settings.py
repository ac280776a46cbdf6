"""The settings in force, and which of them may change while the daemon runs."""

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
# Settings that sweeps, workers and listeners read again. The rest configures what is opened at startup: buckets,
# addresses, database, ports, processes. transfer.after and deletions.mode are not reloadable: deletion is enabled by a
# restart, which tests it first.
RELOADABLE = CREDENTIALS | frozenset(
    (
        "destination.storage_class",
        "destination.acl",
        "destination.encryption",
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
        "deletions.confirm",
        "deletions.min_age",
        "deletions.max_objects",
        "deletions.max_share",
        "audit.retention",
        "limits.cost_per_day",
        "log.level",
        "summary.directory",
        "summary.keep",
        "stop.grace",
    )
)


class CurrentSettings:
    """The settings in force; `read` reads them again. They are replaced as a whole, so any thread may use them."""

    def __init__(self, settings: Settings, read: Read | None = None) -> None:
        self.settings = settings
        self.read = read or (lambda: settings)
        self._changing = Lock()

    @property
    def routes(self) -> list[str]:
        """The names of the routes; one empty name if the settings have a single pair of buckets."""
        return [name for name, _ in routes_of(self.settings)]

    def of(self, route: str) -> Settings:
        """Return the settings in force of one route."""
        return dict(routes_of(self.settings))[route]

    def update(self, new: Settings, names: frozenset[str]) -> None:
        """Replace the values of `names`, at the top and in every route, by those of `new`."""
        with self._changing:
            self.settings = merged(self.settings, new, names)


def differing(old: Settings, new: Settings) -> list[str]:
    """Return the names of the settings that differ, in the order of the model; a route's as `routes.NAME.setting`.

    With routes, a setting that routes may override is compared in each route and not at the top.
    """
    routes, others = dict(routes_of(old)), dict(routes_of(new))
    names = [name for name in _differing(old, new) if "" in routes or not may_differ(name)]
    for route in filter(None, routes):
        if route in others:
            changed = filter(may_differ, _differing(routes[route], others[route]))
            names += [f"{ROUTES}.{route}.{name}" for name in changed]
    return names if routes.keys() == others.keys() else [*names, ROUTES]


def merged(old: Settings, new: Settings, names: frozenset[str]) -> Settings:
    """Return `old` with the values of `new` for `names`, at the top and in every route that both have."""
    others = dict(new.routes)
    routes = tuple(Route(name, _merged(own, others.get(name, own), names)) for name, own in old.routes)
    return replace(_merged(old, new, names), routes=routes)


def is_among(name: str, names: frozenset[str]) -> bool:
    """Return whether a setting, of a route or not, is one of `names`."""
    return split_name(name)[1] in names


def _differing(old: Settings, new: Settings) -> list[str]:
    return [name for name in setting_names() if value_of(old, name) != value_of(new, name)]


def _merged(old: Settings, new: Settings, names: frozenset[str]) -> Settings:
    changed = names.intersection(_differing(old, new))
    return with_values(old, {name: value_of(new, name) for name in changed})


def secrets_of(settings: Settings) -> list[str]:
    """Return the values that must never be shown, also not in messages of libraries."""
    sides = [side for _, own in routes_of(settings) for side in (own.source, own.destination)]
    accesses = [*sides, settings.audit.anchor_access]
    secrets = [secret.value for access in accesses for secret in (access.secret_key, access.session_token)]
    dsn = parse_dsn(settings.audit.url.value)
    return [*secrets, dsn.password] if isinstance(dsn, MysqlDsn) else secrets
