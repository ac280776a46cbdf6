"""Where a listing is cut for many machines: at keys that exist, evenly where keys are spread so, with few questions."""

from bisect import bisect_right
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.planning.cuts import cut_keys, even_pieces
from s3mover.planning.ranges import ALL_KEYS, KeyBounds

MOST_QUESTIONS = 24 + 3 * 16


class Listing:
    """Keys in order, and how often they were asked for."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)
        self.questions = self.rounds = 0

    def first_after(self, texts: Sequence[str]) -> list[str | None]:
        """Return the first key after each text."""
        self.questions += len(texts)
        self.rounds += 1
        places = [bisect_right(self.keys, text) for text in texts]
        return [self.keys[at] if at < len(self.keys) else None for at in places]

    def size(self, piece: KeyBounds) -> int:
        """Return how many keys a piece has."""
        last = len(self.keys) if piece.until is None else bisect_right(self.keys, piece.until)
        return last - bisect_right(self.keys, piece.after)


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
    """None has more than 2.5 times its share, the first are larger than the last, and few questions wait for others."""
    listing = Listing(keys)
    sizes = [listing.size(piece) for piece in cut_keys(ALL_KEYS, 16, listing.first_after)]
    assert len(sizes) == 16
    assert sum(sizes) == len(keys)
    assert max(sizes) <= 2.5 * len(keys) / 16
    assert sum(sizes[:4]) > sum(sizes[-4:])
    assert listing.questions <= MOST_QUESTIONS
    assert listing.rounds <= 10


@pytest.mark.parametrize("until", ["0999", None])
def test_the_first_keys_are_cut_evenly(until: str | None) -> None:
    """Without a question; few keys give as many pieces, and a key that is refused is no cut."""
    keys = [f"{number:04d}" for number in range(1000)]
    expected = [("", "0249"), ("0249", "0499"), ("0499", "0749"), ("0749", until)]
    assert even_pieces(keys, 4, until) == expected
    assert even_pieces(keys[:3], 16, until) == [("", "0000"), ("0000", "0001"), ("0001", until)]
    assert even_pieces(keys[:1], 16, until) == even_pieces(keys, 1, until) == [("", until)]
    assert even_pieces(keys, 2, until, lambda _: False) == [("", until)]


def test_a_key_that_is_refused_is_no_cut() -> None:
    """The pieces around it stay one."""
    listing = Listing([f"{number:08d}" for number in range(20_000)])
    [refused] = {piece.after for piece in cut_keys(ALL_KEYS, 2, listing.first_after)} - {""}
    assert cut_keys(ALL_KEYS, 16, listing.first_after, lambda key: key != refused) == [ALL_KEYS]


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
    cut = sorted(cut_keys(KeyBounds(after, until), pieces, listing.first_after))
    cuts = [piece.after for piece in cut[1:]]
    assert [piece.until for piece in cut] == [*cuts, until]
    assert cut[0].after == after
    assert cuts == sorted(set(cuts))
    assert set(cuts) <= set(keys)
    assert len(cuts) < max(pieces, 1) or not cuts
    assert all(after < cut and (until is None or cut < until) for cut in cuts)
    assert listing.questions <= MOST_QUESTIONS
