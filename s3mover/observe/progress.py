"""The live progress bar of one sweep on a terminal; no output elsewhere. The only module that imports rich."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO, cast

from rich.console import Console, Group
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from s3mover.events import Event
from s3mover.observe.output import TextOutput
from s3mover.observe.sweep_counter import Snapshot, SweepCounter
from s3mover.observe.text import human_size

_REDRAWS = 10  # per second; there are thousands of events per second
_BAR_WIDTH = 40
_LAST_DRAWING_SECONDS = 1.0  # to write what the bar shows at its end, on a terminal that does not stand still


class ProgressListener:
    """A `Notify` and a context manager: the bar is shown within the `with` block.

    Args:
        stream: the output, on which the bar is drawn if it is a terminal.
        enabled: False for `--no-progress`.
        clock: returns seconds that never go back.
    """

    def __init__(
        self, stream: TextIO, *, enabled: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counter = SweepCounter(clock)
        self._stream = stream
        self._console = Console(file=stream)
        self._output: TextOutput | None = None
        self._live: Live | None = None
        if enabled and _can_redraw(self._console, stream):
            # A terminal that stands still (Ctrl-S) must not stop the sweep.
            self._output = TextOutput(stream)
            self._console = Console(file=cast("TextIO", self._output))
            self._live = self._bar()

    @property
    def shown(self) -> bool:
        """Whether there is a bar."""
        return self._live is not None

    @property
    def stream(self) -> TextIO:
        """The stream for other output: while the bar is shown, its lines appear above the bar."""
        return self._stream if self._live is None else cast("TextIO", FileProxy(self._console, self._stream))

    def __call__(self, event: Event) -> None:
        """Count `event`; the bar is redrawn at a fixed rate."""
        self._counter(event)

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop updating the bar, which stays with its last counts."""
        if self._live is not None and self._output is not None:
            self._live.stop()
            self._output.drain(_LAST_DRAWING_SECONDS)

    def _bar(self) -> Live:
        return Live(
            console=self._console,
            refresh_per_second=_REDRAWS,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=lambda: draw(self._counter.snapshot()),
        )


def draw(snapshot: Snapshot) -> Group:
    """Return the bar and the line of counts; the total grows until the listing ends."""
    ended = snapshot.tally.succeeded + snapshot.tally.failed
    known = ended + snapshot.waiting
    bar = ProgressBar(
        total=known or None if snapshot.running else known or 1,
        completed=ended if snapshot.running else known or 1,
        width=_BAR_WIDTH,
        pulse=snapshot.running and not known,
    )
    return Group(bar, Text(describe(snapshot), no_wrap=True, overflow="ellipsis"))


def describe(snapshot: Snapshot) -> str:
    """Return the counts in one line."""
    tally = snapshot.tally
    ended = tally.succeeded + tally.failed
    more = "+" if snapshot.listing else ""
    parts = [
        f"{tally.listed}{more} listed",
        f"{tally.succeeded}/{ended + snapshot.waiting}{more} moved",
        f"{tally.failed} failed",
        f"{snapshot.objects_per_second:.0f} objects/s",
        f"{human_size(snapshot.bytes_per_second)}/s",
    ]
    if snapshot.eta_seconds is not None:
        parts.append(f"{_hours_minutes_seconds(snapshot.eta_seconds)} left")
    return " · ".join(parts)


def _hours_minutes_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _can_redraw(console: Console, stream: TextIO) -> bool:
    """Return whether the stream is a terminal that can move its cursor; a dumb terminal cannot."""
    return stream.isatty() and console.is_terminal and not console.is_dumb_terminal
