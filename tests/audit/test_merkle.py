"""Merkle trees over rows, and the canonical bytes of a row."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.audit.canonical_rows import COLUMNS, Text, as_dict, canonical, number_of, values_of
from s3mover.audit.merkle import BLOCK, EMPTY_ROOT, MerkleTree, leaf_hash, node_hash, root_of_path
from s3mover.audit.sweep_tree import Leaf, SweepTree

ROW: list[Text] = [
    7,
    412,
    "in/a,1:b\n\0é",
    "copy",
    "success",
    "streaming",
    5,
    "e1",
    None,
    1,
    9,
    None,
    "",
    "t1",
    None,
    "t2",
    None,
    0,
]


def tree_of(leaves: list[bytes], watched: int = -1) -> MerkleTree:
    tree = MerkleTree(watched)
    tree.extend(leaves)
    return tree


def by_definition(leaves: list[bytes]) -> bytes:
    """The root as RFC 9162 defines it, by recursion."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(by_definition(leaves[:half]), by_definition(leaves[half:]))


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_a_root_is_that_of_the_definition(rows: list[bytes]) -> None:
    leaves = [leaf_hash(row) for row in rows]
    assert tree_of(leaves).root() == by_definition(leaves)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_whole_blocks_and_single_leaves_give_one_root(size: int) -> None:
    """However the leaves arrive: all at once, or after one that breaks the alignment."""
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    pieces = MerkleTree()
    for leaf in leaves[:3]:
        pieces.add(leaf)
    pieces.extend(leaves[3:])
    assert tree_of(leaves).root() == pieces.root() == by_definition(leaves)


@given(st.integers(1, 70), st.data())
def test_a_path_leads_from_its_leaf_to_the_root(size: int, data: st.DataObject) -> None:
    watched = data.draw(st.integers(0, size - 1))
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    tree = tree_of(leaves, watched)
    assert root_of_path(leaves[watched], tree.path()) == tree.root()


def test_a_path_passes_whole_blocks() -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(3 * BLOCK + 5)]
    tree = tree_of(leaves, BLOCK + 7)
    assert root_of_path(leaves[BLOCK + 7], tree.path()) == tree.root() == by_definition(leaves)


def test_a_leaf_that_is_not_there_has_no_path() -> None:
    with pytest.raises(LookupError, match="1 leaves"):
        tree_of([EMPTY_ROOT], 1).path()


def test_a_leaf_cannot_stand_for_a_node() -> None:
    assert leaf_hash(b"a" * 64) != node_hash(b"a" * 32, b"a" * 32)


def test_canonical_bytes_are_netstrings_in_the_order_of_the_columns() -> None:
    assert canonical([7, "é", None, ""]) == b"1:7,2:\xc3\xa9,-0:,"
    assert number_of(canonical(ROW)) == 412
    assert as_dict(canonical(ROW)) == dict(zip(COLUMNS, ROW, strict=True))


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_canonical_bytes_can_be_read_back(values: list[str | None]) -> None:
    """So no two rows have the same bytes."""
    assert values_of(canonical(values)) == values


def test_a_sweep_has_a_root_for_each_range_and_one_over_them() -> None:
    """A range without rows has no leaf; the path of a row leads through its range to the sweep."""
    leaves = [Leaf(number, leaf_hash(b"%d" % number)) for number in (1, 2, 3, 2**32 + 1, 7 * 2**32 + 5)]
    ranges = [(1, leaves[:3]), (2, leaves[3:4]), (8, leaves[4:])]
    roots = [by_definition([leaf.hash for leaf in part]).hex() for _, part in ranges]
    over = by_definition(
        [
            leaf_hash(canonical((number, len(part), root)))
            for (number, part), root in zip(ranges, roots, strict=True)
        ]
    )
    tree = SweepTree(watched=2, watched_index=1)
    for leaf in leaves:
        tree.extend([leaf])
    assert (tree.root(), tree.rows) == (over.hex(), 5)
    path = tree.path()
    assert root_of_path(leaves[1].hash, path.in_range).hex() == path.range.root == roots[0]
    assert root_of_path(path.range.leaf, path.over_ranges) == over
