"""The `audit export` command: writes all rows to a file, and a manifest with their number and roots beside it."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from s3mover import __version__
from s3mover.audit.canonical_rows import COLUMNS, as_dict, canonical
from s3mover.audit.merkle import MerkleTree, leaf_hash
from s3mover.audit.opening import open_seal_reader
from s3mover.audit.seal_reader import SealReader
from s3mover.audit.seals import Seal
from s3mover.audit.sweep_tree import SweepTree, leaves_of
from s3mover.commands.each_route import Echo
from s3mover.commands.row_writers import WRITERS, RowWriter
from s3mover.errors import ExitCode, SettingsError
from s3mover.model import Pair
from s3mover.observe.text import to_json, utc_moment
from s3mover.settings import Settings


class ExportScope(NamedTuple):
    """Which sweeps are exported: those that started within so many seconds, one of them, those of one pair, or all."""

    since: float = 0.0
    sweep: int = 0
    pair: Pair | None = None


class _Exported(NamedTuple):
    """The rows of a sweep that were written."""

    sweep: int
    rows: int
    root: str
    seal: Seal | None


def export(settings: Settings, echo: Echo, path: Path, output: str, scope: ExportScope) -> ExitCode:
    """Write the rows to `path`, and the manifest beside it; neither may exist.

    Raises:
        MoverError: the audit database cannot be read, or a file not be written.
    """
    manifest = path.with_name(path.name + ".manifest.json")
    with (
        closing(open_seal_reader(settings.audit.url.value)) as reader,
        _new_file(path) as file,
        _new_file(manifest) as listed,
    ):
        with closing(WRITERS[output](file)) as writer:
            rows, root = _write(reader, writer, listed, scope)
        file.flush()
        facts = {
            "file": path.name,
            "format": output,
            "sha256": _digest(path),
            "rows": rows,
            "root": root,
            "columns": COLUMNS,
            "exported_at": utc_moment(time.time()),
            "version": f"s3mover {__version__}",
        }
        listed.write(b"]," + to_json(facts)[1:])
    echo(f"{rows} rows in {path}, their roots in {manifest}")
    return ExitCode.OK


def _write(reader: SealReader, writer: RowWriter, listed: IO[bytes], scope: ExportScope) -> tuple[int, str]:
    """Write the rows and the list of sweeps; return the number of rows, and the root over the sweeps."""
    tree, count, separator = MerkleTree(), 0, b""
    listed.write(b'{"sweeps":[')
    for done in _sweeps(reader, writer, scope):
        tree.add(leaf_hash(canonical(done[:3])))
        count += done.rows
        seal = None if done.seal is None else {"number": done.seal.number, "hash": done.seal.hash}
        listed.write(separator + to_json({**done._asdict(), "seal": seal}))
        separator = b",\n"
    return count, tree.root().hex()


def _sweeps(reader: SealReader, writer: RowWriter, scope: ExportScope) -> Iterator[_Exported]:
    since = utc_moment(time.time() - scope.since).replace("T", " ")[:26] if scope.since else ""
    for sweep in reader.sweeps_with_rows():
        if (scope.sweep and sweep != scope.sweep) or not _is_wanted(reader, sweep, since, scope.pair):
            continue
        tree = SweepTree()
        for page in reader.rows(sweep):
            tree.extend(leaves_of(page))
            for _, row in page:
                writer.write(as_dict(row))
        yield _Exported(sweep, tree.rows, tree.root(), reader.seal_of_sweep(sweep))


def _is_wanted(reader: SealReader, sweep: int, since: str, pair: Pair | None) -> bool:
    if not since and pair is None:
        return True
    record = reader.record(sweep)
    names = tuple(record.get(name) for name in Pair._fields)
    return str(record.get("started_at", "")) >= since and (pair is None or names == tuple(pair))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file; it is removed again if an error is raised inside."""
    try:
        file = path.open("xb")
    except OSError as error:
        raise SettingsError([f"{path}: cannot be created: {error.strerror}"]) from error
    with file:
        try:
            yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise
