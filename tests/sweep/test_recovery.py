"""What becomes of a row that a killed run left pending: the truth table, row by row."""

import pytest

from s3mover.audit.trail import PendingRow
from s3mover.model import Status
from s3mover.s3.records import Head
from s3mover.sweep.recovery import resolution

MD5_A, MD5_B, PARTS = "a" * 32, "b" * 32, "c" * 32 + "-2"
INTENDED_AT = 1_735_960_629.5
BEFORE, SAME_SECOND, LATER = (
    "Sat, 04 Jan 2025 03:17:08 GMT",
    "Sat, 04 Jan 2025 03:17:09 GMT",
    "Sat, 04 Jan 2025 03:17:30 GMT",
)


def row(etag: str = MD5_A) -> PendingRow:
    return PendingRow(3, 7, "key", 5, etag, INTENDED_AT)


def head(etag: str = MD5_A, size: int = 5, at: str = LATER, **headers: str) -> Head:
    return Head(size, etag, at, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("pending", "found", "status"),
    [
        (row(), None, Status.ERROR),
        (row(), head(size=6), Status.ERROR),
        (row(), head(MD5_A, at=BEFORE), Status.SUCCESS),
        (row(), head(MD5_B), Status.ERROR),
        (row(PARTS), head(MD5_B), Status.SUCCESS),
        (row(PARTS), head(MD5_B, at=SAME_SECOND), Status.SUCCESS),
        (row(PARTS), head(MD5_B, at=BEFORE), Status.ERROR),
        (row(), head(MD5_B, x_amz_server_side_encryption="aws:kms"), Status.SUCCESS),
        (row(), head(MD5_B, at=BEFORE, x_amz_server_side_encryption="aws:kms"), Status.ERROR),
        (row(), head(MD5_B, x_amz_server_side_encryption="AES256"), Status.ERROR),
    ],
)
def test_the_truth_table_holds(pending: PendingRow, found: Head | None, status: Status) -> None:
    """Each row of the table in the docstring decides as written there; success names the destination's ETag."""
    outcome = resolution(pending, found, 99.0)
    assert (outcome.sweep, outcome.number, outcome.status) == (3, 7, status)
    assert outcome.destination_etag == (found.etag if found and status is Status.SUCCESS else "")
