"""The names of settings, such as `transfer.restore.days`, and access to their values by name.

It does not import pydantic; everything else about a setting is in `definitions.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cache, reduce
from typing import Any

from s3mover.settings.model import Section, Settings

ROUTES = "routes"
# Shared by all routes of a daemon: its workers, its trail, its sockets.
_OF_ALL_ROUTES = frozenset(
    {
        "transfer.threads",
        "transfer.processes",
        "audit.url",
        "audit.signing_key_file",
        "audit.anchor",
        "audit.anchor_retention",
        "audit.anchor_access",
        "scale",
        "prices",
        "http",
        "control",
        "kubernetes",
        "log",
        "stop",
    }
)


@cache
def setting_names() -> tuple[str, ...]:
    """Return the name of every setting, in the order of the model."""
    return tuple(name for section in section_names() for name in _below(Settings(), section))


def section_names() -> tuple[str, ...]:
    """Return the sections' names, in the order of the model."""
    return tuple(one.name for one in fields(Settings) if isinstance(one.default, Section))


def group_names() -> frozenset[str]:
    """Return the names of the groups of settings within sections, as `transfer.restore`."""
    parents = (name.rpartition(".")[0] for name in setting_names())
    return frozenset(parent for parent in parents if "." in parent)


def may_differ(setting: str) -> bool:
    """Return whether a setting may have another value for a route than at the top."""
    parts = setting.split(".")
    return not any(".".join(parts[:length]) in _OF_ALL_ROUTES for length in range(1, len(parts) + 1))


def split_name(name: str) -> tuple[str, str]:
    """Return the route and the setting that `routes.NAME.a.b` names; the route is empty for `a.b`."""
    parts = name.split(".", 2)
    return (parts[1], parts[2]) if parts[0] == ROUTES and len(parts) > 2 else ("", name)  # noqa: PLR2004


def value_of(settings: Settings, name: str) -> Any:
    """Return the value of a setting by its name."""
    return reduce(getattr, name.split("."), settings)


def with_values(settings: Settings, values: Mapping[str, object]) -> Settings:
    """Return the settings with other values for some names."""
    for name, value in values.items():
        settings = _with(settings, name.split("."), value)
    return settings


def _with(section: Any, path: list[str], value: object) -> Any:
    first, *rest = path
    return replace(section, **{first: _with(getattr(section, first), rest, value) if rest else value})


def _below(parent: Any, name: str) -> Iterator[str]:
    value = value_of(parent, name)
    if not isinstance(value, Section):
        yield name
        return
    for one in fields(value):
        yield from _below(parent, f"{name}.{one.name}")
