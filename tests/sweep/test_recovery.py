"""What becomes of a row that was left open: the truth table, row by row."""

import pytest

from s3mover.audit.trail import PendingRow
from s3mover.model import Status
from s3mover.s3.records import Head
from s3mover.sweep.recovery import resolution

MD5_A, MD5_B, PARTS = "a" * 32, "b" * 32, "c" * 32 + "-2"
INTENDED_AT = 1_735_960_629.5
LONG_BEFORE, BEFORE, SAME_SECOND, LATER = (
    "Sat, 04 Jan 2025 03:15:08 GMT",
    "Sat, 04 Jan 2025 03:17:08 GMT",
    "Sat, 04 Jan 2025 03:17:09 GMT",
    "Sat, 04 Jan 2025 03:17:30 GMT",
)


def row(etag: str = MD5_A) -> PendingRow:
    return PendingRow(3, 7, "key", 5, etag, INTENDED_AT)


def head(etag: str = MD5_A, size: int = 5, at: str = LATER, **headers: str) -> Head:
    return Head(size, etag, at, {name.replace("_", "-"): value for name, value in headers.items()})


def told(etag: str, checksum: str, at: str = LATER) -> Head:
    return head(etag, at=at, x_amz_checksum_crc64nvme=checksum, x_amz_checksum_type="FULL_OBJECT")


def kms(etag: str = MD5_A, at: str = LATER) -> Head:
    return head(etag, at=at, x_amz_server_side_encryption="aws:kms")


@pytest.mark.parametrize(
    ("pending", "arrived", "source", "status"),
    [
        (row(), None, None, Status.ERROR),
        (row(), head(size=6), head(), Status.ERROR),
        (row(), head(MD5_A, at=BEFORE), None, Status.SUCCESS),
        (row(), head(MD5_B), head(), Status.ERROR),
        (row(PARTS), head(MD5_B), None, Status.SUCCESS),
        (row(PARTS), head(MD5_B), head(PARTS), Status.SUCCESS),
        (row(PARTS), head(MD5_B, at=SAME_SECOND), head(PARTS), Status.SUCCESS),
        (row(PARTS), head(MD5_B, at=BEFORE), head(PARTS), Status.ERROR),
        (row(PARTS), told(MD5_B, "AAAA"), told(PARTS, "AAAA"), Status.SUCCESS),
        (row(PARTS), told(MD5_B, "AAAA", at=BEFORE), told(PARTS, "AAAA"), Status.SUCCESS),
        (row(PARTS), told(MD5_B, "AAAA", at=LONG_BEFORE), told(PARTS, "AAAA"), Status.ERROR),
        (row(PARTS), told(MD5_B, "BBBB"), told(PARTS, "AAAA"), Status.ERROR),
        (row(), kms(MD5_B), head(), Status.SUCCESS),
        (row(), head(MD5_B), kms(), Status.SUCCESS),
        (row(), kms(MD5_B, at=BEFORE), head(), Status.ERROR),
        (row(), head(MD5_B, x_amz_server_side_encryption="AES256"), head(), Status.ERROR),
    ],
)
def test_the_truth_table_holds(
    pending: PendingRow, arrived: Head | None, source: Head | None, status: Status
) -> None:
    """Each row of the table in the docstring decides as written there; success names the destination's ETag."""
    outcome = resolution(pending, arrived, source, 99.0)
    assert (outcome.sweep, outcome.number, outcome.status) == (3, 7, status)
    assert outcome.destination_etag == (arrived.etag if arrived and status is Status.SUCCESS else "")


def test_a_version_that_replaced_the_intended_one_is_known() -> None:
    """A worker copies what it finds when it looks again: the row becomes that version's."""
    outcome = resolution(row(), head(MD5_B, size=6), head(MD5_B, size=6), 99.0)
    assert (outcome.status, outcome.source_etag, outcome.size) == (Status.SUCCESS, MD5_B, 6)


def test_a_version_that_came_back_is_not_this_rows() -> None:
    """What was at the destination before the intent was moved by another row, though the source has it again."""
    outcome = resolution(row(), head(MD5_B, at=BEFORE), head(MD5_B), 99.0)
    assert (outcome.status, outcome.source_etag) == (Status.ERROR, MD5_A)
