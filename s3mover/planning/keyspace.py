"""Where to cut a range of keys in two: pure guesses from keys that were seen, on which no result depends.

Keys count as numbers whose digits are the characters seen so far, so that the middle of `2024/01` and `2024/09` is
looked for among digits, and not among all characters that there are. A bad guess only leaves little or nothing on
one side of the cut.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import zip_longest

from s3mover.model import MAX_KEY_LENGTH

# Characters after the common beginning that count; more would not change a guess by a page of keys.
DEPTH = 12


def ceiling(stem: str, alphabet: str) -> str:
    """Return a text above the keys that begin with `stem` and go on in `alphabet` (its characters, ascending)."""
    return stem + alphabet[-1:] * DEPTH


def halfway(low: str, high: str, alphabet: str) -> str | None:
    """Return a text between `low` and `high`, near the middle; None where there is none that may be a key."""
    stem = common_beginning(low, high)
    middle = (_number(low, len(stem), alphabet) + _number(high, len(stem), alphabet)) // 2
    text = stem + _text(middle, alphabet)
    ends = range(len(stem) + 1, len(text) + 1)
    shortest = next((text[:end] for end in ends if text[:end] > low), None)
    if shortest is None or shortest >= high or len(shortest.encode()) > MAX_KEY_LENGTH:
        return None
    return shortest


def left_per_passed(first: str, low: str, high: str, alphabet: str) -> float:
    """Return how many times the way from `first` to `low` fits between `low` and `high`."""
    stem = common_beginning(first, high)
    begun, passed, end = (_number(key, len(stem), alphabet) for key in (first, low, high))
    return (end - passed) / max(passed - begun, 1)


def distance(between: tuple[str, str], of: tuple[str, str], alphabet: str) -> int:
    """Return how wide the way between two texts is, to compare it with others on the way between the two `of`."""
    start = len(common_beginning(*of))
    low, high = (_number(text, start, alphabet) for text in between)
    return high - low


def reach(
    low: str,
    high: str,
    alphabet: str,
    first_after: Callable[[Sequence[str]], Sequence[str | None]],
    at_once: int = 1,
) -> str:
    """Return where the keys after `low` seem to end: a ceiling over the longest beginning of `low` that covers them.

    Long common beginnings hide from the numbers how keys are spread. `first_after` is asked for the keys that follow
    `at_once` texts, for one about as often as the length of `low` can be halved.
    """
    covering, most = len(common_beginning(low, high)), len(low)
    while covering < most:
        lengths = _spread(covering, most, at_once)
        following = first_after([ceiling(low[:length], alphabet) for length in lengths])
        for length, key in zip_longest(lengths, following):
            if key is not None and key <= high:
                most = length - 1
                break
            covering = length
    return ceiling(low[:covering], alphabet)


def _spread(after: int, until: int, count: int) -> list[int]:
    """Return up to `count` numbers after one and up to another, evenly spread and ascending."""
    return sorted({after - (after - until) * at // (count + 1) for at in range(1, count + 1)} - {after})


def common_beginning(one: str, other: str) -> str:
    """Return the beginning that both texts have."""
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
