"""The messages about invalid settings. They never contain a secret."""

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
_CONTROL_AT_END = re.compile(r"[\x00-\x1f\x7f]\Z")
_CONTROL_NAMES = {"\r": "a carriage return, as lines of Windows files do", "\n": "a line feed", "\t": "a tab"}


class Problem(NamedTuple):
    """A sentence for the user, and the settings whose value is unknown because of it."""

    text: str
    settings: frozenset[str] = frozenset()


class Given(NamedTuple):
    """A value before validation, and where it came from."""

    value: object
    origin: str


def refused(setting: Setting, given: Given, error: ErrorDetails) -> Problem:
    """Return the problem of a value that the setting does not accept."""
    found = "the value (not shown)" if setting.secret else shown(given.value)
    cause = error.get("ctx", {}).get("error")
    reason = str(cause) if cause else _REASONS.get(error["type"], "is invalid")
    return about(setting.name, given.origin, f"{found} {reason}; expected {setting.expected}")


def about(setting: str, origin: str, sentence: str) -> Problem:
    """Return a problem of one setting."""
    return Problem(f"{setting} ({origin}): {sentence}", frozenset({setting}))


def control_at_end(value: object) -> str:
    """Return the name of a control character at the end of a text, or of one in a list; empty if there is none."""
    texts = value if isinstance(value, tuple) else (value,)
    last = next((text[-1] for text in texts if isinstance(text, str) and _CONTROL_AT_END.search(text)), "")
    if not last:
        return ""
    return f"{_CONTROL_NAMES.get(last, 'a control character')} (U+{ord(last):04X})"


def of_route(route: str, problem: Problem) -> Problem:
    """Return the problem with the route's name in front."""
    first = re.split(r"[ :]", problem.text, maxsplit=1)[0]
    joint = "." if first in setting_definitions() else ": "
    return problem._replace(text=f"routes.{route}{joint}{problem.text}")


def unknown_setting(name: str, origin: str) -> Problem:
    """Return the problem of a key or option that is not a setting, with the nearest name."""
    near = nearest(name, setting_definitions())
    return _unknown(name, origin, "is not a setting", near, near)


def unknown_section(name: str, origin: str) -> Problem:
    """Return the problem of a key at the top of the file that is not a section, with the nearest section or setting."""
    near = nearest(name, section_names()) or nearest(name, setting_definitions())
    return _unknown(name, origin, "is not a section", near, near)


def unknown_variable(name: str) -> Problem:
    """Return the problem of an environment variable that looks like a setting but is not one."""
    names = {environment_name(setting): setting for setting in setting_definitions()}
    near = nearest(name, names)
    return _unknown(name, "environment", "is not a setting", near, names.get(near, ""))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word nearest to `word`, or an empty text if none is near."""
    names = list(known)
    leaves = {name.rpartition(".")[2]: name for name in reversed(names)}
    if word in leaves:
        return leaves[word]
    close = difflib.get_close_matches(word, names, n=1) or [
        leaves[leaf] for leaf in difflib.get_close_matches(word.rpartition(".")[2], leaves, n=1)
    ]
    return close[0] if close else ""


def shown(value: object) -> str:
    """Return a value for a message: quoted, on one line, truncated, without credentials."""
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
