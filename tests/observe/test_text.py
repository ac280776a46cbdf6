"""Text that no key can break."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.observe.text import human_size, summary_line, to_json, utc_moment, visible, visible_lines

any_text = st.text(alphabet=st.characters(exclude_categories=()))


@given(any_text)
def test_json_of_any_text_is_one_line_that_can_be_read(text: str) -> None:
    """Whatever a key holds, its JSON has no line break of any kind and is valid UTF-8."""
    line = to_json({"key": text}).decode()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["key"] == text.encode("utf-8", "backslashreplace").decode()


def test_json_takes_what_orjson_refuses_at_any_depth() -> None:
    """Lone surrogates, integers beyond 64 bits and other objects become text at any depth."""
    value = {"\udc80": [("\ud800", 2**70, None, True, 1.5)], "n": 7, "error": ValueError("x")}
    read = json.loads(to_json(value))
    assert read == {"\\udc80": [["\\ud800", str(2**70), None, True, 1.5]], "n": 7, "error": "x"}


@pytest.mark.parametrize("mark", "\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\x85\x9b")
def test_json_shows_no_mark_that_reorders_or_commands(mark: str) -> None:
    """A terminal that prints the line is not deceived; a parser gets the text as it was."""
    line = to_json(f"a{mark}b")
    assert line.isascii()
    assert json.loads(line) == f"a{mark}b"


def test_visible_lines_keep_their_line_ends_only() -> None:
    """A list of errors stays a list; what a store put into one shows as escapes."""
    assert visible_lines("a\x1b[2J\nb\u202e\r\n") == "a\\x1b[2J\nb\\u202e\\r\n"


@given(any_text)
def test_a_visible_text_prints_on_one_line(text: str) -> None:
    """What is shown holds neither control characters nor marks that reorder a line."""
    shown = visible(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain/ä b.pdf", "plain/ä b.pdf"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\udc80", "a\\udc80"),
    ],
)
def test_what_does_not_print_is_written_as_its_escape(text: str, shown: str) -> None:
    """Printable text stays as it is, the rest is escaped as in Python's source."""
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 KB"),
        (1_000_000, "1.00 MB"),
        (1_234_567, "1.23 MB"),
        (5_368_709_120, "5.37 GB"),
        (48_000_000_000_000, "48.00 TB"),
        (4_800_000_000_000_000, "4800.00 TB"),
    ],
)
def test_sizes_are_decimal_with_two_digits(size: int, shown: str) -> None:
    """A size is shown in the largest unit that leaves one or more in front of the point."""
    assert human_size(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1_735_960_629.123456, "2025-01-04T03:17:09.123456Z"),
        (1_735_960_629.0, "2025-01-04T03:17:09.000000Z"),
        (1_735_960_629.9999998, "2025-01-04T03:17:09.999999Z"),
    ],
)
def test_moments_are_utc_to_the_microsecond(seconds: float, shown: str) -> None:
    """There are always six decimals."""
    assert utc_moment(seconds) == shown


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", ""),
        ("no such bucket", "no such bucket"),
        (
            "\n  Can't connect to 'db:3306'\n  Is it running?\n\n  See the manual.\n",
            "Can't connect to 'db:3306'",
        ),
        (
            'internal error: Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no number\n',
            "internal error: ValueError: no number",
        ),
        ("a\x1b[2Jb\u2028c", "a\\x1b[2Jb"),
    ],
)
def test_a_message_is_summed_up_on_one_line(message: str, line: str) -> None:
    """The first line says what happened; of a traceback the last one does."""
    assert summary_line(message) == line


@given(any_text)
def test_a_summary_is_printable_and_one_line(text: str) -> None:
    """Whatever the message holds."""
    assert summary_line(text).isprintable()
