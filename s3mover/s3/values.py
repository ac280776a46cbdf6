"""Numbers, times and texts of responses: read here alone, so that nonsense is unknown, and nothing is endless.

Sources: RFC 9110, sections 5.6.7 and 8.6; Amazon S3 API Reference, data type Object.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Longer ETags, ids and names of servers are cut: those of S3 have at most 76 characters.
MAX_TEXT = 128
_NUMBER = re.compile("[0-9]{1,18}")
_TOTAL = re.compile("bytes (?:[0-9]{1,18}-[0-9]{1,18}|\\*)/([0-9]{1,18})")


def number(text: str) -> int | None:
    """Return a count of bytes or parts, None where the text is not one."""
    return int(text) if _NUMBER.fullmatch(text) else None


def total_of_range(content_range: str) -> int | None:
    """Return the length of the whole object that a Content-Range names, None where it names none."""
    match = _TOTAL.fullmatch(content_range)
    return int(match[1]) if match else None


def http_time(text: str) -> float | None:
    """Return an HTTP date as seconds since the epoch, None where the text is not one."""
    try:
        return _seconds(parsedate_to_datetime(text))
    except (ArithmeticError, TypeError, ValueError, IndexError):
        return None


def iso_time(text: str) -> float | None:
    """Return a time of a document (ISO 8601) as seconds since the epoch, None where the text is not one."""
    try:
        return _seconds(datetime.fromisoformat(text))
    except (ArithmeticError, ValueError):
        return None


def short(text: str) -> str:
    """Return the first `MAX_TEXT` characters of a text, `printable`."""
    return printable(text[:MAX_TEXT])


def printable(text: str) -> str:
    """Return a text without control characters and the like, which a terminal would obey."""
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
