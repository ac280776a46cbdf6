"""How numbers and moments are told to people: counts, rates, durations, how long ago. Sizes are in `text.py`. Pure."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SMALL_RATE = 10
_MILLION = 1_000_000
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))


def count(number: int) -> str:
    """Return a number of things: `676`, `12,345`, `12.3 million`."""
    if number < 10 * _MILLION:
        return f"{number:,}"
    return f"{number / _MILLION:,.1f} million"


def rate(per_second: float) -> str:
    """Return a number per second, with as many digits as tell something: `1,234`, `3.4`, `0.07`, `0`."""
    if not per_second:
        return "0"
    if per_second >= _SMALL_RATE:
        return f"{per_second:,.0f}"
    return f"{per_second:.1f}" if per_second >= 1 else f"{per_second:.2g}"


def percent(part: float, whole: float) -> str:
    """Return a share of a whole that is not 0; what is neither nothing nor all is never rounded to either."""
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1%"
    return "99%" if 99 <= share < 100 else f"{share:.0f}%"  # noqa: PLR2004 - percent


def duration(seconds: float) -> str:
    """Return a duration by its two greatest units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    whole = round(seconds)
    if seconds < _SMALL_RATE:
        return f"{seconds:.1f} s"
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def ago(moment: str, now: str) -> str:
    """Return how long before `now` a moment was, in its greatest unit; both as ISO 8601 with their zone."""
    seconds = int((_parsed(now) - _parsed(moment)).total_seconds())
    if seconds < 1:
        return "just now"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{seconds // size} {unit} ago"


def ahead(moment: str, now: str) -> str:
    """Return how long after `now` a moment is; both as ISO 8601 with their zone."""
    seconds = (_parsed(moment) - _parsed(now)).total_seconds()
    if seconds < 1:
        return "now"
    return f"in {int(seconds)} s" if seconds < _SMALL_RATE else f"in {duration(seconds)}"


def clock(moment: str) -> str:
    """Return a moment in UTC, to the second."""
    return f"{_parsed(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _two(whole: int, great: int, great_name: str, small: int, small_name: str) -> str:
    rest = whole % great // small
    return f"{whole // great} {great_name}" + (f" {rest} {small_name}" if rest else "")


def _parsed(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
