"""Compares the rows of a sealed sweep with its seal, and names the rows that differ.

    rows found against the root   | sweep ended before `pruned_before` | result
    ------------------------------|------------------------------------|-------------------------------
    the same root                 | -                                  | intact
    some changed or added         | -                                  | broken, rows named by the marks
    some or all missing, no other | yes                                | pruned
    some or all missing, no other | no                                 | broken, rows named by the marks

Of a row that was settled late the original leaf, as its first amendment has it, belongs to the tree of the sweep; the
row must be as its last amendment says.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from s3mover.audit.canonical_reader import NumberedRow
from s3mover.audit.canonical_rows import key_of
from s3mover.audit.seal_reader import NAMED_ROWS, SealReader
from s3mover.audit.seals import Seal
from s3mover.audit.sweep_tree import MARK_BYTES, Leaf, MarkBlock, SweepTree, leaves_of, read_marks


class RowProblem(StrEnum):
    """What became of a sealed row, or of one that was not sealed."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


class RowFinding(NamedTuple):
    """A row that is not as it was sealed; `key` is empty where the row is gone."""

    problem: RowProblem
    number: int
    key: str = ""


class SweepCheck(NamedTuple):
    """The result for one sweep: what was found, of the rows at most `NAMED_ROWS`, and how many rows differ in all."""

    rows: int
    is_pruned: bool
    findings: Sequence[RowFinding]
    differing: int
    problems: Sequence[str]

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.differing and not self.problems


class _Amended(NamedTuple):
    original: bytes
    current: bytes


class Amendments:
    """The rows of a sweep that were settled late, and what breaks the order of their changes."""

    def __init__(self, seals: Sequence[Seal]) -> None:
        self.rows: dict[int, _Amended] = {}
        self.problems: list[str] = []
        for seal in seals:
            for change in seal.changes:
                self._add(seal, change.number, bytes.fromhex(change.before), bytes.fromhex(change.after))

    def _add(self, seal: Seal, number: int, before: bytes, after: bytes) -> None:
        known = self.rows.get(number)
        if known is not None and known.current != before:
            self.problems.append(f"seal {seal.number} amends row {number} from a state that it never had")
        self.rows[number] = _Amended(known.original if known else before, after)


class _Differences:
    """Counts the rows that differ, and keeps the first of them."""

    def __init__(self) -> None:
        self.named: list[RowFinding] = []
        self.count = 0
        self.only_removed = True

    def add(self, problem: RowProblem, number: int, key: str = "") -> None:
        self.count += 1
        self.only_removed = self.only_removed and problem is RowProblem.REMOVED
        if len(self.named) < NAMED_ROWS:
            self.named.append(RowFinding(problem, number, key))


class _MarkComparison:
    """Compares rows with marks, both in the order of their numbers, with a few blocks in memory."""

    def __init__(self, blocks: Iterator[MarkBlock], rows: int, differences: _Differences) -> None:
        self._blocks = blocks
        self._next = next(blocks, None) if rows else None
        self.has_marks = self._next is not None or not rows
        self._expected: dict[int, bytes] = {}
        self._differences = differences

    def page(self, rows: Sequence[NumberedRow], leaves: Sequence[Leaf]) -> None:
        """Compare the next rows; `leaves` are theirs as they were sealed."""
        first, last = leaves[0].number, leaves[-1].number
        while self._next is not None and self._next.first_number <= last:
            self._expected |= read_marks(self._next)
            self._next = next(self._blocks, None)
            self._miss(first - 1)
        for (number, row), leaf in zip(rows, leaves, strict=True):
            mark = self._expected.pop(number, None)
            if mark != leaf.hash[:MARK_BYTES]:
                problem = RowProblem.ADDED if mark is None else RowProblem.CHANGED
                self._differences.add(problem, number, key_of(row))
        self._miss(last)

    def end(self) -> None:
        """Note every row that is left as removed."""
        while self._next is not None:
            self._expected |= read_marks(self._next)
            self._miss(max(self._expected, default=0))
            self._next = next(self._blocks, None)
        self._miss(max(self._expected, default=0))

    def _miss(self, until: int) -> None:
        for number in [number for number in self._expected if number <= until]:
            del self._expected[number]
            self._differences.add(RowProblem.REMOVED, number)


def check_sweep(reader: SealReader, seal: Seal, pair: str, pruned_before: str) -> SweepCheck:
    """Compare the rows and the record of a sweep with its seal; `pair` is the digest its seals stand under."""
    seals = reader.amendments(pair, seal.sweep)
    amendments = Amendments(seals)
    tree, differences = SweepTree(), _Differences()
    comparison = _MarkComparison(reader.marks(seal.sweep), seal.rows, differences)
    late = _Differences()
    for page in reader.rows(seal.sweep):
        leaves = leaves_of(page)
        if amendments.rows:
            leaves = [
                _sealed_leaf(row, leaf, amendments, late) for row, leaf in zip(page, leaves, strict=True)
            ]
        tree.extend(leaves)
        comparison.page(page, leaves)
    comparison.end()
    root = tree.root()
    record = seals[-1].said["record"] if seals else seal.said["record"]
    prunable = bool(pruned_before) and str(record.get("ended_at") or "") < pruned_before
    problems = [*amendments.problems, *_record_problems(reader.record(seal.sweep), record, prunable=prunable)]
    problems += [f"row with id {id_} ({key}) has no number" for id_, key in reader.misplaced_rows(seal.sweep)]
    if (root, tree.rows) == (seal.root, seal.rows):
        return SweepCheck(tree.rows, False, late.named, late.count, problems)
    if prunable and tree.rows < seal.rows and (differences.only_removed or not comparison.has_marks):
        return SweepCheck(tree.rows, True, late.named, late.count, problems)
    if not differences.count or not comparison.has_marks:
        differences = _Differences()
        problems.append(
            f"its {tree.rows} rows have the root {root} (sealed: {seal.rows} rows, {seal.root}); which rows differ "
            "cannot be told, because audit_seal_marks was changed, too"
        )
    return SweepCheck(
        tree.rows, False, [*differences.named, *late.named], differences.count + late.count, problems
    )


def sealed_leaves(page: Sequence[NumberedRow], amendments: Amendments) -> list[Leaf]:
    """Return the leaves of rows as they were sealed with their sweep."""
    return [
        Leaf(leaf.number, amended.original) if (amended := amendments.rows.get(leaf.number)) else leaf
        for leaf in leaves_of(page)
    ]


def _sealed_leaf(row: NumberedRow, leaf: Leaf, amendments: Amendments, late: _Differences) -> Leaf:
    """Return the leaf as it was sealed with the sweep; a row that was amended must be as it was amended."""
    amended = amendments.rows.get(leaf.number)
    if amended is None:
        return leaf
    if amended.current != leaf.hash:
        late.add(RowProblem.CHANGED, leaf.number, key_of(row[1]))
    return Leaf(leaf.number, amended.original)


def _record_problems(found: dict[str, object], sealed: dict[str, object], *, prunable: bool) -> Iterator[str]:
    if not found:
        if not prunable:
            yield "its row of migration_batches was removed"
        return
    for name, value in sealed.items():
        if found.get(name) != value:
            yield f"migration_batches says {name} = {found.get(name)!r}, the seal {value!r}"
