"""Cuts a listing into pieces for many machines: by guesses, at keys that exist. No result depends on where they lie.

A cut costs a request or two (`first_after`), and keys are taken to be spread evenly between those that were seen. The
widest pieces are cut first, as many at once as are wide, so that the requests overlap.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import NamedTuple

from s3mover.planning.keyspace import ceiling, common_beginning, distance, halfway, reach
from s3mover.planning.ranges import KeyBounds

# Returns for each text the first key after it, None if there is none.
FirstAfter = Callable[[Sequence[str]], Sequence[str | None]]

# Questions for each piece that is wanted, beside those for the end of the keys.
_QUESTIONS_PER_PIECE = 3
_QUESTIONS_FOR_END = 24
# Texts in one piece whose followers are asked for at once.
MOST_MIDDLES = 7
# Beginnings of the first key that are looked at together, to find where the keys end.
LENGTHS_AT_ONCE = 3


class _Questions:
    """Counts the questions, and remembers the characters of the keys that were seen."""

    def __init__(self, first_after: FirstAfter, limit: int) -> None:
        self._first_after = first_after
        self._left = limit
        self._seen: list[str] = []

    @property
    def alphabet(self) -> str:
        """Characters that keys may consist of."""
        return "".join(sorted({*digits, *ascii_letters}.union(*self._seen)))

    def width(self, low: str, high: str, first: str, end: str) -> int:
        """Guess how much lies between two texts, to compare it with what else lies between `first` and `end`.

        Only the characters count in which keys differ: `09` is nearer to `10` than to `0z` where they are numbers.
        """
        varying = _varying(self._seen)
        used = varying.union(
            digits, *(_between(kind, varying) for kind in (ascii_lowercase, ascii_uppercase))
        )
        return distance((low, high), (first, end), "".join(sorted(used)))

    @property
    def are_left(self) -> bool:
        return self._left > 0

    def ask(self, text: str) -> str | None:
        """Return the first key after `text`; None also if too much was asked."""
        return next(iter(self.ask_all([text])), None)

    def ask_all(self, texts: Sequence[str]) -> Sequence[str | None]:
        """Return the first key after each text, for as many as may be asked."""
        texts = texts[: self._left]
        self._left -= len(texts)
        keys = self._first_after(texts) if texts else []
        self._seen += filter(None, keys)
        return keys


def _varying(keys: list[str]) -> set[str]:
    """Return the characters of keys between the beginning and the end that all have."""
    backwards = [key[::-1] for key in keys]
    start, end = (len(common_beginning(min(texts), max(texts))) for texts in (keys, backwards))
    return {*"".join(key[start : len(key) - end] for key in keys)}


def _between(kind: str, used: set[str]) -> str:
    """Return the characters from the first to the last of a kind that are used."""
    of_kind = used.intersection(kind)
    return kind[kind.index(min(of_kind)) : kind.index(max(of_kind)) + 1] if of_kind else ""


class _Pieces:
    """Keys from `first` to `end`, cut into pieces; those in which no key to cut at was found stay whole."""

    def __init__(self, first: str, end: str, questions: _Questions, may_cut: Callable[[str], bool]) -> None:
        self._questions = questions
        self._may_cut = may_cut
        # Of each piece where its keys seem to end: at its own end, or before.
        self._reach = {first: end}
        self._whole: set[str] = set()

    def cuts(self) -> list[str]:
        """Return the keys at which the pieces begin, but the first."""
        return sorted(self._reach)[1:]

    def cut_widest(self, most: int) -> bool:
        """Cut some of the widest pieces, by up to `most` cuts; return False if there is nothing to ask."""
        widest = self._widest()[:most]
        asked = [(low, text) for low in widest for text in self._middles(low, most // max(1, len(widest)))]
        answers: dict[str, list[tuple[str, str | None]]] = {}
        for (low, text), key in zip(
            asked, self._questions.ask_all([text for _, text in asked]), strict=False
        ):
            answers.setdefault(low, []).append((text, key))
        for low, found in answers.items():
            self._cut(low, found)
        return bool(widest) and self._questions.are_left

    def _widest(self) -> list[str]:
        ends = min(self._reach), max(self._reach.values())
        widths = {
            low: self._questions.width(low, high, *ends)
            for low, high in self._reach.items()
            if low not in self._whole
        }
        wide = max(widths.values(), default=0) / 4
        return sorted((low for low, width in widths.items() if width > wide), key=lambda low: -widths[low])

    def _middles(self, low: str, most: int) -> list[str]:
        """Return texts that cut a piece in two, in four or in eight, by up to `most` cuts."""
        high, alphabet = self._reach[low], self._questions.alphabet
        texts = list[str]()
        while len(texts) < MOST_MIDDLES and len(texts) * 2 < most:
            between = pairwise([low, *texts, high])
            added = [text for ends in between if (text := halfway(*ends, alphabet)) is not None]
            texts = sorted({*texts, *added})
            if not added:
                break
        if not texts:
            self._whole.add(low)
        return texts

    def _cut(self, low: str, answers: list[tuple[str, str | None]]) -> None:
        """Cut a piece at the keys that follow texts in it, which ascend."""
        high = self._reach[low]
        for text, key in answers:
            if key is None or key >= high:
                # Nothing lies beyond.
                self._reach[low] = text
                return
            if not self._may_cut(key):
                self._whole.add(low)
                return
            if key > low:
                self._reach[low], self._reach[key] = text, high
                low = key


class FirstPieces(NamedTuple):
    """Pieces of the first keys of a listing, and what comes after them: None if that is all."""

    pieces: list[KeyBounds]
    rest: KeyBounds | None


def even_pieces(
    keys: Sequence[str], pieces: int, until: str | None, may_cut: Callable[[str], bool] = lambda _: True
) -> list[KeyBounds]:
    """Cut the first keys of a listing evenly into up to so many pieces, of which the last ends at `until`."""
    ends = sorted({len(keys) * at // pieces - 1 for at in range(1, pieces)} - {-1, len(keys) - 1})
    cuts = [key for key in (keys[end] for end in ends) if may_cut(key)]
    return list(map(KeyBounds, ["", *cuts], [*cuts, until]))


def cut_keys(
    bounds: KeyBounds, pieces: int, first_after: FirstAfter, may_cut: Callable[[str], bool] = lambda _: True
) -> list[KeyBounds]:
    """Cut the keys within the bounds into up to so many pieces, and return these, the widest first.

    Each begins after a key, or with the bounds, and ends with a key, or with the bounds; `may_cut` refuses a key.
    """
    after, until = bounds
    questions = _Questions(first_after, _QUESTIONS_FOR_END + _QUESTIONS_PER_PIECE * pieces)
    first = questions.ask(after) if pieces > 1 else None
    if first is None or (until is not None and first >= until):
        return [bounds]
    end = until
    if end is None:
        end = reach(
            first, ceiling("", questions.alphabet), questions.alphabet, questions.ask_all, LENGTHS_AT_ONCE
        )
    made = _Pieces(first, end, questions, may_cut)
    while (missing := pieces - 1 - len(made.cuts())) > 0 and made.cut_widest(missing):
        pass
    ends = [first, *made.cuts(), end]
    widths = [questions.width(*between, first, end) for between in pairwise(ends)]
    cut = list(map(KeyBounds, [after, *made.cuts()], [*made.cuts(), until]))
    return [piece for _, piece in sorted(zip(widths, cut, strict=True), key=lambda one: -one[0])]
