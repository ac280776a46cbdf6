"""The arithmetic of parts over all sizes that S3 knows."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.transfer.parts import (
    GIB,
    MAX_OBJECT_SIZE,
    MAX_PART_SIZE,
    MAX_PARTS,
    MIB,
    MIN_PART_SIZE,
    part_size_for,
    parts_of,
)


@given(size=st.integers(1, MAX_OBJECT_SIZE), wanted=st.integers(MIN_PART_SIZE, MAX_PART_SIZE))
def test_any_object_fits_into_ten_thousand_parts(size: int, wanted: int) -> None:
    """The part size is at least what was wanted, within S3's bounds, and needs no more than 10,000 parts."""
    chosen = part_size_for(size, wanted)
    assert wanted <= chosen <= MAX_PART_SIZE
    assert -(-size // chosen) <= MAX_PARTS


@given(size=st.integers(1, 10_000), part_size=st.integers(1, 1_000))
def test_parts_cover_every_byte_once(size: int, part_size: int) -> None:
    """The parts follow each other without gap or overlap, numbered from 1; only the last may be smaller."""
    parts = list(parts_of(size, part_size))
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert parts[0].first == 0
    assert parts[-1].last == size - 1
    for one, following in pairwise(parts):
        assert following.first == one.last + 1
        assert one.length == part_size
    assert sum(part.length for part in parts) == size


@pytest.mark.parametrize(
    ("size", "part_size"),
    [(64 * MIB, 64 * MIB), (625 * GIB, 64 * MIB), (625 * GIB + 1, 65 * MIB), (5 * 1024 * GIB, 525 * MIB)],
)
def test_the_part_size_grows_where_it_must(size: int, part_size: int) -> None:
    """10,000 parts of 64 MiB hold 625 GiB; beyond that the size grows in whole MiB."""
    assert part_size_for(size, 64 * MIB) == part_size
