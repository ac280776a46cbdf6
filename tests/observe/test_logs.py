"""The log, as JSON lines and as console lines."""

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from s3mover import events
from s3mover.events import Event, LeaseWaiting, ObjectsListed, SweepStarted
from s3mover.model import Side
from s3mover.observe.console import render_line
from s3mover.observe.logs import LogListener, configure, log_internal_error, redact
from s3mover.observe.output import drain, dropped_log_lines
from testkit.waiting import TOO_LONG
from tests.observe.samples import DELETIONS, EVERY_KIND, PAIR, TALLY, failed, finished, moved

# The contract's list, copied.
CONTRACT = """
daemon.started daemon.stopping daemon.stopped sweep.started sweep.listed sweep.progress sweep.finished object.moved
object.failed object.fallback object.reduced object.skipped object.recovered source.deleted source.kept worker.started
worker.died throttle.changed audit.unavailable audit.restored lease.acquired lease.waiting credentials.refreshed
"""
# What was added since.
ADDED = """
daemon.paused daemon.resumed settings.reloaded settings.invalid control.unavailable window.closed window.opened
route.failed daemon.task_failed listing.limited lease.lost object.deleted object.kept deletions.refused
scheduler.unavailable scheduler.restored machine.registered machine.joined machine.left machine.lost range.started
range.finished range.retried dask.warning dask.error machine.started operator.requested kubernetes.unavailable
seal.written anchor.failed cost.limit_reached
events.unreadable events.failed events.batch_ended
"""
NAMES = CONTRACT.split() + ADDED.split()
KINDS = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
NASTY = "a\nb\r\x00\x1b[2J\u2028\x85\ud800\udc80 \U0001f600"
NOW = 1_735_960_629.123456


def written(*announced: Event, level: str = "info", style: str = "json") -> str:
    """Return what is logged for the `announced` events."""
    stream = io.StringIO()
    configure(level, style, stream, clock=lambda: NOW)
    listener = LogListener()
    for event in announced:
        listener(event)
    return stream.getvalue()


def records(*announced: Event, level: str = "info") -> list[dict[str, Any]]:
    """Return the JSON lines that are logged for the `announced` events."""
    return [json.loads(line) for line in written(*announced, level=level).splitlines()]


def test_the_catalogue_of_events_is_the_contracts() -> None:
    """Every name of the contract is an event that is logged at `info`, and no other is."""
    loud = {kind.name for kind in KINDS if kind is not Event and kind.level != "debug"}
    assert loud == set(NAMES)


def test_the_samples_cover_every_event() -> None:
    """The samples contain each event that exists."""
    assert {type(event) for event in EVERY_KIND} == set(KINDS) - {Event}


def test_every_event_becomes_one_json_line_with_its_fields() -> None:
    """Timestamp, level and event come first, then the event's own fields in their order, tallies flattened."""
    lines = written(*EVERY_KIND, level="debug").splitlines()
    assert len(lines) == len(EVERY_KIND)
    for line, event in zip(lines, EVERY_KIND, strict=True):
        record = json.loads(line)
        names: tuple[str, ...] = event.__match_args__
        fields = [name for name in names if name not in {"tally", "counts"}]
        flattened = {*TALLY.__match_args__, *DELETIONS.__match_args__}
        assert [name for name in record if name not in flattened or name in fields] == [
            "timestamp",
            "level",
            "event",
            *fields,
        ]
        assert (record["timestamp"], record["level"], record["event"]) == (
            "2025-01-04T03:17:09.123456Z",
            event.level,
            event.name,
        )


def test_fields_are_spelled_as_the_contract_says() -> None:
    """One field has one spelling in every event."""
    [record] = records(failed())
    assert {"sweep", "key", "method", "size", "seconds", "attempts", "code", "message"} <= set(record)
    assert record["method"] == "streaming"


def test_a_tally_is_flattened() -> None:
    """The counts of a sweep become fields of the event."""
    [record] = records(finished())
    assert "tally" not in record
    assert (record["listed"], record["bytes"], record["server_side_copies"]) == (10, 5_000, 3)


def test_times_are_rounded_to_microseconds() -> None:
    """More digits would be noise."""
    [record] = records(moved(seconds=0.034567891))
    assert record["seconds"] == 0.034568


