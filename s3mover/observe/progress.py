"""The live progress bar of one sweep, on a terminal; nothing at all elsewhere. The only door to rich."""

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
from s3mover.observe.sweep_counter import Snapshot, SweepCounter
from s3mover.observe.text import human_size

_REDRAWS = 10  # per second; the eye needs no more, and events come by the thousand
_BAR_WIDTH = 40


class ProgressListener:
    """A `Notify` and a context manager: the bar lives inside the `with` block.

    Args:
        stream: where the bar is drawn, if it is a terminal.
        enabled: False for `--no-progress`.
        clock: seconds that never go back.
    """

    def __init__(
        self, stream: TextIO, *, enabled: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counter = SweepCounter(clock)
        self._stream = stream
        self._console = Console(file=stream)
        self._live = self._bar() if enabled and _can_move(self._console, stream) else None

    @property
    def alive(self) -> bool:
        """Whether there is a bar to see."""
        return self._live is not None

    @property
    def stream(self) -> TextIO:
        """Where others write while the bar lives: their lines appear above it."""
        return self._stream if self._live is None else cast("TextIO", FileProxy(self._console, self._stream))

    def __call__(self, event: Event) -> None:
        """Count `event`; the bar is drawn at its own pace."""
        self._counter(event)

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar with its last counts."""
        if self._live is not None:
            self._live.stop()

    def _bar(self) -> Live:
        return Live(
            console=self._console,
            refresh_per_second=_REDRAWS,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=lambda: draw(self._counter.snapshot()),
        )


def draw(snapshot: Snapshot) -> Group:
    """Return the bar and its line of counts; the total grows while the listing goes on."""
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
        parts.append(f"{_clock_face(snapshot.eta_seconds)} left")
    return " · ".join(parts)


def _clock_face(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _can_move(console: Console, stream: TextIO) -> bool:
    """A dumb terminal cannot take a line back."""
    return stream.isatty() and console.is_terminal and not console.is_dumb_terminal
