"""The proof that a row belongs to a seal: its Merkle path, or the amendment that names it. See docs/check_proof.py."""

from collections.abc import Sequence

from s3mover.audit.canonical_rows import as_dict
from s3mover.audit.digests import pair_digest
from s3mover.audit.merkle import Step
from s3mover.audit.seal_reader import SealReader
from s3mover.audit.seals import Seal
from s3mover.audit.sweep_check import Amendments, sealed_leaves
from s3mover.audit.sweep_tree import SweepTree, leaves_of


class ProofError(ValueError):
    """There is no proof for the row."""


def prove_row(reader: SealReader, sweep: int, number: int) -> dict[str, object]:
    """Return what shows, without the database, that a row belongs to a seal.

    Raises:
        ProofError: the sweep has no seal, or the row is not as it was sealed.
    """
    seal = reader.seal_of_sweep(sweep)
    if seal is None:
        raise ProofError(
            f"sweep {sweep} has no seal yet: it has not ended, or was recorded before seals were"
        )
    row = reader.row(sweep, number)
    [leaf] = leaves_of([(number, row)])
    amendments = reader.amendments(pair_digest(seal.pair), sweep)
    for amendment in reversed(amendments):
        for change in amendment.changes:
            if change.number == number:
                _require(change.after == leaf.hash.hex(), sweep, number)
                return {"row": as_dict(row), "seal": seal_document(amendment)}
    tree = SweepTree(number, reader.index_in_range(sweep, number))
    changed = Amendments(amendments)
    for page in reader.rows(sweep):
        tree.extend(sealed_leaves(page, changed))
    _require((tree.root(), tree.rows) == (seal.root, seal.rows), sweep, number)
    path = tree.path()
    return {
        "row": as_dict(row),
        "path": _steps(path.in_range),
        "range": path.range._asdict(),
        "range_path": _steps(path.over_ranges),
        "seal": seal_document(seal),
    }


def seal_document(seal: Seal) -> dict[str, str]:
    """Return a seal as it is handed to others."""
    return {"content": seal.content, "hash": seal.hash, "signature": seal.signature}


def _steps(path: Sequence[Step]) -> list[list[str]]:
    return [[step.side, step.sibling.hex()] for step in path]


def _require(agrees: bool, sweep: int, number: int) -> None:
    if not agrees:
        raise ProofError(
            f"row {number} of sweep {sweep} cannot be proven: not all rows of the sweep are as they were sealed, or "
            f"some were removed by audit.retention; see s3mover audit verify --sweep {sweep}"
        )
