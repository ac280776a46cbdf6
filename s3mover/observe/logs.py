"""The log: one line per event, as JSON or for a console.

`s3mover.events` defines the names and fields of events, `console.py` the format of console lines.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import Any, Protocol, TextIO

from s3mover.events import Event
from s3mover.model import DeletionCounts, Tally
from s3mover.observe.console import render_line
from s3mover.observe.output import BackgroundWriter, descriptor_of, dropped_log_lines
from s3mover.observe.redaction import redact, redactor
from s3mover.observe.text import to_json, utc_moment

__all__ = ["LEVELS", "LogListener", "configure", "log_internal_error", "redact"]

LEVELS = ("debug", "info", "warning", "error", "critical")

Fields = Mapping[str, Any]
# Returns the line of an event, from its level, its name and its fields.
Render = Callable[[str, str, Fields], bytes]

_COUNTS = (Tally, DeletionCounts)  # a tuple: a union would be built anew for each value
_opened: list[BackgroundWriter] = []
_configured: list["_Log"] = []


def configure(
    level: str,
    format: str,  # noqa: A002 - the setting's name
    stream: TextIO | None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Write every later log event of at least `level` to `stream`.

    Args:
        level: one of `LEVELS`.
        format: `json`, `console`, or `auto` (console where `stream` is a terminal).
        stream: the output; None if it was closed before the program started. A line that cannot be written (full
            disk, broken pipe, a reader that stopped reading) is dropped and counted: the trail has what matters,
            and the log must not stop the transfers.
        clock: returns seconds since the epoch.
    """
    console = format == "console" or (format == "auto" and stream is not None and stream.isatty())
    encoding = getattr(stream, "encoding", None) or "utf-8" if console else "utf-8"
    style = _console(stream, encoding) if console else to_json

    def render(level: str, name: str, fields: Fields) -> bytes:
        moment = utc_moment(clock())
        return style({"timestamp": moment, "level": level, "event": name, **_redacted(fields)}) + b"\n"

    _configured[:] = [_Log(level, render, _open_output(stream, encoding, render))]


class LogListener:
    """A `Notify` that writes each event; create it after `configure`, whose level it keeps until `set_level`."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields
        self._log = _current()

    def of_route(self, name: str) -> "LogListener":
        """Return a listener that adds the field `route`; `set_level` applies to it too."""
        return LogListener(route=name)

    def set_level(self, level: str) -> None:
        """Write events of at least `level`, one of `LEVELS`, from now on."""
        self._log.set_level(level)

    def __call__(self, event: Event) -> None:
        """Write `event`, unless its level is below the configured level."""
        if event.level in self._log.levels:
            self._log.write(event.level, event.name, self._fields | fields_of(event))


class _Log:
    """What was configured: the levels that are written, how a line is rendered, and where it goes."""

    def __init__(self, level: str, render: Render, output: "_Output") -> None:
        self._render = render
        self._output = output
        self.set_level(level)

    def set_level(self, level: str) -> None:
        """Write events of at least `level`."""
        self.levels = frozenset(LEVELS[LEVELS.index(level) :])

    def write(self, level: str, name: str, fields: Fields) -> None:
        """Write one event."""
        self._output.write(self._render(level, name, fields))


def _current() -> _Log:
    """Return the configured log; before `configure`, one that writes to standard error."""
    if not _configured:
        configure("info", "auto", sys.stderr)
    return _configured[0]


def log_internal_error(error: BaseException) -> None:
    """Write the event `daemon.defect` with the traceback of an internal error.

    Before `configure`, it is written to standard error.
    """
    trace = "".join(traceback.format_exception(error))
    fields = {"code": type(error).__name__, "message": str(error), "trace": trace}
    _current().write("critical", "daemon.defect", fields)


def fields_of(event: Event) -> dict[str, Any]:
    """Return an event's fields by name; counts become one field each, times are rounded to microseconds."""
    fields: dict[str, Any] = {}
    names: tuple[str, ...] = event.__match_args__  # the names of a dataclass's fields, in order
    for name in names:
        value = getattr(event, name)
        if isinstance(value, float):
            fields[name] = round(value, 6)
        elif isinstance(value, _COUNTS):
            fields.update((count, getattr(value, count)) for count in type(value).__match_args__)
        else:
            fields[name] = value
    return fields


class _Output(Protocol):
    """Where lines go."""

    def write(self, line: bytes) -> None:
        """Write one line; drop it if that is not possible."""


class _TextOutput:
    """Writes lines to a stream in memory, or to one that draws them above the progress bar."""

    def __init__(self, stream: TextIO, encoding: str) -> None:
        self._lock = Lock()
        self._stream = stream
        self._encoding = encoding

    def write(self, line: bytes) -> None:
        """Write one line."""
        with self._lock:
            self._stream.write(line.decode(self._encoding))
            self._stream.flush()


class _NoOutput:
    """Drops every line."""

    def write(self, line: bytes) -> None:  # noqa: ARG002 - it has nowhere to go
        """Count the line."""
        dropped_log_lines.add(1)


def _open_output(stream: TextIO | None, encoding: str, render: Render) -> _Output:
    """Return the output for `stream`, and close the one before."""
    while _opened:
        _opened.pop().close()
    if stream is None:
        return _NoOutput()
    descriptor = descriptor_of(stream)
    if descriptor is None:
        return _TextOutput(stream, encoding)
    with suppress(OSError):
        stream.flush()  # text that was written before comes first
    _opened.append(
        BackgroundWriter(descriptor, lambda lines: _dropped_notice(lines, render), dropped_log_lines)
    )
    return _opened[-1]


def _dropped_notice(lines: int, render: Render) -> bytes:
    """Return the line that stands where `lines` lines are missing."""
    message = "the log's output was not read, or could not be written"
    return render("warning", "log.lines_dropped", {"lines": lines, "message": message})


def _redacted(fields: Fields) -> Fields:
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    together = "\n".join(texts.values())
    # Hardly any event has a secret: looking through all of its texts at once takes a third of the time.
    if redactor.clean(together) == together:
        return fields
    return {**fields, **{name: redactor.clean(value) for name, value in texts.items()}}


def _console(stream: TextIO | None, encoding: str) -> Callable[[dict[str, Any]], bytes]:
    colours = stream is not None and stream.isatty() and "NO_COLOR" not in os.environ

    def style(line: dict[str, Any]) -> bytes:
        return render_line(line, colours=colours).encode(encoding, "backslashreplace")

    return style
