"""The progress bar, on a real terminal and elsewhere."""

import io
import os
from collections.abc import Callable, Iterator
from threading import Thread
from typing import TextIO

import pytest
from rich.progress_bar import ProgressBar

from s3mover.events import ObjectsListed, SweepListed, SweepStarted
from s3mover.model import Side
from s3mover.observe.logs import LogListener, configure
from s3mover.observe.progress import ProgressListener, describe, draw
from s3mover.observe.sweep_counter import SweepCounter
from tests.observe.conftest import Clock
from tests.observe.samples import PAIR, failed, finished, moved, planned


class Screen:
    """A real terminal of 100 columns, and what was written to it."""

    def __init__(self) -> None:
        self._ours, theirs = os.openpty()
        self.stream: TextIO = open(theirs, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closed by `text`
        self._seen = b""
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while piece := os.read(self._ours, 65536):
                self._seen += piece
        except OSError:
            return  # on Linux: the other end was closed

    def text(self) -> str:
        """Close the terminal and return all it was sent."""
        if not self.stream.closed:
            self.stream.close()
            self._reader.join()
            os.close(self._ours)
        return self._seen.decode()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Return a terminal that can move its cursor."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    screen = Screen()
    yield screen
    screen.text()


def run(listener: ProgressListener, objects: int = 3) -> None:
    """Announce the events of a small sweep."""
    with listener as bar:
        bar(SweepStarted(7, PAIR))
        listener(ObjectsListed(Side.SOURCE, objects))
        listener(planned(objects))
        listener(SweepListed(7, objects, 0, objects))
        for _ in range(objects):
            listener(moved())
        listener(finished())


def test_a_terminal_shows_the_last_counts(screen: Screen) -> None:
    """When the block ends, the bar stays with the final counts."""
    run(ProgressListener(screen.stream))
    assert "3 listed · 3/3 moved · 0 failed" in screen.text()


def test_redraws_are_few_however_many_objects_move(screen: Screen) -> None:
    """The bar is redrawn at a fixed rate, not once per event."""
    run(ProgressListener(screen.stream), objects=5_000)
    assert 1 <= screen.text().count("listed") < 500


def test_no_progress_means_none(screen: Screen) -> None:
    """With `--no-progress` nothing is written."""
    listener = ProgressListener(screen.stream, enabled=False)
    run(listener)
    assert listener.stream is screen.stream
    assert screen.text() == ""


def test_a_dumb_terminal_gets_no_bar(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot move its cursor gets no output."""
    monkeypatch.setenv("TERM", "dumb")
    run(ProgressListener(screen.stream))
    assert screen.text() == ""


def test_nothing_is_written_to_a_file_or_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no bar, even if colours are forced."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    run(ProgressListener(stream))
    assert stream.getvalue() == ""


def test_log_lines_stand_above_the_bar(screen: Screen) -> None:
    """What is logged to the listener's stream becomes whole lines that the bar does not overwrite."""
    listener = ProgressListener(screen.stream)
    configure("warning", "auto", listener.stream)
    log = LogListener()
    with listener:
        log(failed("in/[bold]b.pdf"))
    assert "key=in/[bold]b.pdf" in screen.text()


def test_the_cursor_comes_back_after_an_error(screen: Screen) -> None:
    """The terminal is restored however the block ends."""
    with pytest.raises(RuntimeError, match="broken"), ProgressListener(screen.stream):
        raise RuntimeError("broken")
    assert screen.text().rindex("\x1b[?25h") > screen.text().rindex("\x1b[?25l")


def test_the_line_has_counts_rates_and_the_time_left(clock: Clock) -> None:
    """Listed, moved, failed, objects and bytes per second, and the time left."""
    counter = SweepCounter(clock)
    for event in (SweepStarted(7, PAIR), ObjectsListed(Side.SOURCE, 50), planned(40, size=1_000_000)):
        counter(event)
    clock.now += 10
    for _ in range(19):
        counter(moved(size=1_000_000))
    counter(failed())
    assert describe(counter.snapshot()) == "50+ listed · 19/40+ moved · 1 failed · 2 objects/s · 1.90 MB/s"
    counter(SweepListed(7, 50, 10, 40))
    assert describe(counter.snapshot()) == (
        "50 listed · 19/40 moved · 1 failed · 2 objects/s · 1.90 MB/s · 0:00:11 left"
    )


@pytest.mark.parametrize(
    ("happened", "total", "completed"),
    [
        (lambda _counter: None, 1, 1),
        (lambda counter: counter(SweepStarted(7, PAIR)), None, 0),
        (
            lambda counter: [
                counter(SweepStarted(7, PAIR)),
                counter(planned(4)),
                counter(moved()),
                counter(failed()),
            ],
            4,
            2,
        ),
        (lambda counter: [counter(SweepStarted(7, PAIR)), counter(finished())], 1, 1),
    ],
)
def test_the_bar_fills_with_what_ended(
    clock: Clock, happened: Callable[[SweepCounter], object], total: float | None, completed: float
) -> None:
    """While nothing is known it pulses, then it fills; after the sweep it is full."""
    counter = SweepCounter(clock)
    happened(counter)
    bar = draw(counter.snapshot()).renderables[0]
    assert isinstance(bar, ProgressBar)
    assert (bar.total, bar.completed, bar.pulse) == (total, completed, total is None)
