"""Reads seals and what they attest, for `audit verify`, `prove` and `export`."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from s3mover.audit import rows, seal_statements, statements
from s3mover.audit.canonical_reader import NumberedRow, misplaced_rows, row_pages, rows_of, sweep_record
from s3mover.audit.database import Database, Row
from s3mover.audit.digests import pair_digest
from s3mover.audit.sealing import columns_of
from s3mover.audit.seals import Seal, SealFormatError, SealKind, parse_seal
from s3mover.audit.sweep_tree import MarkBlock, range_of
from s3mover.model import Pair

SEALS_PER_PAGE = 200
NAMED_ROWS = 20
_COLUMNS = tuple(seal_statements.COLUMNS.split(", "))
_TIMES = frozenset({"sealed_at", "pruned_before"})


class StoredSeal(NamedTuple):
    """A row of `audit_seals`: its columns as text or number, and the seal that its content is, unless `problem`."""

    pair: str
    number: int
    columns: dict[str, object]
    seal: Seal | None
    problem: str

    @property
    def differing(self) -> list[str]:
        """The columns that do not say what the content says."""
        if self.seal is None:
            return []
        said = dict(zip(_COLUMNS, columns_of(self.seal), strict=True))
        return [name for name in _COLUMNS if self.columns[name] != said[name]]


class SealReader:
    """The seals of a database, and the rows they are about, on one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pairs(self) -> dict[str, Pair]:
        """Return the pairs that have seals, by the digest under which these stand; one is named by its first seal."""
        found: dict[str, Pair] = {}
        for (name,) in self._database.read(seal_statements.PAIRS):
            for stored in self.seals(name):
                if stored.seal is not None:
                    found[name] = stored.seal.pair
                    break
        return found

    def seals(self, pair: str, after: int = 0) -> Iterator[StoredSeal]:
        """Yield the seals of a pair, given by its digest, above that number, in their order."""
        while page := self._database.read(seal_statements.AFTER, (pair, after, SEALS_PER_PAGE)):
            yield from map(_stored, page)
            after = int(page[-1][1])

    def head(self, pair: str) -> int:
        """Return the number of the newest seal of a pair, 0 without one."""
        found = self._database.read(seal_statements.LAST, (pair,))
        return int(found[0][1]) if found else 0

    def first_since(self, pair: str, since: float) -> int:
        """Return the number of the first seal that was written since then, 0 if there is none."""
        [(number,)] = self._database.read(seal_statements.FIRST_SINCE, (pair, rows.stamp(since)))
        return int(number or 0)

    def of_sweep(self, pair: str, sweep: int) -> list[StoredSeal]:
        """Return the seal of a sweep, and its amendments in their order."""
        return list(map(_stored, self._database.read(seal_statements.OF_SWEEP, (sweep, pair))))

    def seal_of_sweep(self, sweep: int) -> Seal | None:
        """Return the seal of a sweep, of whatever pair; None if it has none."""
        found = [_stored(row) for row in self._database.read(seal_statements.ANY_SEAL_OF_SWEEP, (sweep,))]
        return next((stored.seal for stored in found if stored.seal is not None), None)

    def amendments(self, pair: str, sweep: int) -> list[Seal]:
        """Return the amendments of a sweep, in their order; those that cannot be read are left out."""
        seals = [stored.seal for stored in self.of_sweep(pair, sweep) if stored.seal is not None]
        return [seal for seal in seals if seal.kind is SealKind.AMENDMENT]

    def pruned_before(self) -> str:
        """Return the latest time of which any seal says that rows of sweeps that ended before may be removed."""
        found = self._database.read(seal_statements.LATEST_PRUNING)
        seals = [stored.seal for stored in map(_stored, found) if stored.seal is not None]
        return seals[0].pruned_before if seals else ""

    def rows(self, sweep: int) -> Iterator[list[NumberedRow]]:
        """Yield the rows of a sweep in the order of their numbers, page by page."""
        return row_pages(self._database, sweep)

    def row(self, sweep: int, number: int) -> bytes:
        """Return one row as its canonical bytes.

        Raises:
            LookupError: it is not there.
        """
        [(_, row)] = rows_of(self._database, sweep, [number]) or [(0, b"")]
        if not row:
            raise LookupError(f"sweep {sweep} has no row {number}")
        return row

    def newest_row(self, key: str, sweep: int = 0) -> tuple[int, int] | None:
        """Return sweep and number of the newest row of a key whose sweep is sealed, or of that in one sweep."""
        query = seal_statements.row_of_key(self._database.backend, in_sweep=bool(sweep))
        found = self._database.read_by_text(query, (key, *([sweep] if sweep else [])))
        return (int(found[0][0]), int(found[0][1])) if found else None

    def index_in_range(self, sweep: int, number: int) -> int:
        """Return how many rows of the same range of a sweep have a smaller number."""
        first, _ = rows.numbers_of(range_of(number))
        [(before,)] = self._database.read(seal_statements.ROWS_BETWEEN, (sweep, first, number - 1))
        return int(before)

    def misplaced_rows(self, sweep: int) -> list[tuple[int, str]]:
        """Return the ids and keys of rows of a sweep that have no number, at most as many as are named."""
        return misplaced_rows(self._database, sweep, NAMED_ROWS)

    def marks(self, sweep: int) -> Iterator[MarkBlock]:
        """Yield the marks of a sweep, block by block."""
        after = -1
        while found := self._database.read(seal_statements.MARKS, (sweep, after)):
            block = MarkBlock(int(found[0][0]), bytes(found[0][1]))
            yield block
            after = block.first_number

    def record(self, sweep: int) -> dict[str, object]:
        """Return what `migration_batches` says of a sweep, empty if nothing."""
        return sweep_record(self._database, sweep)

    def unsealed_sweeps(self, pair: Pair) -> list[int]:
        """Return the sweeps of a pair that ended and have no seal, of those after its first sealed one."""
        name = pair_digest(pair)
        parameters = (*rows.digits(pair), name, name)
        return [int(id_) for (id_,) in self._database.read(seal_statements.UNSEALED, parameters)]

    def sweeps_with_rows(self) -> Iterator[int]:
        """Yield the ids under which rows stand in `document_logs`, in their order."""
        sweep = -1
        # SQLite keeps any value in any column: what is not a number comes last.
        while isinstance(following := self._database.read(seal_statements.NEXT_BATCH, (sweep,))[0][0], int):
            sweep = following
            yield sweep

    def knows(self, sweep: int) -> bool:
        """Return whether `migration_batches` has this sweep."""
        return bool(self._database.read(statements.sweeps(1), (sweep,)))

    def rows_without_sweep(self) -> int:
        """Return the number of rows without a sweep that were created since the first seal."""
        [(rows_,)] = self._database.read(seal_statements.ROWS_WITHOUT_SWEEP)
        return int(rows_)

    def close(self) -> None:
        """Close the connection."""
        self._database.close()


def _stored(row: Row) -> StoredSeal:
    columns = {name: _plain(name, value) for name, value in zip(_COLUMNS, row, strict=True)}
    seal, problem = None, ""
    try:
        seal = parse_seal(str(columns["content"]), str(columns["signature"]))
    except SealFormatError as error:
        problem = str(error)
    return StoredSeal(str(columns["pair"]), int(row[1]), columns, seal, problem)


def _plain(name: str, value: object) -> object:
    if name in _TIMES and isinstance(value, datetime):
        return rows.stamp(rows.seconds(value))
    return value