@pytest.mark.parametrize(("level", "expected"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 1)])
def test_events_below_the_level_are_dropped(level: str, expected: int) -> None:
    """The configured level is the lowest that is written."""
    assert len(records(ObjectsListed(Side.SOURCE, 1), moved(), failed(), level=level)) == expected


def test_a_dropped_event_costs_no_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the level its fields are not even built."""
    monkeypatch.delattr("s3mover.observe.logs.fields_of")
    assert written(ObjectsListed(Side.SOURCE, 1)) == ""


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_key_breaks_a_line_or_the_listener(style: str) -> None:
    """Line breaks, terminal commands and lone surrogates in a key are escaped."""
    text = written(moved(NASTY), failed(NASTY, message=NASTY), style=style)
    assert len(text.splitlines()) == 2
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\ud800-\udfff]", text)


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_registered_secret_never_shows(style: str) -> None:
    """A secret is masked in every field."""
    redact(["hunter2-secret"])
    text = written(failed("in/hunter2-secret.pdf", message="denied for hunter2-secret"), style=style)
    assert "hunter2" not in text
    assert text.count("[redacted]") == 2


def test_an_internal_error_is_one_event_with_its_traceback() -> None:
    """The traceback, with its cause, is one field of one line, with secrets masked."""
    stream = io.StringIO()
    configure("error", "json", stream)
    redact(["hunter2-secret"])
    try:
        try:
            int("hunter2-secret")
        except ValueError as cause:
            raise RuntimeError("broken\n\udc80") from cause
    except RuntimeError as error:
        log_internal_error(error)
    [line] = stream.getvalue().splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"], record["code"]) == ("daemon.defect", "critical", "RuntimeError")
    assert "Traceback" in record["trace"]
    assert "direct cause" in record["trace"]
    assert "hunter2" not in line


def test_an_internal_error_before_the_log_is_configured_goes_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The traceback is shown although there is no log yet."""
    log_internal_error(ValueError("broken"))
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["event"] == "daemon.defect"


def test_an_internal_error_is_readable_on_a_console() -> None:
    """The traceback follows the event on indented lines."""
    stream = io.StringIO()
    configure("info", "console", stream)
    log_internal_error(ValueError("broken\nin two"))
    first, *trace = stream.getvalue().splitlines()
    assert "💥 daemon.defect" in first
    assert "trace=" not in first
    assert first.endswith("code=ValueError  message=broken\\nin two")
    assert trace == ["    ValueError: broken", "    in two"]


def test_auto_is_json_off_a_terminal() -> None:
    """A stream that is not a terminal gets JSON."""
    assert json.loads(written(moved(), style="auto"))["event"] == "object.moved"


def test_a_console_line_is_readable_and_plain_off_a_terminal() -> None:
    """Emoji, event, then columns, with free text last and no colour codes."""
    line = written(moved(size=1_234_567), style="console")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d ✅ object.moved           sweep=7  method=server_side_copy {2,}size=1.23 MB {2,}"
        r"seconds=0.250 {2,}attempts=1  key=in/a.pdf\n",
        line,
    )


def test_console_columns_stand_under_each_other() -> None:
    """The key of each object begins in the same column, whatever its method and size."""
    from_copy, from_failure = written(moved(size=1), failed(), style="console").splitlines()
    assert from_copy.index("attempts=") == from_failure.index("attempts=")


def test_every_event_has_its_own_emoji() -> None:
    """No event of the contract has the emoji of unknown events."""
    lines = [
        render_line(
            {"timestamp": "2025-01-04T03:17:09.123456Z", "level": "info", "event": name}, colours=False
        )
        for name in NAMES
    ]
    emojis = [line.split()[1] for line in lines]
    assert len(set(emojis)) == len(NAMES)
    assert "🔍" not in emojis


def test_an_event_without_an_emoji_is_shown_too() -> None:
    """Debug events have the emoji of unknown events."""
    assert "🔍 sweep.page" in written(ObjectsListed(Side.SOURCE, 1), level="debug", style="console")


def test_a_console_line_omits_empty_fields() -> None:
    """It shows neither empty texts nor missing values."""
    line = written(failed(method=None, message=""), style="console")
    assert "method" not in line
    assert "message" not in line


def test_a_console_line_formats_sizes_and_times() -> None:
    """Bytes have a unit, seconds three digits, and an end is a time of the day."""
    line = written(finished(), style="console")
    assert "bytes=5.00 KB" in line
    assert "seconds=22.610" in line
    assert re.search(r"ended_at=\d\d:\d\d:20 ", line)


