"""Where to cut a range of keys in two: pure guesses from keys that were seen, on which no result depends.

Keys count as numbers whose digits are the characters seen so far, so that the middle of `2024/01` and `2024/09` is
looked for among digits, and not among all characters that there are. A bad guess only leaves little or nothing on
one side of the cut.
"""

from bisect import bisect_right
from collections.abc import Callable

from s3mover.model import MAX_KEY_LENGTH

# Characters after the common beginning that count; more would not change a guess by a page of keys.
DEPTH = 12


def ceiling(stem: str, alphabet: str) -> str:
    """Return a text above the keys that begin with `stem` and go on in `alphabet` (its characters, ascending)."""
    return stem + alphabet[-1:] * DEPTH


def halfway(low: str, high: str, alphabet: str) -> str | None:
    """Return a text between `low` and `high`, near the middle; None where there is none that may be a key."""
    stem = _stem(low, high)
    middle = (_number(low, len(stem), alphabet) + _number(high, len(stem), alphabet)) // 2
    text = stem + _text(middle, alphabet)
    ends = range(len(stem) + 1, len(text) + 1)
    shortest = next((text[:end] for end in ends if text[:end] > low), None)
    if shortest is None or shortest >= high or len(shortest.encode()) > MAX_KEY_LENGTH:
        return None
    return shortest


def left_per_passed(first: str, low: str, high: str, alphabet: str) -> float:
    """Return how many times the way from `first` to `low` fits between `low` and `high`."""
    stem = _stem(first, high)
    begun, passed, end = (_number(key, len(stem), alphabet) for key in (first, low, high))
    return (end - passed) / max(passed - begun, 1)


def reach(low: str, high: str, alphabet: str, first_after: Callable[[str], str | None]) -> str:
    """Return where the keys after `low` seem to end: a ceiling over the longest beginning of `low` that covers them.

    Long common beginnings hide from the numbers how keys are spread. `first_after` is asked for the key that follows a
    text, about as often as the length of `low` can be halved.
    """
    covering, most = len(_stem(low, high)), len(low)
    while covering < most:
        length = (covering + most + 1) // 2
        following = first_after(ceiling(low[:length], alphabet))
        if following is None or following > high:
            covering = length
        else:
            most = length - 1
    return ceiling(low[:covering], alphabet)


def _stem(one: str, other: str) -> str:
    """Return the beginning that both have."""
    shorter = min(len(one), len(other))
    return one[: next((at for at in range(shorter) if one[at] != other[at]), shorter)]


def _number(key: str, start: int, alphabet: str) -> int:
    """Read up to `DEPTH` characters as digits; 0 stands for the end of a key, as which it sorts."""
    base, number = len(alphabet) + 1, 0
    for at in range(start, start + DEPTH):
        number = number * base + (bisect_right(alphabet, key[at]) if at < len(key) else 0)
    return number


def _text(number: int, alphabet: str) -> str:
    digits = []
    for _ in range(DEPTH):
        number, digit = divmod(number, len(alphabet) + 1)
        digits.append(digit)
    digits.reverse()
    end = digits.index(0) if 0 in digits else DEPTH
    return "".join(alphabet[digit - 1] for digit in digits[:end])
