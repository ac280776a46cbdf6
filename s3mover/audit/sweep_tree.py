"""The Merkle tree of a sweep: one over the rows of each key range, and one over the ranges. Pure, constant memory.

The leaf of a row is its canonical bytes; the leaf of a range is the netstrings of its number, its row count and its
root as hex. A range's rows are those whose numbers lie in its interval (`rows.numbers_of`).
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from s3mover.audit.canonical_rows import canonical
from s3mover.audit.merkle import BLOCK, MerkleTree, Step, leaf_hash
from s3mover.audit.rows import RANGE_BITS

# A mark is the distance to the first number of its block, and the first bytes of the leaf's hash.
_MARK = struct.Struct(">I4s")
MARK_BYTES = 4


class Leaf(NamedTuple):
    """A row as a leaf: its number, and the hash of its canonical bytes."""

    number: int
    hash: bytes


class RangeRoot(NamedTuple):
    """The root (hex) of the rows of one range."""

    number: int
    rows: int
    root: str

    @property
    def leaf(self) -> bytes:
        """The hash of the range as a leaf of the sweep's tree."""
        return leaf_hash(canonical(self))


class RowPath(NamedTuple):
    """The way from a row to the root of its sweep: to that of its range, and from the range on."""

    in_range: list[Step]
    range: RangeRoot
    over_ranges: list[Step]


class MarkBlock(NamedTuple):
    """The marks of up to 1,024 consecutive rows of one range."""

    first_number: int
    marks: bytes


def leaves_of(rows: Sequence[tuple[int, bytes]]) -> list[Leaf]:
    """Return the leaves of rows, given by their numbers and canonical bytes."""
    return [Leaf(number, leaf_hash(row)) for number, row in rows]


def range_of(number: int) -> int:
    """Return the range that the row with this number belongs to."""
    return ((number - 1) >> RANGE_BITS) + 1


class SweepTree:
    """The tree of a sweep, built from its leaves in the order of their numbers.

    `watched` is the number of a row whose path is wanted, `watched_index` how many rows of its range come before it.
    """

    def __init__(self, watched: int = 0, watched_index: int = -1) -> None:
        self.rows = 0
        self._ranges: list[RangeRoot] = []
        self._watched_range = range_of(watched)
        self._watched_index = watched_index
        self._path: list[Step] = []
        self._range = 0
        self._tree = MerkleTree()
        # Of the range, not in its tree yet: whole blocks are joined in a third of the time.
        self._hashes: list[bytes] = []

    def extend(self, leaves: Sequence[Leaf]) -> None:
        """Add the next leaves."""
        for range_, part in by_range(leaves):
            if range_ != self._range:
                self._end_range()
                self._range = range_
                self._tree = MerkleTree(self._watched_index if range_ == self._watched_range else -1)
            self._hashes += [leaf.hash for leaf in part]
            self.rows += len(part)
            if whole := len(self._hashes) // BLOCK * BLOCK:
                self._tree.extend(self._hashes[:whole])
                del self._hashes[:whole]

    def root(self) -> str:
        """Return the root over the ranges, as hex; no leaf may follow."""
        return self._over_ranges(-1).root().hex()

    def path(self) -> RowPath:
        """Return the path of the watched row; no leaf may follow.

        Raises:
            LookupError: the row is not there.
        """
        tree = self._over_ranges(-1)
        found = [at for at, one in enumerate(self._ranges) if one.number == self._watched_range]
        if not found:
            raise LookupError("the range of the row has no rows")
        tree = self._over_ranges(found[0])
        return RowPath(self._path, self._ranges[found[0]], tree.path())

    def _over_ranges(self, watched: int) -> MerkleTree:
        self._end_range()
        tree = MerkleTree(watched)
        tree.extend([one.leaf for one in self._ranges])
        return tree

    def _end_range(self) -> None:
        self._tree.extend(self._hashes)
        self._hashes = []
        if not self._tree.size:
            return
        if self._range == self._watched_range and self._watched_index >= 0:
            self._path = self._tree.path()
        self._ranges.append(RangeRoot(self._range, self._tree.size, self._tree.root().hex()))
        self._tree = MerkleTree()


class MarkWriter:
    """Gathers leaves into blocks of marks."""

    def __init__(self) -> None:
        self._leaves: list[Leaf] = []

    def extend(self, leaves: Sequence[Leaf]) -> None:
        """Take the next leaves."""
        self._leaves += leaves

    def blocks(self, *, last: bool = False) -> Iterator[MarkBlock]:
        """Yield the blocks that are full, and with `last` the rest."""
        while len(self._leaves) >= BLOCK or (last and self._leaves):
            part, self._leaves = self._leaves[:BLOCK], self._leaves[BLOCK:]
            for _, same_range in by_range(part):
                yield MarkBlock(same_range[0].number, marks_of(same_range))


def by_range(leaves: Sequence[Leaf]) -> Iterator[tuple[int, Sequence[Leaf]]]:
    """Yield each range and its leaves among these, which are in the order of their numbers."""
    if leaves and range_of(leaves[0].number) == range_of(leaves[-1].number):
        yield range_of(leaves[0].number), leaves
        return
    for range_, part in groupby(leaves, lambda leaf: range_of(leaf.number)):
        yield range_, list(part)


def marks_of(leaves: Sequence[Leaf]) -> bytes:
    """Return the marks of consecutive leaves of one range."""
    first = leaves[0].number
    return b"".join([_MARK.pack(number - first, digest[:MARK_BYTES]) for number, digest in leaves])


def read_marks(block: MarkBlock) -> dict[int, bytes]:
    """Return the marks of a block by the numbers of their rows; what was cut short is left out."""
    whole = len(block.marks) // _MARK.size * _MARK.size
    return {block.first_number + ahead: mark for ahead, mark in _MARK.iter_unpack(block.marks[:whole])}
