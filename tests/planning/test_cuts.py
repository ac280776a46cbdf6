"""Where a listing is cut for many machines: at keys that exist, evenly where keys are spread so, with few questions."""

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.planning.cuts import cut_keys

MOST_QUESTIONS = 24 + 3 * 16


class Listing:
    """Keys in order, and how often they were asked for."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)
        self.questions = 0

    def first_after(self, text: str) -> str | None:
        """Return the first key after a text."""
        self.questions += 1
        at = bisect_right(self.keys, text)
        return self.keys[at] if at < len(self.keys) else None

    def sizes(self, after: str, until: str | None, pieces: int) -> list[int]:
        """Return how many keys each piece has."""
        cuts = cut_keys(after, until, pieces, self.first_after)
        ends = [bisect_right(self.keys, cut) for cut in cuts]
        last = len(self.keys) if until is None else bisect_right(self.keys, until)
        return [high - low for low, high in pairwise([bisect_right(self.keys, after), *ends, last])]


@pytest.mark.parametrize(
    "keys",
    [
        [f"{number:08d}" for number in range(20_000)],
        [f"documents/{number:06x}.pdf" for number in range(20_000)],
        [f"{folder:02d}/{number:04d}" for folder in range(20) for number in range(1000)],
    ],
    ids=["flat", "hexadecimal", "folders"],
)
def test_pieces_are_about_as_large(keys: list[str]) -> None:
    """None has more than three times its share; no more is asked than is allowed."""
    listing = Listing(keys)
    sizes = listing.sizes("", None, 16)
    assert len(sizes) == 16
    assert sum(sizes) == len(keys)
    assert max(sizes) <= 3 * len(keys) / 16
    assert listing.questions <= MOST_QUESTIONS


@given(
    keys=st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=40),
    pieces=st.integers(1, 16),
    bounds=st.tuples(st.text(max_size=3), st.none() | st.text(min_size=1, max_size=3)),
)
def test_cuts_are_keys_between_the_bounds_in_order(
    keys: list[str], pieces: int, bounds: tuple[str, str | None]
) -> None:
    """Whatever keys there are: fewer than asked for where there are few."""
    listing, (after, until) = Listing(keys), bounds
    cuts = cut_keys(after, until, pieces, listing.first_after)
    assert cuts == sorted(set(cuts))
    assert set(cuts) <= set(keys)
    assert len(cuts) < max(pieces, 1) or not cuts
    assert all(after < cut and (until is None or cut < until) for cut in cuts)
    assert listing.questions <= MOST_QUESTIONS
