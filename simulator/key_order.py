"""A sorted set of keys, kept in blocks so that changes and reads from any position are quick.

Code point order of texts is the order of their UTF-8 bytes, which is S3's order.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

_BLOCK = 2000
"""Keys per block; a block is split at twice this size."""


class KeyOrder:
    """A sorted set of keys."""

    def __init__(self) -> None:
        self._blocks: list[list[str]] = []
        self._lasts: list[str] = []

    def add(self, key: str) -> None:
        """Add a key that is not there yet."""
        if not self._blocks:
            self._blocks.append([])
            self._lasts.append(key)
        place = min(bisect_left(self._lasts, key), len(self._blocks) - 1)
        block = self._blocks[place]
        insort(block, key)
        self._lasts[place] = block[-1]
        if len(block) > 2 * _BLOCK:
            self._blocks[place : place + 1] = [block[:_BLOCK], block[_BLOCK:]]
            self._lasts[place : place + 1] = [block[_BLOCK - 1], block[-1]]

    def remove(self, key: str) -> None:
        """Remove a key that is there."""
        place = bisect_left(self._lasts, key)
        block = self._blocks[place]
        del block[bisect_left(block, key)]
        if block:
            self._lasts[place] = block[-1]
        else:
            del self._blocks[place], self._lasts[place]

    def after(self, key: str, *, inclusive: bool = False) -> Iterator[str]:
        """Yield the keys after `key` in order; `inclusive` begins with the key itself."""
        bisect = bisect_left if inclusive else bisect_right
        place = bisect(self._lasts, key)
        for number in range(place, len(self._blocks)):
            block = self._blocks[number]
            start = bisect(block, key) if number == place else 0
            for index in range(start, len(block)):
                yield block[index]
