"""Durations, sizes and shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.settings.units import (
    parse_duration,
    parse_share,
    parse_size,
    write_duration,
    write_share,
    write_size,
)


@pytest.mark.parametrize(
    ("text", "share"), [("10%", 0.1), ("0.5 %", 0.005), (" 100% ", 1.0), ("0", 0.0), ("0%", 0.0)]
)
def test_a_share_is_a_percentage(text: str, share: float) -> None:
    """Each documented form is read to its fraction, which is written as it was."""
    assert parse_share(text) == share
    assert parse_share(write_share(share)) == share


@pytest.mark.parametrize("text", ["", "10", "0.1", "-1%", "ten%", "10%%", "1e1%"])
def test_anything_else_is_no_share(text: str) -> None:
    """A bare number could be a fraction as well as a percentage."""
    with pytest.raises(ValueError, match="is not a percentage"):
        parse_share(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("60s", 60),
        ("5m", 300),
        ("24h", 86_400),
        ("7d", 604_800),
        ("1h30m", 5_400),
        ("1.5h", 5_400),
        (" 25s ", 25),
        ("0", 0),
        ("0s", 0),
        ("0.1s", 0.1),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    """Each documented form is read to its seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "-5s", "5 s", "5x", "1e3s", "5sm", "\u0665s", "NaN", "inf", "5s\n5"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    """Signs, unknown units, foreign digits and left-overs are refused."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_a_bare_number_is_not_guessed_to_be_seconds() -> None:
    """The message says what is missing, because 60 could be minutes as well."""
    with pytest.raises(ValueError, match="has no unit"):
        parse_duration("60")


def test_a_duration_stays_short_of_what_a_wait_takes() -> None:
    """A lock's longest wait is 292 years; more than a hundred are refused."""
    assert parse_duration("36500d") == 36_500 * 86_400
    with pytest.raises(ValueError, match="hundred years"):
        parse_duration("36501d")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MiB", 67_108_864),
        ("5GiB", 5_368_709_120),
        ("10MB", 10_000_000),
        ("10 MB", 10_000_000),
        ("1.5GiB", 1_610_612_736),
        ("1kB", 1_000),
        ("1KB", 1_000),
        ("1KiB", 1_024),
        ("2TiB", 2**41),
        ("3GB", 3 * 10**9),
        ("2TB", 2 * 10**12),
        ("7B", 7),
        ("67108864", 67_108_864),
        ("0", 0),
    ],
)
def test_a_size_is_a_number_with_a_unit_or_plain_bytes(text: str, size: int) -> None:
    """Binary units count by 1,024, decimal ones by 1,000."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MiB", "-1", "64 apples", "64Mb", "64iB", "64M", "1e6", "1.5", "9" * 40]
)
def test_anything_else_is_no_size(text: str) -> None:
    """Bits, bare letters, signs and half bytes are refused."""
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@given(st.integers(0, 2**45))
def test_a_written_size_reads_back(size: int) -> None:
    """Writing loses no byte."""
    assert parse_size(write_size(size)) == size


@given(st.integers(0, 10**11))
def test_a_written_duration_reads_back(milliseconds: int) -> None:
    """Writing loses no millisecond below a second and no second above."""
    seconds = milliseconds / 1000 if milliseconds < 1000 else float(milliseconds // 1000)
    assert parse_duration(write_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "60s"), (120, "2m"), (300, "5m"), (86_400, "24h"), (604_800, "7d"), (0, "0s"), (0.5, "500ms")],
)
def test_a_duration_is_written_as_people_write_it(seconds: float, text: str) -> None:
    """The unit is the largest of which there are at least two."""
    assert write_duration(seconds) == text
