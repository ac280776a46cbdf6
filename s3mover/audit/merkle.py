"""Merkle trees over rows, built in one pass and in constant memory. Pure.

The tree of RFC 9162, section 2.1: a leaf is `SHA-256(0x00 || bytes)`, a node `SHA-256(0x01 || left || right)`, the left
subtree has the largest power of two of leaves that is smaller than their number, and the root without leaves is the
SHA-256 of nothing.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

EMPTY_ROOT = sha256().digest()
# Leaves that are joined level by level, in a third of the time that one by one takes.
BLOCK = 1024
LEFT, RIGHT = "left", "right"


class Step(NamedTuple):
    """One step from a leaf to the root: the hash of the sibling, and the side on which it stands."""

    side: str
    sibling: bytes


class _Subtree(NamedTuple):
    root: bytes
    leaves: int
    has_watched: bool


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return sha256(b"\1" + left + right).digest()


class MerkleTree:
    """A tree that grows leaf by leaf; of its nodes it keeps the roots of complete subtrees.

    With `watched`, the index of a leaf from 0, it also keeps the path from that leaf to the root.
    """

    def __init__(self, watched: int = -1) -> None:
        self.size = 0
        self._watched = watched
        self._subtrees: list[_Subtree] = []
        self._path: list[Step] = []

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self._push(_Subtree(leaf, 1, self.size == self._watched))
        self.size += 1

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add the hashes of the next leaves."""
        at = 0
        while at < len(leaves):
            block = self._block(len(leaves) - at)
            if block == 1:
                self.add(leaves[at])
            else:
                self._push(_Subtree(_root_of_block(leaves[at : at + block]), block, has_watched=False))
                self.size += block
            at += block

    def root(self) -> bytes:
        """Return the root of the leaves so far."""
        return self._folded()[0].root if self._subtrees else EMPTY_ROOT

    def path(self) -> list[Step]:
        """Return the steps from the watched leaf to the root of the leaves so far.

        Raises:
            LookupError: there is no such leaf.
        """
        if not 0 <= self._watched < self.size:
            raise LookupError(f"the tree has {self.size} leaves, and none with the index {self._watched}")
        return self._folded()[1]

    def _block(self, left: int) -> int:
        """Return how many of the next leaves make one complete subtree, which has not the watched leaf."""
        block = min(self.size & -self.size or BLOCK, BLOCK, 1 << (left.bit_length() - 1))
        while block > 1 and self._watches(block):
            block //= 2
        return block

    def _watches(self, leaves: int) -> bool:
        return self.size <= self._watched < self.size + leaves

    def _push(self, subtree: _Subtree) -> None:
        while self._subtrees and self._subtrees[-1].leaves == subtree.leaves:
            subtree = _joined(self._subtrees.pop(), subtree, self._path)
        self._subtrees.append(subtree)

    def _folded(self) -> tuple[_Subtree, list[Step]]:
        path = list(self._path)
        *others, folded = self._subtrees
        for left in reversed(others):
            folded = _joined(left, folded, path)
        return folded, path


def _root_of_block(hashes: Sequence[bytes]) -> bytes:
    """Return the root of leaves whose number is a power of two."""
    while len(hashes) > 1:
        hashes = [
            sha256(b"\1" + left + right).digest()
            for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def _joined(left: _Subtree, right: _Subtree, path: list[Step]) -> _Subtree:
    """Return the subtree above both, and add the sibling of the watched leaf's subtree to its path."""
    if left.has_watched:
        path.append(Step(RIGHT, right.root))
    elif right.has_watched:
        path.append(Step(LEFT, left.root))
    joined = left.has_watched or right.has_watched
    return _Subtree(node_hash(left.root, right.root), left.leaves + right.leaves, joined)


def root_of_path(leaf: bytes, path: Sequence[Step]) -> bytes:
    """Return the root that a leaf and its path lead to."""
    for side, sibling in path:
        leaf = node_hash(sibling, leaf) if side == LEFT else node_hash(leaf, sibling)
    return leaf
