"""Writes to standard output and error without blocking the caller: an output that nobody reads must not stop the work.

A thread per output writes; a bounded number of bytes waits for it, and further lines are dropped and counted.
"""

import contextlib
import io
import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread
from typing import NamedTuple, TextIO

# Waiting lines of one output: seconds of the log at full speed, and no matter beside the memory of the process.
MAX_WAITING_BYTES = 4 * 1024 * 1024
# Lines that come within this time of the last write are written together: to wake a thread costs 20 microseconds,
# several times as much as a line.
_LINGER_SECONDS = 0.01
# To write the last lines at the end of the program, where a reader is slow or gone.
LAST_LINES_SECONDS = 1.0

_open_writers: list["BackgroundWriter"] = []


class DroppedLines:
    """Counts the lines of an output that nobody received; it never goes back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.count = 0

    def add(self, lines: int) -> None:
        """Count `lines` more."""
        with self._lock:
            self.count += lines


dropped_log_lines = DroppedLines()
"""The lines of this process's log that nobody received."""


class _Batch(NamedTuple):
    """Lines in order, and how many were dropped before the first and after the last of them."""

    before: int
    lines: list[bytes]
    after: int


class BackgroundWriter:
    """Writes lines to a file descriptor, in order, on a thread of its own.

    Args:
        descriptor: the output, which stays open for as long as this writer.
        notice: returns the line that stands where this number of lines was dropped.
        dropped: counts the lines that were dropped because too many waited, or could not be written.
    """

    def __init__(
        self,
        descriptor: int,
        notice: Callable[[int], bytes] = lambda _: b"",
        dropped: DroppedLines | None = None,
        *,
        limit: int = MAX_WAITING_BYTES,
    ) -> None:
        self._descriptor = descriptor
        self._notice = notice
        self._dropped = dropped or DroppedLines()
        self._limit = limit
        self._wake: SimpleQueue[bool] = SimpleQueue()  # cheaper than a condition, on the path of every line
        self._lock = Lock()
        self._idle = Condition(self._lock)
        self._waiting = _Batch(0, [], 0)
        self._waiting_bytes = 0
        self._working = self._torn = False
        _open_writers.append(self)
        Thread(target=self._run, name="output", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Queue one or more whole lines as one; drop it if too much waits."""
        with self._lock:
            # Once a line was dropped, a shorter one must not pass it: the notice stands where lines are missing.
            if self._waiting.after or self._waiting_bytes + len(line) > self._limit:
                self._waiting = self._waiting._replace(after=self._waiting.after + 1)
                self._dropped.add(1)
            else:
                self._waiting.lines.append(line)
                self._waiting_bytes += len(line)
            if self._working:
                return
            self._working = True
        self._wake.put(True)

    def drain(self, seconds: float) -> bool:
        """Wait until everything is written, at most `seconds`; return whether it is."""
        self._wake.put(True)
        with self._idle:
            return self._idle.wait_for(lambda: not self._working, seconds)

    def close(self) -> None:
        """End the thread once it has written what waits."""
        with contextlib.suppress(ValueError):  # closed before
            _open_writers.remove(self)
            self._wake.put(False)

    def _run(self) -> None:
        open_ = True
        while open_:
            open_ = self._wake.get()
            while batch := self._take():
                self._write_batch(batch)
                open_ = self._linger() and open_

    def _linger(self) -> bool:
        """Wait a little for more lines, unless the output is drained or closed; return False if it is closed."""
        try:
            return self._wake.get(timeout=_LINGER_SECONDS)
        except Empty:
            return True

    def _take(self) -> _Batch | None:
        """Return all that waits; None, and be idle, if there are no lines to write."""
        with self._idle:
            if not self._waiting.lines and not self._waiting.after:
                self._working = False
                self._idle.notify_all()
                return None
            batch, self._waiting = self._waiting, _Batch(0, [], 0)
            self._waiting_bytes = 0
            return batch

    def _write_batch(self, batch: _Batch) -> None:
        """Write lines and notices; count what could not be written, to say so before the next line."""
        pieces, weights = list(batch.lines), [1] * len(batch.lines)
        if batch.before:
            pieces.insert(0, self._notice(batch.before))
            weights.insert(0, batch.before)
        if batch.after:
            pieces.append(self._notice(batch.after))
            weights.append(batch.after)
        if self._torn:
            pieces[0] = b"\n" + pieces[0]
        whole = _whole(pieces, self._send(b"".join(pieces)))
        if whole < len(pieces):
            self._dropped.add(len(batch.lines[max(0, whole - bool(batch.before)) :]))
            with self._lock:
                self._waiting = self._waiting._replace(before=sum(weights[whole:]))

    def _send(self, data: bytes) -> int:
        """Write `data` and return how many bytes of it were written before an error."""
        sent = 0
        view = memoryview(data)
        while sent < len(data):
            try:
                sent += os.write(self._descriptor, view[sent:])
            except BlockingIOError:
                # Another program made our output non-blocking: the flag belongs to the open file, which is shared.
                select.select([], [self._descriptor], [])
            except OSError as error:
                # The rest of the line follows on a full disk; the reader of a broken pipe is gone.
                self._torn = not isinstance(error, BrokenPipeError) and not data[:sent].endswith(b"\n")
                return sent
        self._torn = False
        return sent


def _whole(pieces: Sequence[bytes], sent: int) -> int:
    """Return how many of `pieces` are within the first `sent` bytes."""
    count = 0
    for piece in pieces:
        sent -= len(piece)
        if sent < 0:
            break
        count += 1
    return count


class TextOutput(io.TextIOBase):
    """A text stream on a `BackgroundWriter`, for a library that writes to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._writer = BackgroundWriter(stream.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the library only reads it
        """The encoding of the stream."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Queue `text`."""
        self._writer.write(text.encode(self.encoding, "backslashreplace"))
        return len(text)

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor, which tells the size of a terminal."""
        return self._stream.fileno()

    def drain(self, seconds: float) -> bool:
        """Wait until everything is written, at most `seconds`; return whether it is."""
        return self._writer.drain(seconds)


def descriptor_of(stream: TextIO | None) -> int | None:
    """Return the file descriptor of a stream that writes to one, None for one in memory."""
    # The stand-ins of rich have a descriptor too, but change what is written to them.
    if not isinstance(stream, io.TextIOWrapper):
        return None
    try:
        return stream.fileno()
    except OSError:
        return None


def print_error(text: str) -> None:
    """Write whole lines to standard error, after what the other outputs still have to write.

    If nobody reads it, the program ends all the same.
    """
    from s3mover.observe.text import visible_lines  # noqa: PLC0415 - not needed where nothing fails

    drain(LAST_LINES_SECONDS)
    text = visible_lines(text)
    stream = sys.stderr
    descriptor = descriptor_of(stream)
    if descriptor is not None:
        with contextlib.suppress(OSError):
            stream.flush()
        BackgroundWriter(descriptor).write(text.encode(stream.encoding, "backslashreplace"))
        drain(LAST_LINES_SECONDS)
    elif stream is not None:  # None if it was closed before the program started
        stream.write(text)


def drain(seconds: float = LAST_LINES_SECONDS) -> bool:
    """Wait until all outputs are written, at most `seconds` in all; return whether they are."""
    deadline = time.monotonic() + seconds
    drained = [writer.drain(max(0.0, deadline - time.monotonic())) for writer in list(_open_writers)]
    return all(drained)
