"""The log: one structured event per thing that happened, as JSON lines or as lines for people.

The only door to structlog. What an event is called and what it carries is said in `s3mover.events`; how a line for
people looks is said in `console.py`.
"""

import io
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TextIO

from s3mover.observe.lazy_imports import without

with without("rich"), without("asyncio", missed=True):
    # structlog would load one for a console of its own, 5 MB and 70 ms, and the other for methods that are coroutines,
    # 15 ms: nothing of that is used here.
    import structlog
    from structlog.typing import EventDict, FilteringBoundLogger, Processor

from s3mover.events import Event
from s3mover.model import Tally
from s3mover.observe.console import render_line
from s3mover.observe.redaction import redact, redactor
from s3mover.observe.text import to_json, utc_moment

__all__ = ["LEVELS", "LogListener", "configure", "log_internal_error", "redact"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_TALLY = Tally.__match_args__


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
    sink = _Sink(stream, encoding)
    structlog.configure(
        processors=[_redact_fields, _stamp(clock), _console(stream, encoding) if people else _json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )


class LogListener:
    """A `Notify` that writes each event; made after `configure`, whose level it keeps until it is told another."""

    def __init__(self, **fields: str) -> None:
        self._fields = fields
        self._writers = _writers(fields)
        self._children: list[LogListener] = []

    def of_route(self, name: str) -> "LogListener":
        """Return a listener whose events have the field `route`; it follows this one's level."""
        self._children.append(LogListener(route=name))
        return self._children[-1]

    def set_level(self, level: str) -> None:
        """Write events of at least `level` from now on, a key of `LEVELS`."""
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
        for listener in (self, *self._children):
            listener._writers = _writers(listener._fields)

    def __call__(self, event: Event) -> None:
        """Write `event`, unless its level is below the configured one."""
        write = self._writers.get(event.level)
        if write is not None:
            write(event.name, **fields_of(event))


def _writers(fields: Mapping[str, str]) -> dict[str, Callable[..., None]]:
    logger: FilteringBoundLogger = structlog.get_logger().bind(**fields)
    return {
        level: getattr(logger, level) for level, weight in LEVELS.items() if logger.is_enabled_for(weight)
    }


def log_internal_error(error: BaseException) -> None:
    """Write the event `daemon.internal_error`: what broke, with its trace.

    Before `configure` it goes to standard error: nobody has said yet where the log is.
    """
    if not structlog.is_configured():
        configure("info", "auto", sys.stderr)
    trace = "".join(traceback.format_exception(error))
    structlog.get_logger().critical(
        "daemon.defect", code=type(error).__name__, message=str(error), trace=trace
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
    """The end of the chain: writes whole lines, one at a time, and flushes each."""

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

    debug = info = warning = error = critical = write


def _stamp(clock: Callable[[], float]) -> Processor:
    def arrange(_logger: object, level: str, fields: EventDict) -> Mapping[str, Any]:
        return {"timestamp": utc_moment(clock()), "level": level, "event": fields.pop("event"), **fields}

    return arrange


def _redact_fields(_logger: object, _level: str, fields: EventDict) -> EventDict:
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = redactor.clean(value)
    return fields


def _json(_logger: object, _level: str, fields: EventDict) -> bytes:
    return to_json(fields)


def _console(stream: TextIO, encoding: str) -> Processor:
    colours = stream.isatty() and "NO_COLOR" not in os.environ

    def render(_logger: object, _level: str, fields: EventDict) -> bytes:
        return render_line(fields, colours=colours).encode(encoding, "backslashreplace")

    return render