def test_a_console_line_quotes_a_value_with_spaces() -> None:
    """Quotes mark where the value ends."""
    assert f'pair="{PAIR}"' in written(SweepStarted(7, PAIR), style="console")


def test_a_foreign_value_in_a_number_field_is_shown_as_text() -> None:
    """The console shows what it is given, number or not."""
    fields = {"timestamp": "2025-01-04T03:17:09Z", "level": "info", "event": "x", "size": "?", "seconds": "?"}
    assert "size=?" in render_line({**fields, "ended_at": "?"}, colours=False)


def test_a_terminal_gets_colours_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` on a terminal is the console with colours; NO_COLOR turns them off."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[36mobject.moved         \x1b[0m  sweep=7" in on_terminal(moved())
    assert "\x1b[31mobject.failed" in on_terminal(failed())
    assert "\x1b[33mlease.waiting" in on_terminal(LeaseWaiting(PAIR))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal(moved())


def on_terminal(event: Event) -> str:
    """Return what a real terminal receives for `event`."""
    ours, theirs = os.openpty()
    try:
        with open(theirs, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - a descriptor
            configure("info", "auto", terminal)
            LogListener()(event)
            return os.read(ours, 4096).decode()
    finally:
        os.close(ours)


def test_a_file_gets_utf8_json_whatever_its_own_encoding(tmp_path: Path) -> None:
    """JSON is UTF-8; a stream's locale does not change it."""
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as stream:
        configure("info", "json", stream)
        LogListener()(moved("in/ä.pdf"))
        assert drain(TOO_LONG)
    assert json.loads(path.read_bytes())["key"] == "in/ä.pdf"


def test_a_console_that_cannot_encode_an_emoji_gets_its_escape(tmp_path: Path) -> None:
    """An ASCII terminal gets escapes; the listener does not fail."""
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as stream:
        configure("info", "console", stream)
        LogListener()(moved("in/ä.pdf"))
        assert drain(TOO_LONG)
    assert b"\\u2705 object.moved" in path.read_bytes()


def test_text_written_before_comes_first(tmp_path: Path) -> None:
    """Text that the stream had buffered is written before the first log line."""
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        stream.write("before\n")
        configure("info", "json", stream)
        LogListener()(moved())
        assert drain(TOO_LONG)
    assert path.read_text().startswith('before\n{"timestamp"')


def test_a_log_that_cannot_be_written_raises_nothing_and_is_counted() -> None:
    """On a full disk the lines are lost, and nothing is raised."""
    before = dropped_log_lines.count
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123 - a device
        configure("info", "json", stream)
        listener = LogListener()
        listener(moved())
        listener(moved())
        assert drain(TOO_LONG)
    assert dropped_log_lines.count - before == 2


@pytest.mark.parametrize("style", ["json", "console", "auto"])
def test_an_output_that_was_closed_before_the_start_counts_every_line(style: str) -> None:
    """There is no stream at all then, as after `s3mover run >&-`."""
    before = dropped_log_lines.count
    configure("info", style, None)
    LogListener()(moved())
    assert dropped_log_lines.count - before == 1


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_line_says_where_lines_are_missing(style: str, tmp_path: Path) -> None:
    """The reader of a named pipe leaves and comes back: what it missed is counted in a line of the log's own format."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    first = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pipe.open("w", encoding="utf-8") as stream:
        configure("info", style, stream)
        listener = LogListener()
        os.close(first)
        for key in ("lost", "lost too"):
            listener(moved(key))
        assert drain(TOO_LONG)
        second = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        listener(moved("next"))
        assert drain(TOO_LONG)
        notice, line = os.read(second, 4096).decode().splitlines()
    os.close(second)
    assert "log.lines_dropped" in notice
    assert re.search(r"\blines\W+2\b", notice)
    assert "next" in line


def test_the_level_can_change_while_it_runs() -> None:
    """It changes for the listeners of routes too, whose first field is the route."""
    stream = io.StringIO()
    configure("warning", "json", stream, clock=lambda: NOW)
    listener = LogListener()
    of_route = listener.of_route("hr")
    for each in (listener, of_route):
        each(moved())
    assert stream.getvalue() == ""
    listener.set_level("info")
    for each in (listener, of_route):
        each(moved())
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "route" not in first
    assert list(second)[:4] == ["timestamp", "level", "event", "route"]
    assert second["route"] == "hr"
