"""The log: one structured event per thing that happened, as JSON lines or as lines for people.

What an event is called and what it carries is said in `s3mover.events`; how a line for people looks is said in
`console.py`.
"""

import io
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TextIO

from s3mover.events import Event
from s3mover.model import Tally
from s3mover.observe.console import render_line
from s3mover.observe.redaction import redact, redactor
from s3mover.observe.text import to_json, utc_moment

__all__ = ["LEVELS", "LogListener", "configure", "log_defect", "redact"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_TALLY = Tally.__match_args__

Fields = Mapping[str, Any]
Render = Callable[[Fields], bytes]


def configure(
    level: str,
    format: str,  # noqa: A002 - the setting's name
    stream: TextIO,
    clock: Callable[[], float] = time.time,
) -> None:
    """Send every later log event of at least `level` to `stream`.

    Args:
        level: a key of `LEVELS`.
        format: `json`, `console`, or `auto` (console where `stream` is a terminal).
        stream: where lines go. A line that cannot be written (a full disk, a pipe that nobody reads) is lost:
            the trail holds what matters, and a log must not stop the work.
        clock: seconds since the epoch.
    """
    people = format == "console" or (format == "auto" and stream.isatty())
    encoding = (stream.encoding or "utf-8") if people else "utf-8"
    render = _console(stream, encoding) if people else to_json
    _log.sink, _log.render, _log.clock, _log.level = _Sink(stream, encoding), render, clock, level


class LogListener:
    """A `Notify` that writes each event; made after `configure`, whose level it keeps until it is told another."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields
        self._lowest = LEVELS[_log.level]
        self._children: list[LogListener] = []

    def of_route(self, name: str) -> "LogListener":
        """Return a listener whose events have the field `route`; it follows this one's level."""
        self._children.append(LogListener(route=name))
        return self._children[-1]

    def set_level(self, level: str) -> None:
        """Write events of at least `level` from now on, a key of `LEVELS`."""
        for listener in (self, *self._children):
            listener._lowest = LEVELS[level]

    def __call__(self, event: Event) -> None:
        """Write `event`, unless its level is below the configured one."""
        if LEVELS[event.level] >= self._lowest:
            _log.write(event.level, event.name, {**self._fields, **fields_of(event)})


def log_defect(error: BaseException) -> None:
    """Write the event `daemon.defect`: what broke, with its trace.

    Before `configure` it goes to standard error: nobody has said yet where the log is.
    """
    if _log.sink is None:
        configure("info", "auto", sys.stderr)
    trace = "".join(traceback.format_exception(error))
    _log.write(
        "critical", "daemon.defect", {"code": type(error).__name__, "message": str(error), "trace": trace}
    )


def fields_of(event: Event) -> dict[str, Any]:
    """Return an event's fields by name, a tally's counts among them, times rounded to microseconds."""
    fields: dict[str, Any] = {}
    names: tuple[str, ...] = event.__match_args__  # a dataclass keeps the names of its fields there, in order
    for name in names:
        value = getattr(event, name)
        if isinstance(value, float):
            fields[name] = round(value, 6)
        elif isinstance(value, Tally):
            fields.update((count, getattr(value, count)) for count in _TALLY)
        else:
            fields[name] = value
    return fields


class _Sink:
    """Writes whole lines, one at a time, and flushes each."""

    def __init__(self, stream: TextIO, encoding: str) -> None:
        stream.flush()
        self._lock = Lock()
        self._stream = stream
        # A rich or in-memory stream has no bytes underneath that it would be right to write to.
        self._buffer = stream.buffer if isinstance(stream, io.TextIOWrapper) else None
        self._encoding = encoding

    def write(self, line: bytes) -> None:
        """Write `line` and its end."""
        with self._lock:
            try:
                self._put(line + b"\n")
            except OSError:
                return  # see `configure`: the work goes on without this line

    def _put(self, line: bytes) -> None:
        if self._buffer is None:
            self._stream.write(line.decode(self._encoding))
            self._stream.flush()
        else:
            self._buffer.write(line)
            self._buffer.flush()


class _Log:
    """Where and how lines are written, for the whole process; `sink` is None until that was said."""

    sink: _Sink | None = None
    render: Render = staticmethod(to_json)
    clock: Callable[[], float] = staticmethod(time.time)
    level = "info"

    def write(self, level: str, event: str, fields: Fields) -> None:
        """Write one line, without what must not be shown."""
        if self.sink is not None:
            head = {"timestamp": utc_moment(self.clock()), "level": level, "event": event}
            self.sink.write(self.render(head | {name: _clean(value) for name, value in fields.items()}))


_log = _Log()


def _clean(value: object) -> object:
    return redactor.clean(value) if isinstance(value, str) else value


def _console(stream: TextIO, encoding: str) -> Render:
    colours = stream.isatty() and "NO_COLOR" not in os.environ

    def render(fields: Fields) -> bytes:
        return render_line(fields, colours=colours).encode(encoding, "backslashreplace")

    return render
