"""Generates the schema of the chart's value `config` from the settings of s3mover, in values.schema.json.

`config_schema.py [FILE]` renews the definitions `config` and `route` in FILE, by default the chart's. A test keeps them
equal to the settings. Helm then rejects an unknown name or an impossible value before anything is installed. What
depends on other settings is checked at the start of s3mover.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from s3mover.settings.definitions import Setting, setting_definitions
from s3mover.settings.names import ROUTES, may_differ

SCHEMA = Path(__file__).parent / "s3mover" / "values.schema.json"
Json = dict[str, Any]
# YAML writes a large number as 1e+06, and zeros at the beginning are lost: such values are quoted.
_PATTERNS: dict[Any, str] = {int: "^[0-9]+$", float: r"^[0-9]+(\.[0-9]+)?$"}
_NOT_SET: Json = {"type": "null"}
_TEXTS: Json = {"type": "array", "items": {"type": "string", "minLength": 1}}
_WINDOW: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "days": {"anyOf": [{"type": "string"}, _TEXTS]},
        "hours": {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"},
        "time_zone": {"type": "string"},
    },
}


def definitions() -> Json:
    """Return the definitions `config` and `route`."""
    config = _tree(lambda _: True)
    config["description"] = "The settings of s3mover. They become a ConfigMap: secrets belong to `secrets`."
    config["allOf"] = [{"$ref": "#/definitions/noSecrets"}]
    config["properties"][ROUTES] = {
        "type": ["array", "null"],
        "description": "Several pairs of buckets, in place of one at the top.",
        "items": {"$ref": "#/definitions/route"},
    }
    route = _tree(may_differ)
    route["properties"] = {"name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,39}$"}} | route[
        "properties"
    ]
    route["required"] = ["name"]
    return {"config": config, "route": route}


def _tree(chosen: Callable[[str], bool]) -> Json:
    """Return an object with the chosen settings in their sections."""
    root = _section()
    for name, setting in setting_definitions().items():
        if chosen(name):
            *sections, field = name.split(".")
            place = root
            for section in sections:
                place = place["properties"].setdefault(section, _section("null"))
            place["properties"][field] = _schema(setting)
    return root


def _section(*others: str) -> Json:
    return {
        "type": ["object", *others] if others else "object",
        "additionalProperties": False,
        "properties": {},
    }


def _schema(setting: Setting) -> Json:
    default = f" Default: {setting.default}." if setting.default else ""
    return {"description": f"{setting.description}{default}", "anyOf": [*_values(setting), _NOT_SET]}


def _values(setting: Setting) -> list[Json]:
    """Return the schemas of the values that a setting takes, each also as a quoted text."""
    info = FieldInfo.from_annotation(setting.annotation)
    if get_origin(info.annotation) is Literal:
        return [{"enum": sorted({"", *get_args(info.annotation)})}]
    if setting.structured:
        return [{"type": "string"}, {"type": "array", "items": _WINDOW}]
    if get_origin(info.annotation) is tuple:
        return [{"type": "string"}, _TEXTS]
    if info.annotation is bool:
        return [{"type": "boolean"}, {"enum": ["", "true", "false"]}]
    pattern = setting.pattern or _PATTERNS.get(info.annotation, "")
    text = {"type": "string", "pattern": f"^$|{pattern}"} if pattern else {"type": "string"}
    return [text, *_number(info, has_unit=bool(setting.pattern))]


def _number(info: FieldInfo, *, has_unit: bool) -> list[Json]:
    """Return the numbers that a setting may be; of the durations only 0, because others need a unit."""
    if info.annotation is float:
        return [{"const": 0}] if has_unit else [{"type": "number", **_bounds(info)}]
    return [{"type": "integer", **_bounds(info)}] if info.annotation is int else []


def _bounds(info: FieldInfo) -> Json:
    stated = {"minimum": "ge", "maximum": "le"}
    return {
        name: getattr(note, bound)
        for name, bound in stated.items()
        for note in info.metadata
        if hasattr(note, bound)
    }


def main(file: Path) -> None:
    """Renew the definitions in a schema of values."""
    schema = json.loads(file.read_text("utf-8"))
    schema["definitions"] |= definitions()
    file.write_text(json.dumps(schema, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else SCHEMA)
