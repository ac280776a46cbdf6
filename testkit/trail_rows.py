"""Checks of buckets and trail after sweeps that ended well, whatever failed on the way."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from s3mover.audit.opening import open_seal_reader
from s3mover.audit.seal_verification import ChainCheck, Finding, Trust, database_findings
from simulator import Simulator

_ROWS_OF_SWEEP = """
    SELECT b.planned, b.succeeded, b.failed, COUNT(d.id), TOTAL(d.status = 'success'), TOTAL(d.status = 'error')
    FROM migration_batches b LEFT JOIN document_logs d ON d.batch_id = b.id GROUP BY b.id
"""


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Query the embedded trail that a program left in `folder`."""
    with closing(sqlite3.connect(folder / "s3mover.db")) as database:
        return database.execute(query).fetchall()


def pending(folder: Path) -> int:
    """Return how many transfers are intended, and not settled."""
    return int(rows(folder, "SELECT COUNT(*) FROM document_logs WHERE status = 'pending'")[0][0])


def assert_counted(folder: Path) -> None:
    """Assert that every row is settled, and every sweep counts what its rows say."""
    assert pending(folder) == 0
    for planned, succeeded, failed, *counted in rows(folder, _ROWS_OF_SWEEP):
        assert [planned, succeeded, failed] == counted
    assert_sealed(f"sqlite:///{folder / 's3mover.db'}")


def assert_sealed(url: str) -> None:
    """Assert that every sweep that ended is sealed, and that the trail is as it was sealed."""
    with closing(open_seal_reader(url)) as reader:
        for pair in reader.pairs().values():
            assert [
                one for one in ChainCheck(reader, pair, Trust()).whole() if isinstance(one, Finding)
            ] == []
        assert list(database_findings(reader)) == []


def assert_settled(s3: Simulator, source: str, destination: str, folder: Path) -> None:
    """Assert that both buckets are equal, no upload is left, and each object has one row of success."""
    assert s3.differences(source, destination) == []
    assert s3.uploads(destination) == []
    moved = rows(folder, "SELECT file_key FROM document_logs WHERE status = 'success' ORDER BY file_key")
    assert sorted(key for (key,) in moved) == sorted(entry["key"] for entry in s3.objects(source))
    assert_counted(folder)
