"""The definitions of all settings, derived from the model: name, default, unit, description, expected value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from s3mover.settings import types
from s3mover.settings.model import Section, Settings
from s3mover.settings.names import setting_names, value_of
from s3mover.settings.types import ValueType

PREFIX = "S3MOVER_"
FILE_SUFFIX = "_FILE"
_SIDES = {"SRC": "source", "DST": "destination"}
_FIRST_VERSION = (
    "access_key",
    "secret_key",
    "session_token",
    "region",
    "bucket",
    "prefix",
    "endpoint_url",
    "profile",
    "role_arn",
    "external_id",
    "account_id",
)
# The names of the environment that the first version read, each with its setting, and one of their kind added since.
FIRST_VERSION_NAMES: Mapping[str, str] = MappingProxyType(
    {"MYSQL_DSN": "audit.url"}
    | {
        f"{short}_{field.upper()}": f"{side}.{field}"
        for short, side in _SIDES.items()
        for field in _FIRST_VERSION
    }
)


@dataclass(frozen=True, slots=True)
class Setting:
    """The definition of one setting.

    `default` is written as in a file (empty: not set); a `secret` is never shown in a message; a
    `structured` one may be a list of mappings in a file. `pattern` is the regular expression of its texts, empty where
    any may be one. pydantic validates a value with `annotation`.
    """

    name: str
    default: str
    unit: str
    description: str
    expected: str
    secret: bool
    structured: bool
    pattern: str
    annotation: Any

    @property
    def environment(self) -> tuple[str, ...]:
        """Its environment variables, the one with precedence first; each also exists with `_FILE`."""
        old = (name for name, setting in FIRST_VERSION_NAMES.items() if setting == self.name)
        return (environment_name(self.name), *old)


def environment_name(setting: str) -> str:
    """Return `S3MOVER_A__B` for `a.b`."""
    return PREFIX + setting.replace(".", "__").upper()


@cache
def setting_definitions() -> Mapping[str, Setting]:
    """Return every setting by its name, in the order of the model."""
    return MappingProxyType({setting.name: setting for setting in _settings()})


def _settings() -> Iterator[Setting]:
    for name in setting_names():
        group, _, field = name.rpartition(".")
        yield _setting(name, value_of(Settings(), group), field)


def _setting(name: str, section: Section, field: str) -> Setting:
    stated = section.__dataclass_fields__[field]
    annotation = _annotations(section)[field]
    info = FieldInfo.from_annotation(annotation)
    return Setting(
        name=name,
        default=_value_type(info).write(stated.default),
        unit=stated.metadata["unit"],
        description=stated.metadata["description"],
        expected=_expected(info),
        secret=_value_type(info).secret,
        structured=_value_type(info).structured,
        pattern=_value_type(info).pattern,
        annotation=annotation,
    )


@cache
def _annotations(section: Section) -> dict[str, Any]:
    return get_type_hints(type(section), localns=vars(types), include_extras=True)


def _value_type(info: FieldInfo) -> ValueType:
    stated = (note for note in info.metadata if isinstance(note, ValueType))
    return next(stated, _BUILTIN_TYPES.get(info.annotation, ValueType("a text")))


def _expected(info: FieldInfo) -> str:
    if get_origin(info.annotation) is Literal:
        return _choice([choice for choice in get_args(info.annotation) if choice])
    kind = _value_type(info)
    low, high = _bound(info, "ge"), _bound(info, "le")
    if low is None or (high is None and low == 0):
        return kind.expected
    if high is None:
        return f"{kind.expected}, at least {kind.write(low)}"
    return f"{kind.expected}, from {kind.write(low)} to {kind.write(high)}"


def _bound(info: FieldInfo, name: str) -> Any:
    return next((getattr(note, name) for note in info.metadata if hasattr(note, name)), None)


def _choice(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


_BUILTIN_TYPES: Mapping[Any, ValueType] = {
    bool: ValueType("true or false", lambda flag: str(flag).lower()),
    int: ValueType("an integer"),
    float: ValueType("a number", lambda number: f"{number:g}"),
}
