"""How values become text that no key can break: JSON bytes, one printable line, a readable size.

An object's key may hold any character, line breaks and half characters included. Nothing here knows of events.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson

# What JSON leaves as it is and some readers take for the end of a line or for a terminal's command:
# the C1 controls, and the Unicode line and paragraph separators, in UTF-8.
_BREAKERS = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")
_JSON_INTEGER_BITS = 63  # beyond it orjson refuses
_STEP = 1000


def to_json(value: object) -> bytes:
    r"""Return `value` as JSON on one line; never raises for what a text may hold.

    A lone surrogate, which UTF-8 cannot carry, is written out as the text `\udc80`.
    """
    try:
        line = orjson.dumps(value, default=str)
    except orjson.JSONEncodeError:
        line = orjson.dumps(_encodable(value))
    return line if line.isascii() else _BREAKERS.sub(_as_json_escape, line)


def visible(text: str) -> str:
    """Return `text` on one line, with every character that does not print written as its escape."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def utc_moment(seconds: float) -> str:
    """Return a time since the epoch as ISO 8601 in UTC, to the microsecond: `2025-01-04T03:17:09.123456Z`."""
    whole = int(seconds)
    return f"{_utc_second(whole)}.{min(999_999, round((seconds - whole) * 1e6)):06}Z"


@lru_cache(maxsize=4)
def _utc_second(second: int) -> str:
    """Thousands of events share a second, and the calendar is the dear part of a log line."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def human_size(size: float) -> str:
    """Return a number of bytes as people read it, in decimal units: `512 B`, `1.23 MB`."""
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
    """Return `value` with everything that orjson refuses turned into text."""
    if isinstance(value, Mapping):
        return {str(_encodable(str(name))): _encodable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and value.bit_length() <= _JSON_INTEGER_BITS:
        return value
    return str(value).encode("utf-8", "backslashreplace").decode()
