"""Seals the rows of a sweep in the transaction that records its end, and what is settled later as an amendment.

Rows are read back from the database, because that is what is attested. Nobody else writes them meanwhile: the sweep's
ranges have ended or are fenced, and the transaction commits only while this instance holds the lease.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from s3mover.audit import rows, seal_statements
from s3mover.audit.canonical_reader import NumberedRow, row_pages, rows_of, sweep_record
from s3mover.audit.database import Database, Row
from s3mover.audit.digests import pair_digest
from s3mover.audit.merkle import MerkleTree
from s3mover.audit.seals import (
    CHANGES_PER_SEAL,
    NO_SEAL,
    Change,
    Seal,
    SealContext,
    SealedRows,
    SealKind,
    content_of,
    parse_seal,
)
from s3mover.audit.sweep_tree import MarkBlock, MarkWriter, SweepTree, leaves_of
from s3mover.model import Pair

# Blocks of marks that are written in one transaction; each commit waits for a disk.
BLOCKS_PER_WRITE = 64


class Signer(Protocol):
    """Signs seals; `signatures.py` implements it."""

    @property
    def public_key(self) -> str:
        """The public key, as hex."""

    def sign(self, content: bytes) -> str:
        """Return the signature of these bytes, as hex."""


class Sealing(NamedTuple):
    """How seals are made: what signs them, if anything, and what the time is, in seconds since the epoch."""

    signer: Signer | None = None
    clock: Callable[[], float] = time.time


class _HashedSweep(NamedTuple):
    """The rows of a sweep, hashed; `blocks` are the marks that are not written yet."""

    sealed: SealedRows
    blocks: Sequence[MarkBlock]


class _SweepHasher:
    """Hashes pages of rows: into the tree of the sweep, and into marks."""

    def __init__(self) -> None:
        self.blocks: list[MarkBlock] = []
        self._tree = SweepTree()
        self._marks = MarkWriter()

    def add(self, page: Sequence[NumberedRow]) -> None:
        """Hash the next rows."""
        leaves = leaves_of(page)
        self._tree.extend(leaves)
        self._marks.extend(leaves)
        self.blocks += self._marks.blocks()

    def take_blocks(self) -> list[MarkBlock]:
        """Return the blocks of marks since the last call."""
        taken, self.blocks = self.blocks, []
        return taken

    def result(self, sweep: int) -> _HashedSweep:
        """Return what all rows came to."""
        blocks = [*self.take_blocks(), *self._marks.blocks(last=True)]
        return _HashedSweep(SealedRows(SealKind.SWEEP, sweep, self._tree.rows, self._tree.root()), blocks)


class SealWriter:
    """Makes the seals of one trail; `leading` is the transaction that commits only under the lease."""

    def __init__(
        self, database: Database, sealing: Sealing, leading: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._database = database
        self._sealing = sealing
        self._leading = leading
        # By number: one that was rolled back is written again under its number.
        self._written: dict[int, Seal] = {}

    def take_written(self) -> list[Seal]:
        """Return the seals that were written since the last call."""
        written, self._written = self._written, {}
        return list(written.values())

    def hash_sweep(self, sweep: int, heartbeat: Callable[[], None]) -> _HashedSweep:
        """Hash the rows of a sweep, page by page; `heartbeat` is called between pages.

        A page is hashed while the database puts the next one together: each takes about half of the time.
        """
        hasher = _SweepHasher()
        with ThreadPoolExecutor(1, thread_name_prefix="hashing") as thread:
            hashing = thread.submit(hasher.add, [])
            for page in row_pages(self._database, sweep):
                hashing.result()
                hashing = thread.submit(hasher.add, page)
                if len(hasher.blocks) >= BLOCKS_PER_WRITE:
                    hashing.result()
                    with self._leading():
                        self._write_marks(sweep, hasher.take_blocks())
                heartbeat()
            hashing.result()
        return hasher.result(sweep)

    def seal_sweep(self, pair: Pair, hashed: _HashedSweep, *, late: bool, pruned_before: float = 0.0) -> Seal:
        """Write the seal of a sweep whose end was recorded in the same transaction; one that stands stays."""
        sweep = hashed.sealed.sweep
        found = self._database.read(seal_statements.SEAL_OF_SWEEP, (sweep, pair_digest(pair)))
        if found:
            return self._note(seal_of(found[0]))
        self._write_marks(sweep, hashed.blocks)
        return self._write(pair, hashed.sealed, late=late, pruned_before=pruned_before)

    @contextlib.contextmanager
    def amending(self, pair: Pair, numbers: Mapping[int, Sequence[int]]) -> Iterator[None]:
        """Write an amendment for each sealed sweep whose rows with these `numbers` were changed inside."""
        before = {sweep: self._leaves(sweep, numbers[sweep]) for sweep in self._sealed(pair, numbers)}
        yield
        for sweep, leaves in before.items():
            after = self._leaves(sweep, numbers[sweep])
            changes = [
                Change(number, leaves.get(number, ""), digest)
                for number, digest in after.items()
                if leaves.get(number) != digest
            ]
            for at in range(0, len(changes), CHANGES_PER_SEAL):
                self._write(pair, amendment(sweep, changes[at : at + CHANGES_PER_SEAL]), late=True)

    def _sealed(self, pair: Pair, sweeps: Mapping[int, Sequence[int]]) -> list[int]:
        name = pair_digest(pair)
        return [
            sweep
            for sweep in sorted(sweeps)
            if self._database.read(seal_statements.SEAL_OF_SWEEP, (sweep, name))
        ]

    def _leaves(self, sweep: int, numbers: Sequence[int]) -> dict[int, str]:
        return {
            number: digest.hex()
            for number, digest in leaves_of(rows_of(self._database, sweep, sorted(numbers)))
        }

    def _write_marks(self, sweep: int, blocks: Sequence[MarkBlock]) -> None:
        statement = seal_statements.WRITE_MARKS[self._database.backend]
        for block in blocks:
            self._database.write(statement, (sweep, *block))

    def _write(self, pair: Pair, sealed: SealedRows, *, late: bool, pruned_before: float = 0.0) -> Seal:
        signer, name = self._sealing.signer, pair_digest(pair)
        last = self._database.read(seal_statements.LAST, (name,))
        number, previous = (int(last[0][1]), last[0][8]) if last else (0, NO_SEAL)
        context = SealContext(
            pair=pair,
            number=number + 1,
            previous=previous,
            sealed_at=rows.stamp(self._sealing.clock()),
            record=sweep_record(self._database, sealed.sweep),
            late=late,
            key=signer.public_key if signer else "",
            pruned_before=rows.stamp(pruned_before) if pruned_before else "",
        )
        content = content_of(sealed, context)
        seal = parse_seal(content, signer.sign(content.encode()) if signer else "")
        self._database.write(seal_statements.INSERT, columns_of(seal))
        return self._note(seal)

    def _note(self, seal: Seal) -> Seal:
        self._written[seal.number] = seal
        return seal


def amendment(sweep: int, changes: Sequence[Change]) -> SealedRows:
    """Return what an amendment seals: its root is over the leaves of the changed rows as they are now."""
    tree = MerkleTree()
    tree.extend([bytes.fromhex(change.after) for change in changes])
    return SealedRows(SealKind.AMENDMENT, sweep, len(changes), tree.root().hex(), changes)


def columns_of(seal: Seal) -> Row:
    """Return the parameters of `seal_statements.INSERT`."""
    return (
        pair_digest(seal.pair),
        seal.number,
        seal.kind.value,
        seal.sweep,
        seal.sealed_at,
        seal.rows,
        seal.root,
        seal.previous,
        seal.hash,
        seal.pruned_before or None,
        seal.content,
        seal.signature,
    )


def seal_of(row: Row) -> Seal:
    """Read a row of `audit_seals` by its content alone.

    Raises:
        SealFormatError: the content is not the text of a seal.
    """
    return parse_seal(row[10], row[11])
