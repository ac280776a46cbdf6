"""Keys at which to cut a listing for many machines: guesses, at keys that exist. No result depends on where they lie.

A cut costs a request or two (`first_after`), and keys are taken to be spread evenly between those that were seen.
"""

from collections.abc import Callable
from string import ascii_letters, digits

from s3mover.planning.keyspace import ceiling, halfway, reach

# Returns the first key after a text, None if there is none.
FirstAfter = Callable[[str], str | None]

# Questions for each piece that is wanted, beside those for the end of the keys.
_QUESTIONS_PER_PIECE = 3
_QUESTIONS_FOR_END = 24


class _Questions:
    """Counts the questions, and remembers the characters of the keys that were seen."""

    def __init__(self, first_after: FirstAfter, limit: int) -> None:
        self._first_after = first_after
        self._left = limit
        self._characters = set(digits + ascii_letters)

    @property
    def alphabet(self) -> str:
        return "".join(sorted(self._characters))

    @property
    def are_left(self) -> bool:
        return self._left > 0

    def ask(self, text: str) -> str | None:
        """Return the first key after `text`; None also if too much was asked."""
        if not self._left:
            return None
        self._left -= 1
        key = self._first_after(text)
        self._characters |= set(key or "")
        return key


def cut_keys(after: str, until: str | None, pieces: int, first_after: FirstAfter) -> list[str]:
    """Return up to `pieces` - 1 keys, ascending, that cut the keys after `after` and up to `until` into pieces.

    `until` is None for no end. Each piece but the first begins after such a key, and each but the last ends with it.
    """
    questions = _Questions(first_after, _QUESTIONS_FOR_END + _QUESTIONS_PER_PIECE * pieces)
    first = questions.ask(after)
    if first is None or (until is not None and first >= until):
        return []
    end = until
    if end is None:
        end = reach(first, ceiling("", questions.alphabet), questions.alphabet, questions.ask)
    return sorted(_cuts(first, end, pieces, questions))


def _cuts(first: str, end: str, pieces: int, questions: _Questions) -> list[str]:
    """Cut the widest piece first: the pieces wait in a queue, and each is cut in two."""
    waiting, cuts = [(first, end)], list[str]()
    while waiting and len(cuts) < pieces - 1 and questions.are_left:
        low, high = waiting.pop(0)
        middle = halfway(low, high, questions.alphabet)
        if middle is None:
            continue
        key = questions.ask(middle)
        if key is None or key >= high:
            # Nothing lies in the upper half.
            waiting.append((low, middle))
        else:
            cuts.append(key)
            waiting += [(low, key), (key, high)]
    return cuts
