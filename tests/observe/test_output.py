"""Output that nobody reads, or that cannot be written, blocks nobody."""

import fcntl
import os
import resource
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from s3mover.observe.output import BackgroundWriter, DroppedLines, TextOutput, print_error
from testkit.waiting import TOO_LONG, wait_until

PIPE_BYTES = 4096


class Pipe:
    """A small pipe, its writer, and what was dropped; nobody reads it unless a test does."""

    def __init__(self, limit: int) -> None:
        self.end, self.theirs = os.pipe()
        fcntl.fcntl(self.theirs, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.dropped = DroppedLines()
        self.writer = BackgroundWriter(self.theirs, lambda lines: b"-%d\n" % lines, self.dropped, limit=limit)

    def fill(self) -> bytes:
        """Write a line that is longer than the pipe, and return it once the thread waits for a reader."""
        line = b"x" * 2 * PIPE_BYTES
        self.writer.write(line + b"\n")
        select.select([self.end], [], [])
        return line

    def read(self) -> list[bytes]:
        """Read until everything is written, and return the lines."""
        data = b""

        def is_drained() -> bool:
            nonlocal data
            written = self.writer.drain(0)
            data += _available(self.end)
            return written

        wait_until(is_drained, "everything is written")
        return data.splitlines()


def _available(descriptor: int) -> bytes:
    os.set_blocking(descriptor, False)
    data = b""
    try:
        while piece := os.read(descriptor, PIPE_BYTES):
            data += piece
    except BlockingIOError:
        pass  # nothing more is there now
    return data


@contextmanager
def piped(limit: int = 10_000) -> Iterator[Pipe]:
    """Return a pipe, and close it at the end."""
    pipe = Pipe(limit)
    try:
        yield pipe
    finally:
        os.close(pipe.end)
        pipe.writer.close()
        assert pipe.writer.drain(TOO_LONG)
        os.close(pipe.theirs)


def test_lines_arrive_whole_and_in_order() -> None:
    """However many there are."""
    lines = [b"%d" % number for number in range(5_000)]
    with piped(limit=100_000) as pipe:
        for line in lines:
            pipe.writer.write(line + b"\n")
        assert pipe.read() == lines
        assert pipe.dropped.count == 0


def test_an_output_that_nobody_reads_blocks_no_writer_and_says_later_what_is_missing() -> None:
    """The lines before the gap come first, in order; then one line counts the dropped ones; then come new ones."""
    with piped() as pipe:
        first = pipe.fill()
        for number in range(100_000):
            pipe.writer.write(b"%d\n" % number)
        dropped = pipe.dropped.count
        assert dropped > 90_000
        kept = [b"%d" % number for number in range(100_000 - dropped)]
        assert pipe.read() == [first, *kept, b"-%d" % dropped]
        pipe.writer.write(b"next\n")
        assert pipe.read() == [b"next"]


def test_no_shorter_line_passes_a_gap() -> None:
    """A line that would fit is dropped too while the notice of the ones before has not been written."""
    with piped() as pipe:
        first = pipe.fill()
        pipe.writer.write(b"x" * 20_000 + b"\n")  # longer than the limit
        pipe.writer.write(b"short\n")
        assert pipe.read() == [first, b"-2"]


def test_memory_is_bounded() -> None:
    """What waits is limited in bytes, however long nobody reads."""
    with piped(limit=50_000) as pipe:
        pipe.fill()
        for _ in range(10_000):
            pipe.writer.write(b"x" * 999 + b"\n")
        assert pipe.dropped.count == 10_000 - 50


def test_an_output_whose_reader_is_gone_drops_and_counts() -> None:
    """Nothing is raised, and no line is tried for ever."""
    with piped() as pipe:
        os.close(pipe.end)
        for _ in range(3):
            pipe.writer.write(b"lost\n")
            assert pipe.writer.drain(TOO_LONG)
        assert pipe.dropped.count == 3
        pipe.end = os.open(os.devnull, os.O_RDONLY)


def test_the_line_after_one_that_was_cut_begins_a_new_line(tmp_path: Path) -> None:
    """A full disk may take half a line."""
    path = tmp_path / "log"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open("wb") as file:
        writer = BackgroundWriter(file.fileno(), lambda lines: b"-%d\n" % lines)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            writer.write(b"first\nsecond\n")
            assert writer.drain(TOO_LONG)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        writer.write(b"third\n")
        assert writer.drain(TOO_LONG)
        writer.close()
    assert path.read_bytes() == b"first\nseco\n-1\nthird\n"


def test_an_output_that_another_program_made_non_blocking_loses_nothing() -> None:
    """The flag belongs to the open file, which programs share."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    writer = BackgroundWriter(theirs)
    text = b"x" * 300_000 + b"\n"
    writer.write(text)
    received = b""
    while len(received) < len(text):
        received += os.read(ours, 65_536)
    assert received == text
    assert writer.drain(TOO_LONG)
    writer.close()
    os.close(ours)
    os.close(theirs)


def test_a_stream_for_a_library_never_blocks_either() -> None:
    """It passes text on in the stream's encoding, and drops what nobody takes."""
    ours, theirs = os.pipe()
    with open(theirs, "w", encoding="ascii") as stream:  # noqa: PTH123 - a descriptor
        output = TextOutput(stream)
        assert (output.encoding, output.isatty(), output.fileno()) == ("ascii", False, theirs)
        assert output.write("ä\n") == 2
        assert output.drain(TOO_LONG)
        assert os.read(ours, 100) == b"\\xe4\n"
        for _ in range(100):
            output.write("x" * 100_000)
        assert not output.drain(0)
        os.close(ours)
        assert output.drain(TOO_LONG)


def test_an_error_that_nobody_reads_does_not_keep_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard error may be a full pipe, a broken one, or closed."""
    print_error("read\nescaped \x1b[2J\n")
    assert capsys.readouterr().err == "read\nescaped \\x1b[2J\n"
    monkeypatch.setattr("sys.stderr", None)
    print_error("closed\n")
    monkeypatch.setattr("s3mover.observe.output.LAST_LINES_SECONDS", 0.01)
    ours, theirs = os.pipe()
    with open(theirs, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr("sys.stderr", stream)
        print_error("x" * 1_000_000)
        os.close(ours)
        print_error("broken\n")
