"""Formats a log event as a console line: time, emoji, event name, fields in columns. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime

from s3mover.observe.text import human_size, visible

_EMOJIS = {
    "daemon.started": "🚀",
    "daemon.stopping": "🛑",
    "daemon.stopped": "👋",
    "daemon.paused": "💤",
    "daemon.resumed": "🏃",
    "daemon.defect": "💥",
    "daemon.task_failed": "🧯",
    "log.lines_dropped": "🕳️",
    "operator.requested": "🙋",
    "settings.reloaded": "🔁",
    "settings.invalid": "🚫",
    "control.unavailable": "🚪",
    "kubernetes.unavailable": "☸️",
    "window.closed": "🌙",
    "window.opened": "🌅",
    "route.failed": "🚧",
    "sweep.awaited": "⏲️",
    "sweep.started": "🔄",
    "sweep.listed": "📋",
    "listing.limited": "🐌",
    "sweep.progress": "⏳",
    "sweep.finished": "📊",
    "object.moved": "✅",
    "object.failed": "❌",
    "object.fallback": "⚠️",
    "object.reduced": "🪶",
    "object.skipped": "⏩",
    "object.recovered": "🩹",
    "object.deleted": "🗑️",
    "object.kept": "🔗",
    "deletions.refused": "✋",
    "source.deleted": "🧹",
    "source.kept": "📌",
    "worker.started": "🔧",
    "worker.died": "💀",
    "throttle.changed": "🐢",
    "audit.unavailable": "🔌",
    "audit.restored": "🔋",
    "lease.acquired": "🔒",
    "lease.waiting": "⌛",
    "lease.lost": "🔓",
    "seal.written": "🔏",
    "seals.anchored": "⚓",
    "anchor.failed": "🌊",
    "credentials.refreshed": "🔑",
    "scheduler.unavailable": "📵",
    "scheduler.restored": "📶",
    "machine.started": "🏗️",
    "machine.registered": "🪪",
    "machine.joined": "🖥️",
    "machine.left": "🚶",
    "machine.lost": "⚰️",
    "range.started": "📦",
    "range.finished": "🏁",
    "range.retried": "♻️",
    "events.unreadable": "✉️",
    "events.failed": "📪",
    "events.batch_ended": "📬",
    "cost.limit_reached": "💸",
    "dask.warning": "🧩",
    "dask.error": "🧨",
}
_OTHER_EMOJI = "🔍"
_EVENT_WIDTH = 21  # the longest event name
_WIDTHS = {"method": 23, "size": 14, "seconds": 16, "attempts": 10}
_FREE_TEXT = ("code", "key", "pair", "summary", "message")
_NOT_COLUMNS = frozenset({"timestamp", "level", "event", "trace"})
_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[36m", "warning": "\x1b[33m"}
_ERROR_COLOUR = "\x1b[31m"
_RESET = "\x1b[0m"


def render_line(fields: Mapping[str, object], *, colours: bool) -> str:
    """Return the line for an event's fields, without line end; a trace follows on indented lines."""
    event = str(fields["event"])
    name = f"{visible(event):<{_EVENT_WIDTH}}"
    if colours:
        name = f"{_COLOURS.get(str(fields['level']), _ERROR_COLOUR)}{name}{_RESET}"
    columns = [_column(field, fields[field]) for field in _ordered(fields) if fields[field] not in ("", None)]
    head = f"{_local_time(str(fields['timestamp']))} {_EMOJIS.get(event, _OTHER_EMOJI)} {name}"
    return "  ".join([head, *columns]).rstrip() + _trace(str(fields.get("trace", "")))


def _ordered(fields: Mapping[str, object]) -> list[str]:
    """Return the names of the fields, free text last, where its length does not shift any column."""
    columns = [field for field in fields if field not in _NOT_COLUMNS and field not in _FREE_TEXT]
    return columns + [field for field in _FREE_TEXT if field in fields]


def _column(field: str, value: object) -> str:
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


def _clock_time(value: object) -> str:
    return f"{datetime.fromtimestamp(value):%H:%M:%S}" if isinstance(value, int | float) else _plain(value)


def _weekday_time(value: object) -> str:
    return f"{datetime.fromtimestamp(value):%a %H:%M}" if isinstance(value, int | float) else _plain(value)


def _name_list(value: object) -> str:
    return visible(", ".join(map(str, value))) if isinstance(value, tuple) and value else "-"


def _local_time(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp).astimezone():%H:%M:%S}"


_FORMATS: dict[str, Callable[[object], str]] = {
    "size": _size,
    "bytes": _size,
    "seconds": _seconds,
    "outage_seconds": _seconds,
    "ended_at": _clock_time,
    "paused_at": _clock_time,
    "opens_at": _weekday_time,
    "closes_at": _weekday_time,
    "changed": _name_list,
    "refused": _name_list,
    "message": lambda value: visible(str(value)),
}
