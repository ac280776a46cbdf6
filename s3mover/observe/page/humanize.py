"""Formats counts, rates, durations and times for people. Sizes are in `text.py`. Pure."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SMALL = 10
_MILLION = 1_000_000
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))


def count(number: int) -> str:
    """Return a count: `676`, `12,345`, `12.3 million`."""
    if number < 10 * _MILLION:
        return f"{number:,}"
    return f"{number / _MILLION:,.1f} million"


def rate(per_second: float) -> str:
    """Return a rate with two significant digits below 10: `1,234`, `3.4`, `0.07`, `0`."""
    if not per_second:
        return "0"
    if per_second >= _SMALL:
        return f"{per_second:,.0f}"
    return f"{per_second:.1f}" if per_second >= 1 else f"{per_second:.2g}"


def percent(part: float, whole: float) -> str:
    """Return a share of a whole that is not 0; only none rounds to 0% and only all rounds to 100%."""
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1%"
    return "99%" if 99 <= share < 100 else f"{share:.0f}%"  # noqa: PLR2004 - percent


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    whole = round(seconds)
    if seconds < _SMALL:
        return f"{seconds:.1f} s"
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two_units(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two_units(whole, _HOUR, "h", _MINUTE, "min")
    return _two_units(whole, _DAY, "d", _HOUR, "h")


def ago(moment: str, now: str) -> str:
    """Return how long before `now` a moment was, in its largest unit; both are ISO 8601 with a time zone."""
    seconds = -int(_seconds_until(moment, now))
    if seconds < 1:
        return "just now"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{seconds // size} {unit} ago"


def ahead(moment: str, now: str) -> str:
    """Return how long after `now` a moment is; both are ISO 8601 with a time zone."""
    seconds = _seconds_until(moment, now)
    if seconds < 1:
        return "now"
    return f"in {int(seconds)} s" if seconds < _SMALL else f"in {duration(seconds)}"


def clock(moment: str) -> str:
    """Return a moment in UTC, to the second."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _two_units(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {large_name}" + (f" {rest} {small_name}" if rest else "")


def _seconds_until(moment: str, now: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.fromisoformat(now)).total_seconds()
