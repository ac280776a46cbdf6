"""The log: one line per event, as JSON or for a console. The only module that imports structlog.

`s3mover.events` defines the names and fields of events, `console.py` the format of console lines.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Protocol, TextIO

from s3mover.observe.lazy_imports import without

# structlog imports rich for a console renderer and asyncio for asynchronous loggers; neither is used here.
# Without both, importing it takes 45 ms and 3 MB instead of 225 ms and 15 MB (Python 3.11, two cores).
with without("rich"), without("asyncio", required=True):
    import structlog
    from structlog.typing import EventDict, FilteringBoundLogger, Processor

from s3mover.events import Event
from s3mover.model import DeletionCounts, Tally
from s3mover.observe.console import render_line
from s3mover.observe.output import BackgroundWriter, descriptor_of, dropped_log_lines
from s3mover.observe.redaction import redact, redactor
from s3mover.observe.text import to_json, utc_moment

__all__ = ["LEVELS", "LogListener", "configure", "log_internal_error", "redact"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}

_COUNTS = (Tally, DeletionCounts)  # a tuple: a union would be built anew for each value
_opened: list[BackgroundWriter] = []


def configure(
    level: str,
    format: str,  # noqa: A002 - the setting's name
    stream: TextIO | None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Write every later log event of at least `level` to `stream`.

    Args:
        level: a key of `LEVELS`.
        format: `json`, `console`, or `auto` (console where `stream` is a terminal).
        stream: the output; None if it was closed before the program started. A line that cannot be written (full
            disk, broken pipe, a reader that stopped reading) is dropped and counted: the trail has what matters,
            and the log must not stop the transfers.
        clock: returns seconds since the epoch.
    """
    console = format == "console" or (format == "auto" and stream is not None and stream.isatty())
    encoding = getattr(stream, "encoding", None) or "utf-8" if console else "utf-8"
    processors: list[Processor] = [_redact_fields, _add_timestamp(clock)]
    processors.append(_console(stream, encoding) if console else _json)
    logger = _Logger(_open_output(stream, encoding, processors))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=False,
    )


class LogListener:
    """A `Notify` that writes each event; create it after `configure`, whose level it keeps until `set_level`."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields
        self._writers = _writers(fields)
        self._routes: list[LogListener] = []

    def of_route(self, name: str) -> "LogListener":
        """Return a listener that adds the field `route`; `set_level` applies to it too."""
        self._routes.append(LogListener(route=name))
        return self._routes[-1]

    def set_level(self, level: str) -> None:
        """Write events of at least `level`, a key of `LEVELS`, from now on."""
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
        for listener in (self, *self._routes):
            listener._writers = _writers(listener._fields)

    def __call__(self, event: Event) -> None:
        """Write `event`, unless its level is below the configured level."""
        write = self._writers.get(event.level)
        if write is not None:
            write(event.name, **fields_of(event))


def _writers(fields: Mapping[str, str]) -> dict[str, Callable[..., None]]:
    logger: FilteringBoundLogger = structlog.get_logger().bind(**fields)
    return {
        level: getattr(logger, level) for level, weight in LEVELS.items() if logger.is_enabled_for(weight)
    }


def log_internal_error(error: BaseException) -> None:
    """Write the event `daemon.defect` with the traceback of an internal error.

    Before `configure`, it is written to standard error.
    """
    if not structlog.is_configured():
        configure("info", "auto", sys.stderr)
    trace = "".join(traceback.format_exception(error))
    structlog.get_logger().critical(
        "daemon.defect", code=type(error).__name__, message=str(error), trace=trace
    )


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


class _Logger:
    """The logger behind structlog: passes complete lines to the output."""

    def __init__(self, output: _Output) -> None:
        self._output = output

    def write(self, line: bytes) -> None:
        """Write `line` and a line end."""
        self._output.write(line + b"\n")

    debug = info = warning = error = critical = write


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


def _open_output(stream: TextIO | None, encoding: str, processors: Sequence[Processor]) -> _Output:
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
        BackgroundWriter(descriptor, lambda lines: _dropped_notice(lines, processors), dropped_log_lines)
    )
    return _opened[-1]


def _dropped_notice(lines: int, processors: Sequence[Processor]) -> bytes:
    """Return the line that stands where `lines` lines are missing."""
    event: Any = {
        "event": "log.lines_dropped",
        "lines": lines,
        "message": "the log's output was not read, or could not be written",
    }
    for process in processors:
        event = process(None, "warning", event)
    return bytes(event) + b"\n"


def _add_timestamp(clock: Callable[[], float]) -> Processor:
    def add(_logger: object, level: str, fields: EventDict) -> Mapping[str, Any]:
        return {"timestamp": utc_moment(clock()), "level": level, "event": fields.pop("event"), **fields}

    return add


def _redact_fields(_logger: object, _level: str, fields: EventDict) -> EventDict:
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    together = "\n".join(texts.values())
    # Hardly any event has a secret: looking through all of its texts at once takes a third of the time.
    if redactor.clean(together) != together:
        fields.update({name: redactor.clean(value) for name, value in texts.items()})
    return fields


def _json(_logger: object, _level: str, fields: EventDict) -> bytes:
    return to_json(fields)


def _console(stream: TextIO | None, encoding: str) -> Processor:
    colours = stream is not None and stream.isatty() and "NO_COLOR" not in os.environ

    def render(_logger: object, _level: str, fields: EventDict) -> bytes:
        return render_line(fields, colours=colours).encode(encoding, "backslashreplace")

    return render
