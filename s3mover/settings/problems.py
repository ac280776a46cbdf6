"""The wording of everything that can be wrong with settings; no secret is ever repeated."""

import difflib
import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from pydantic_core import ErrorDetails

from s3mover.settings.definitions import Setting, environment_name, setting_definitions
from s3mover.settings.names import section_names

_REASONS = {
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "int_parsing": "is not an integer",
    "int_from_float": "is not an integer",
    "int_type": "is not an integer",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "literal_error": "is not one of the choices",
    "string_type": "is not text",
    "string_too_short": "is empty",
    "string_unicode": "is not UTF-8",
}
_LONGEST = 80


class Problem(NamedTuple):
    """A sentence for people, and the settings whose value is therefore not known."""

    text: str
    settings: frozenset[str] = frozenset()


class Given(NamedTuple):
    """A value before it is checked, and where it came from, in words."""

    value: object
    origin: str


def refused(setting: Setting, given: Given, error: ErrorDetails) -> Problem:
    """Say that a value is not what the setting expects."""
    found = "the value (not shown)" if setting.secret else shown(given.value)
    cause = error.get("ctx", {}).get("error")
    reason = str(cause) if cause else _REASONS.get(error["type"], "cannot be used")
    return about(setting.name, given.origin, f"{found} {reason}; expected {setting.expected}")


def about(setting: str, origin: str, sentence: str) -> Problem:
    """Say something about one setting, whose value is not known because of it."""
    return Problem(f"{setting} ({origin}): {sentence}", frozenset({setting}))


def of_route(route: str, problem: Problem) -> Problem:
    """Say that a problem is one of a route's own settings."""
    first = re.split(r"[ :]", problem.text, maxsplit=1)[0]
    joint = "." if first in setting_definitions() else ": "
    return problem._replace(text=f"routes.{route}{joint}{problem.text}")


def unknown_setting(name: str, origin: str) -> Problem:
    """Say that a key of the file or an option names no setting, and which one may be meant."""
    near = nearest(name, setting_definitions())
    return _unknown(name, origin, "is not a setting", near, near)


def unknown_section(name: str, origin: str) -> Problem:
    """Say that a key at the top of the file names no section, and what may be meant: a section or a setting in one."""
    near = nearest(name, section_names()) or nearest(name, setting_definitions())
    return _unknown(name, origin, "is not a section", near, near)


def unknown_variable(name: str) -> Problem:
    """Say that a variable of the environment looks like a setting and is none."""
    names = {environment_name(setting): setting for setting in setting_definitions()}
    near = nearest(name, names)
    return _unknown(name, "environment", "is not a setting", near, names.get(near, ""))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like `word`, or an empty text where none is."""
    names = list(known)
    leaves = {name.rpartition(".")[2]: name for name in reversed(names)}
    if word in leaves:
        return leaves[word]
    close = difflib.get_close_matches(word, names, n=1) or [
        leaves[leaf] for leaf in difflib.get_close_matches(word.rpartition(".")[2], leaves, n=1)
    ]
    return close[0] if close else ""


def shown(value: object) -> str:
    """Write a value as it may stand in a message: quoted, on one line, cut where long, without credentials."""
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value).encode(errors="backslashreplace").decode()
    if "@" in text and "://" in text:
        return "a URL with credentials (not shown)"
    return json.dumps(text if len(text) <= _LONGEST else text[:_LONGEST] + "…", ensure_ascii=False)


def _unknown(name: str, origin: str, what: str, near: str, concerns: str) -> Problem:
    advice = f"did you mean {near}?" if near else "config.yaml shows all settings."
    concerned = (
        {setting for setting in setting_definitions() if setting.startswith(concerns)} if concerns else set()
    )
    return Problem(f"{shown(name)} ({origin}) {what}; {advice}", frozenset(concerned))
