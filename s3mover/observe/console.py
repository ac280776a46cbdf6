"""Turns one log event into a line for people: a clock, a friendly sign, the event, its fields in columns.

Pure: no stream and no logger here; `logs.py` writes what this room composes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from s3mover.observe.text import human_size, visible

_SIGNS = {
    "daemon.started": "🚀",
    "daemon.stopping": "🛑",
    "daemon.stopped": "👋",
    "daemon.paused": "💤",
    "daemon.resumed": "🏃",
    "daemon.defect": "💥",
    "settings.reloaded": "🔁",
    "settings.invalid": "🚫",
    "control.unavailable": "🚪",
    "window.closed": "🌙",
    "window.opened": "🌅",
    "route.failed": "🚧",
    "sweep.awaited": "⏲️",
    "sweep.started": "🔄",
    "sweep.listed": "📋",
    "sweep.progress": "⏳",
    "sweep.finished": "📊",
    "object.moved": "✅",
    "object.failed": "❌",
    "object.fallback": "⚠️",
    "object.reduced": "🪶",
    "object.skipped": "⏩",
    "object.recovered": "🩹",
    "source.deleted": "🧹",
    "source.kept": "📌",
    "worker.started": "🔧",
    "worker.died": "💀",
    "throttle.changed": "🐢",
    "audit.unavailable": "🔌",
    "audit.restored": "🔋",
    "lease.acquired": "🔒",
    "lease.waiting": "⌛",
    "credentials.refreshed": "🔑",
}
_OTHER_SIGN = "🔍"
_EVENT_WIDTH = 21  # the longest event name
_WIDTHS = {"method": 23, "size": 14, "seconds": 16, "attempts": 10}
_LAST = ("code", "key", "pair", "summary", "message")
_ELSEWHERE = frozenset({"timestamp", "level", "event", "trace"})
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[36m", "warning": "\x1b[33m"}
_ALARM = "\x1b[31m"
_PLAIN = "\x1b[0m"


def render_line(fields: Mapping[str, object], *, colours: bool) -> str:
    """Return the line, without its end, for an event's fields; a trace follows on indented lines of its own."""
    event = str(fields["event"])
    name = f"{visible(event):<{_EVENT_WIDTH}}"
    if colours:
        name = f"{_COLOURS.get(str(fields['level']), _ALARM)}{name}{_PLAIN}"
    cells = [_cell(field, fields[field]) for field in _ordered(fields) if fields[field] not in ("", None)]
    head = f"{_local_time(str(fields['timestamp']))} {_SIGNS.get(event, _OTHER_SIGN)} {name}"
    return "  ".join([head, *cells]).rstrip() + _trace(str(fields.get("trace", "")))


def _ordered(fields: Mapping[str, object]) -> list[str]:
    """Name the fields with the free texts last, where their length disturbs no column."""
    narrow = [field for field in fields if field not in _ELSEWHERE and field not in _LAST]
    return narrow + [field for field in _LAST if field in fields]


def _cell(field: str, value: object) -> str:
    text = _FORMATS.get(field, _plain)(value)
    return f"{field}={text}".ljust(_WIDTHS.get(field, 0))


def _trace(trace: str) -> str:
    return "".join(f"\n    {visible(line)}" for line in trace.splitlines())


def _plain(value: object) -> str:
    text = visible(str(value))
    return f'"{text}"' if " " in text else text


def _size(value: object) -> str:
    return human_size(value) if isinstance(value, int | float) else _plain(value)


def _seconds(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else _plain(value)


def _moment(value: object) -> str:
    return f"{datetime.fromtimestamp(value):%H:%M:%S}" if isinstance(value, int | float) else _plain(value)


def _weekday(value: object) -> str:
    return f"{datetime.fromtimestamp(value):%a %H:%M}" if isinstance(value, int | float) else _plain(value)


def _names(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) and value else "-"


def _local_time(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp).astimezone():%H:%M:%S}"


_FORMATS: dict[str, Callable[[object], str]] = {
    "size": _size,
    "bytes": _size,
    "seconds": _seconds,
    "ended_at": _moment,
    "opens_at": _weekday,
    "closes_at": _weekday,
    "changed": _names,
    "refused": _names,
    "message": lambda value: visible(str(value)),
}
