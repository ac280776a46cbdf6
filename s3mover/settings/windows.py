"""Parses and writes `sweep.windows`: days, hours, time zone. Their meaning is in `s3mover/windows.py`."""

import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from s3mover.settings.yamltext import YamlError, parse, structure
from s3mover.windows import DAY_MINUTES, Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS = ("days", "hours", "time_zone")
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_MINUTES_PER_HOUR = 60


def read_windows(value: object) -> tuple[Window, ...]:
    """Read a list of windows, or the text of one as YAML writes it on one line.

    Raises:
        ValueError: what cannot be read, as the rest of a sentence that begins with the value.
    """
    if isinstance(value, str):
        try:
            value = structure(parse(value))
        except YamlError as error:
            raise ValueError("is not a list of windows") from error
    if value is None:
        return ()
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise ValueError("is not a list of windows")  # noqa: TRY004 - pydantic hears ValueError
    return tuple(
        one if isinstance(one, Window) else _window(one, f"window {place}")
        for place, one in enumerate(value, start=1)
    )


def write_windows(windows: Sequence[Window]) -> str:
    """Return windows as they are written in a file, on one line."""
    return "[" + ", ".join(map(_text, windows)) + "]"


def _window(value: object, name: str) -> Window:
    if not isinstance(value, Mapping):
        raise ValueError(f"has a {name} that is not a mapping of days, hours and time_zone")  # noqa: TRY004
    if strange := [key for key in value if key not in _FIELDS]:
        raise ValueError(f"has an unknown key in {name}: {strange[0]!r}")
    begins, ends = _hours(value.get("hours") or "00:00-24:00", name)
    return Window(_days(value.get("days") or "mon-sun", name), begins, ends, _zone(value, name))


def _days(value: object, name: str) -> frozenset[int]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"has no days in {name}")
    return frozenset(day for word in words for day in _range(word.strip().lower(), name))


def _range(text: str, name: str) -> list[int]:
    first, _, last = text.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        raise ValueError(f"has {text!r} among the days of {name}")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]


def _hours(value: object, name: str) -> tuple[int, int]:
    match = _HOURS.fullmatch(str(value).replace(" ", ""))
    if match is None:
        raise ValueError(f"has hours in {name} that are not like 22:00-06:00")
    hour, minute, end_hour, end_minute = map(int, match.groups())
    begins, ends = hour * _MINUTES_PER_HOUR + minute, end_hour * _MINUTES_PER_HOUR + end_minute
    late = begins >= DAY_MINUTES or ends > DAY_MINUTES
    if late or max(minute, end_minute) >= _MINUTES_PER_HOUR:
        raise ValueError(f"has hours in {name} that are out of range")
    if begins == ends:
        raise ValueError(f"has hours in {name} that end when they begin (a whole day is 00:00-24:00)")
    return begins, ends


def _zone(value: Mapping[str, object], name: str) -> ZoneInfo:
    text = str(value.get("time_zone") or "UTC")
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"has a time_zone in {name} that is unknown: {text!r}") from error


def _text(window: Window) -> str:
    days = ", ".join(DAYS[day] for day in sorted(window.days))
    hours = f"{_clock(window.begins)}-{_clock(window.ends)}"
    return f'{{days: [{days}], hours: "{hours}", time_zone: {window.zone.key}}}'


def _clock(minutes: int) -> str:
    return f"{minutes // _MINUTES_PER_HOUR:02}:{minutes % _MINUTES_PER_HOUR:02}"
