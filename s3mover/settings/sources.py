"""Reads values from the file, the environment and the command line, each into a layer of values by name.

An empty text, or a key without a value, means that a layer does not set it, so the next layer applies. Two quotation
marks (`""`) mean an empty text, both in the file and in the environment.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yaml.nodes import Node

from s3mover.settings.definitions import (
    FILE_SUFFIX,
    FIRST_VERSION_NAMES,
    PREFIX,
    environment_name,
    setting_definitions,
)
from s3mover.settings.files import ReadFile
from s3mover.settings.names import ROUTES, group_names, may_differ, section_names, split_name
from s3mover.settings.problems import (
    Given,
    Problem,
    about,
    control_at_end,
    unknown_section,
    unknown_setting,
    unknown_variable,
)
from s3mover.settings.yamltext import Entry, YamlError, entries, items, parse, plain, structure

CONFIG_VARIABLE = "S3MOVER_CONFIG"
DEFAULT_FILE = Path("config.yaml")
_ROUTE = "a list of mappings, each with a name (small letters, digits, - and _) and the settings of its own"
_ROUTE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
# The user of a DSN with a password: `mysql://USER:PASSWORD@...`, `USER:PASSWORD@tcp(...)...`.
_PASSWORD = re.compile(r"(?:\w+://)?+[^@:/]*:[^@]+@")
_TEST_PREFIX = "S3MOVER_TEST_"


@dataclass(slots=True)
class Layer:
    """The values that one source sets, by setting, and its problems; `routes` are the layers of the routes."""

    values: dict[str, Given] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    routes: dict[str, "Layer"] = field(default_factory=dict)

    def put(self, name: str, value: object, origin: str) -> None:
        """Add a value, unless it is None, or an empty text where an empty text is not a value."""
        if value is None or (value == "" and setting_definitions()[name].default):
            return
        if end := control_at_end(value):
            self.problems.append(about(name, origin, f"ends with {end}; remove it"))
            return
        self.values[name] = Given(value, origin)


def from_file(path: Path | None, environ: Mapping[str, str], read: ReadFile) -> Layer:
    """Read the named file, else `$S3MOVER_CONFIG`, else `./config.yaml`; only the last may be missing."""
    named = path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    file = named or DEFAULT_FILE
    try:
        root = parse(read(file).decode("utf-8-sig"))
    except FileNotFoundError:
        return _unreadable(f"{file}: no such file; name another with --config") if named else Layer()
    except OSError as error:
        return _unreadable(f"{file}: cannot be read ({error.strerror})")
    except UnicodeDecodeError:
        return _unreadable(f"{file}: is not UTF-8 text")
    except YamlError as error:
        return _unreadable(f"{file} line {error.line}: {error}")
    return _from_root(file, root)


def from_environment(environ: Mapping[str, str], routes: Iterable[str], read: ReadFile) -> Layer:
    """Read the `S3MOVER_A__B` variables, then those of the first version, each also with `_FILE`.

    A value for one of the `routes` has its name in front: `S3MOVER_ROUTES__HR__A__B`.
    """
    layer = Layer()
    ours = {environment_name(setting): setting for setting in setting_definitions()}
    for variable, setting in [*FIRST_VERSION_NAMES.items(), *ours.items()]:
        _read_variable(layer, variable, setting, environ, read)
    known = set(ours)
    for route in routes:
        layer.routes[route] = Layer()
        for setting in filter(may_differ, setting_definitions()):
            variable = environment_name(f"{ROUTES}.{route}.{setting}".replace("-", "_"))
            known.add(variable)
            _read_variable(layer.routes[route], variable, setting, environ, read)
    layer.problems += [unknown_variable(name) for name in sorted(environ) if _is_stray(name, known)]
    return layer


def from_overrides(overrides: Mapping[str, object], routes: Iterable[str] = ()) -> Layer:
    """Read the values of the command line, also as `routes.NAME.a.b`; None means not given."""
    layer = Layer(routes={route: Layer() for route in routes})
    for name, value in overrides.items():
        route, setting = split_name(name)
        into = layer.routes.get(route, layer)
        if setting in setting_definitions() and (into is layer) is not bool(route):
            if _is_exposed(setting, value):
                into.problems.append(_exposed(name, setting))
                continue
            into.put(setting, value, "command line")
        else:
            layer.problems.append(unknown_setting(name, "command line"))
    return layer


def _is_exposed(setting: str, value: object) -> bool:
    """Return whether a value of the command line is a secret; an access key id is not, nor a DSN without a password."""
    if setting == "audit.url":
        return _PASSWORD.match(str(value)) is not None
    return bool(value) and setting_definitions()[setting].secret and not setting.endswith(".access_key")


def _exposed(name: str, setting: str) -> Problem:
    variable = environment_name(name.replace("-", "_"))
    sentence = (
        "is a secret, which the process list would show to every user of this machine; set it as "
        f"{variable} in the environment, or write it to a file and name that as {variable}{FILE_SUFFIX}"
    )
    return about(setting, "command line", sentence)


def _unreadable(sentence: str) -> Layer:
    return Layer(problems=[Problem(sentence, frozenset(setting_definitions()))])


def _from_root(file: Path, root: Node | None) -> Layer:
    layer = Layer()
    sections = entries(root)
    if sections is None:
        return _unreadable(f'{file}: is not a mapping; expected sections such as "source:"')
    for section in _once(layer, file, "", sections):
        if section.key == ROUTES:
            _read_routes(layer, file, section)
        else:
            _read_known_section(layer, file, section)
    return layer


def _read_known_section(layer: Layer, file: Path, section: Entry) -> None:
    if section.key not in section_names():
        layer.problems.append(unknown_section(section.key, f"{file} line {section.line}"))
    else:
        _read_section(layer, file, section.key, section)


def _read_routes(layer: Layer, file: Path, listed: Entry) -> None:
    found = items(listed.node)
    if found is None:
        layer.problems.append(
            Problem(f"{ROUTES} ({file} line {listed.line}): is not a list; expected {_ROUTE}")
        )
        return
    for place, (line, node) in enumerate(found):
        _read_route(layer, file, f"{ROUTES}[{place}] ({file} line {line})", node)


def _read_route(layer: Layer, file: Path, label: str, node: Node) -> None:
    parts = entries(node) or []
    name = next((_name(part) for part in parts if part.key == "name"), "")
    if not _ROUTE_NAME.fullmatch(name):
        layer.problems.append(Problem(f"{label}: has no valid name; expected {_ROUTE}"))
    elif name.replace("-", "_") in {known.replace("-", "_") for known in layer.routes}:
        layer.problems.append(
            Problem(f"{label}: has the same name as another route, {name}; expected a unique name")
        )
    else:
        own = layer.routes[name] = Layer()
        for section in _once(own, file, "", [part for part in parts if part.key != "name"]):
            _read_known_section(own, file, section)
        for setting in [setting for setting in own.values if not may_differ(setting)]:
            origin = own.values.pop(setting).origin
            own.problems.append(about(setting, origin, f"applies to all routes; set {setting} at the top"))


def _name(entry: Entry) -> str:
    try:
        name = plain(entry.node)
    except YamlError:
        return ""
    return name if isinstance(name, str) else ""


def _read_section(layer: Layer, file: Path, path: str, section: Entry) -> None:
    settings = entries(section.node)
    if settings is None:
        sentence = f"{path} ({file} line {section.line}): is not a mapping; expected settings below it"
        inside = (name for name in setting_definitions() if name.startswith(path + "."))
        layer.problems.append(Problem(sentence, frozenset(inside)))
        return
    for entry in _once(layer, file, path + ".", settings):
        name, origin = f"{path}.{entry.key}", f"{file} line {entry.line}"
        if name in group_names():
            _read_section(layer, file, name, entry)
            continue
        if name not in setting_definitions():
            layer.problems.append(unknown_setting(name, origin))
            continue
        try:
            read = structure if setting_definitions()[name].structured else plain
            layer.put(name, read(entry.node), origin)
        except YamlError as error:
            layer.problems.append(
                about(name, origin, f"{error}; expected {setting_definitions()[name].expected}")
            )


def _once(layer: Layer, file: Path, path: str, found: list[Entry]) -> Iterator[Entry]:
    seen: dict[str, int] = {}
    for entry in found:
        if entry.key in seen:
            lines = f"lines {seen[entry.key]} and {entry.line}"
            layer.problems.append(Problem(f"{path}{entry.key} ({file} {lines}): is set twice; keep one"))
            continue
        seen[entry.key] = entry.line
        yield entry


def _read_variable(
    layer: Layer, variable: str, setting: str, environ: Mapping[str, str], read: ReadFile
) -> None:
    text, file = environ.get(variable, ""), environ.get(variable + FILE_SUFFIX, "")
    if text and file:
        sentence = "both are set; expected one of them, so unset the other"
        layer.problems.append(about(setting, f"{variable} and {variable}{FILE_SUFFIX}", sentence))
    elif text:
        layer.put(setting, "" if text == '""' else text, variable)
    elif file:
        _read_mounted(layer, setting, f"{variable}{FILE_SUFFIX}", Path(file), read)


def _read_mounted(layer: Layer, setting: str, variable: str, file: Path, read: ReadFile) -> None:
    try:
        text = read(file).decode()
    except OSError as error:
        layer.problems.append(about(setting, variable, f"{file} cannot be read ({error.strerror})"))
    except (UnicodeDecodeError, ValueError):
        layer.problems.append(about(setting, variable, f"{file} is not UTF-8 text"))
    else:
        layer.put(setting, text.removesuffix("\n").removesuffix("\r") or None, variable)


def _is_stray(variable: str, ours: Container[str]) -> bool:
    """Return whether a variable looks like a setting but is not one.

    Names without `__` are left alone: Kubernetes sets S3MOVER_PORT and the like for a Service called s3mover.
    """
    if not variable.startswith(PREFIX) or variable.startswith(_TEST_PREFIX) or "__" not in variable:
        return False
    return variable not in ours and variable.removesuffix(FILE_SUFFIX) not in ours
