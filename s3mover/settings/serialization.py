"""Settings as JSON, on their way from the process that read them. Secrets are in plain text in it.

A value that JSON has no type for becomes an object with the name of its type.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from s3mover.settings.model import Route, Settings
from s3mover.settings.names import setting_names, value_of, with_values
from s3mover.settings.secret import Secret
from s3mover.windows import Window

_DEFAULTS = Settings()


def dumps(settings: Settings) -> str:
    """Return settings as one line of ASCII. It holds secrets: never log it."""
    routes = [[name, _values(its)] for name, its in settings.routes]
    return json.dumps([_values(settings), routes])


def loads(text: str) -> Settings:
    """Return the settings that `dumps` wrote."""
    values, routes = json.loads(text, object_hook=_object)
    return with_values(
        _DEFAULTS,
        values | {"routes": tuple(Route(name, with_values(_DEFAULTS, its)) for name, its in routes)},
    )


def _values(settings: Settings) -> dict[str, Any]:
    """Return the values that differ from the defaults, as JSON types."""
    found = {name: value_of(settings, name) for name in setting_names()}
    return {name: _plain(value) for name, value in found.items() if value != value_of(_DEFAULTS, name)}


def _plain(value: object) -> object:
    match value:
        case Secret():
            return {"Secret": value.value}
        case Path():
            return {"Path": str(value)}
        case Window():
            return {"Window": [sorted(value.days), value.begins, value.ends, value.zone.key]}
        case tuple():
            return {"tuple": [_plain(one) for one in value]}
    return value


def _object(given: Mapping[str, Any]) -> Any:
    for name, make in _MAKERS.items():
        if name in given:
            return make(given[name])
    return given


def _window(given: list[Any]) -> Window:
    days, begins, ends, zone = given
    return Window(frozenset(days), begins, ends, ZoneInfo(zone))


_MAKERS: Mapping[str, Callable[[Any], object]] = {
    "Secret": Secret,
    "Path": Path,
    "Window": _window,
    "tuple": tuple,
}
