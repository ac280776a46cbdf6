"""The list of all settings, read off the model: names, defaults, units, reasons, and what is expected of a value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from s3mover.settings.kinds import Kind
from s3mover.settings.model import Section, Settings

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


# What the routes of one daemon share: its workers, its trail, its doors.
_OF_ALL_ROUTES = frozenset(
    {"transfer.threads", "transfer.processes", "audit.url", "http", "control", "log", "stop"}
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in words.

    `default` is the text that stands for it in a file (empty: unset); a `secret` is never shown in a message; a
    `structured` one may be a list of mappings in a file.
    """

    name: str
    default: str
    unit: str
    description: str
    expected: str
    secret: bool
    structured: bool

    @property
    def environment(self) -> tuple[str, ...]:
        """The names that the environment has for it, the strongest first; each also with `_FILE`."""
        old = (name for name, setting in FIRST_VERSION_NAMES.items() if setting == self.name)
        return (environment_name(self.name), *old)


def environment_name(setting: str) -> str:
    """Return `S3MOVER_A__B` for `a.b`."""
    return PREFIX + setting.replace(".", "__").upper()


@cache
def schema_of_settings() -> Mapping[str, Setting]:
    """Return every setting by its name, in the order of the model."""
    return MappingProxyType({setting.name: setting for setting in _settings()})


def section_names() -> tuple[str, ...]:
    """Return the sections' names, in the order of the model."""
    return tuple(name for name, info in Settings.model_fields.items() if isinstance(info.default, Section))


def may_differ(setting: str) -> bool:
    """Tell whether a setting may have another value for a route than at the top."""
    return setting not in _OF_ALL_ROUTES and setting.partition(".")[0] not in _OF_ALL_ROUTES


def group_names() -> frozenset[str]:
    """Return the names of the groups of settings within sections, as `transfer.restore`."""
    parents = (name.rpartition(".")[0] for name in schema_of_settings())
    return frozenset(parent for parent in parents if "." in parent)


def _settings() -> Iterator[Setting]:
    for section in section_names():
        yield from _settings_of(section, type(Settings.model_fields[section].default))


def _settings_of(path: str, section: type[Section]) -> Iterator[Setting]:
    for field, info in section.model_fields.items():
        if isinstance(info.default, Section):
            yield from _settings_of(f"{path}.{field}", type(info.default))
        else:
            yield _setting(f"{path}.{field}", info)


def _setting(name: str, info: FieldInfo) -> Setting:
    extra = info.json_schema_extra
    return Setting(
        name=name,
        default=_kind(info).write(info.default),
        unit=str(extra["unit"]) if isinstance(extra, dict) else "",
        description=info.description or "",
        expected=_expected(info),
        secret=_kind(info).secret,
        structured=_kind(info).structured,
    )


def _kind(info: FieldInfo) -> Kind:
    stated = (note for note in info.metadata if isinstance(note, Kind))
    return next(stated, _KINDS.get(info.annotation, Kind("a text")))


def _expected(info: FieldInfo) -> str:
    if get_origin(info.annotation) is Literal:
        return _choice([choice for choice in get_args(info.annotation) if choice])
    kind = _kind(info)
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


_KINDS: Mapping[Any, Kind] = {
    bool: Kind("true or false", lambda flag: str(flag).lower()),
    int: Kind("a whole number"),
    float: Kind("a number", lambda number: f"{number:g}"),
}
