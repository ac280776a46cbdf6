"""Formats values as text, safely for any key: JSON, one printable line, a size, a time.

An object's key may contain any character, including line breaks and lone surrogates.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson

# Characters that JSON permits unescaped, but some readers treat as a line end, a terminal command or the direction of
# writing: the C1 controls, the Unicode line and paragraph separators, and the bidirectional controls, in UTF-8.
_UNSAFE = re.compile(rb"\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
_JSON_INTEGER_BITS = 63  # orjson rejects larger integers
_STEP = 1000
_TRACEBACK = "Traceback (most recent call last):"


def to_json(value: object) -> bytes:
    r"""Return `value` as JSON on one line, whatever characters its texts contain.

    A lone surrogate, which UTF-8 cannot encode, is written as the text `\udc80`.
    """
    try:
        line = orjson.dumps(value, default=str)
    except orjson.JSONEncodeError:
        line = orjson.dumps(_encodable(value))
    return line if line.isascii() else _UNSAFE.sub(_as_json_escape, line)


def visible(text: str) -> str:
    """Return `text` on one line, with every unprintable character as its escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def visible_lines(text: str) -> str:
    """Return `text` with its line ends, and with every other unprintable character as its escape."""
    return "\n".join(map(visible, text.split("\n")))


def summary_line(message: str) -> str:
    """Return what a message says on one line: its first line; for a traceback the last one, which names the error."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if not lines:
        return ""
    before, is_traceback, _ = lines[0].partition(_TRACEBACK)
    return visible(f"{before}{lines[-1]}" if is_traceback else lines[0])


def utc_moment(seconds: float) -> str:
    """Return a time since the epoch as ISO 8601 in UTC, to the microsecond: `2025-01-04T03:17:09.123456Z`."""
    whole = int(seconds)
    return f"{_utc_second(whole)}.{min(999_999, round((seconds - whole) * 1e6)):06}Z"


@lru_cache(maxsize=4)
def _utc_second(second: int) -> str:
    """Cached: thousands of events share a second, and formatting the date is the expensive part of a log line."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def human_size(size: float) -> str:
    """Return a number of bytes in decimal units: `512 B`, `1.23 MB`."""
    if size < _STEP:
        return f"{size:.0f} B"
    for unit in ("KB", "MB", "GB"):
        size /= _STEP
        if size < _STEP:
            return f"{size:.2f} {unit}"
    return f"{size / _STEP:.2f} TB"


def _as_json_escape(match: re.Match[bytes]) -> bytes:
    return rb"\u%04x" % ord(match[0].decode())


def _encodable(value: object) -> object:
    """Return `value` with everything that orjson rejects converted to text."""
    if isinstance(value, Mapping):
        return {str(_encodable(str(name))): _encodable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and value.bit_length() <= _JSON_INTEGER_BITS:
        return value
    return str(value).encode("utf-8", "backslashreplace").decode()
