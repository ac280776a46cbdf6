"""What seals promise, held against every database: each kind of tampering is named."""

# ruff: noqa: S608 - the statements are put together from names that stand in this file

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from s3mover.audit.canonical_reader import ROWS_PER_PAGE
from s3mover.audit.canonical_rows import COLUMNS, canonical
from s3mover.audit.dsn import parse_dsn
from s3mover.audit.merkle import Step, leaf_hash, root_of_path
from s3mover.audit.opening import connect, open_seal_reader, open_trail
from s3mover.audit.row_proof import prove_row
from s3mover.audit.seal_verification import (
    ChainCheck,
    CheckedSweep,
    Finding,
    Problem,
    Trust,
    database_findings,
)
from s3mover.audit.sealing import Sealing
from s3mover.audit.seals import Seal, hash_of, parse_seal
from s3mover.audit.trail import Trail
from s3mover.errors import LeaseHeldError, MoverError
from s3mover.model import Action, BatchKind, Deletion, Pair, SweepRecord, SweepStatus, Tally
from testkit.leases import expire_lease
from tests.audit.conftest import Backend, sqlite_backend
from tests.audit.samples import AT, PAIR, failed, moved, order, skipped

NO_TRUST = Trust()
ODD_KEY = "in/é,1:\0\n'\"\\\U0001f600"


@dataclass
class Clock:
    """The clock of whoever seals."""

    now: float = AT + 100

    def __call__(self) -> float:
        """Return the time, which passes."""
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trail(backend: Backend, clock: Clock) -> Iterator[Trail]:
    with contextlib.closing(open_trail(backend.url, Sealing(clock=clock))) as opened:
        assert opened.acquire_lease(PAIR)
        yield opened


def close(trail: Trail, sweep: int, *, at: float = AT, pruned_before: float = 0.0) -> Seal:
    record = SweepRecord(sweep, PAIR, at, at + 9, SweepStatus.COMPLETED, Tally(listed=5), 9_000_000)
    return trail.close_sweep(record, pruned_before=pruned_before)


def sweep_once(trail: Trail, rows: int, at: float = AT, pruned_before: float = 0.0) -> Seal:
    """A sweep that moves so many objects, all but the second, which fails."""
    sweep = trail.open_sweep(PAIR, at)
    orders = [order(sweep, number, f"in/{number}") for number in range(1, rows + 1)]
    trail.intend(orders, at)
    trail.settle([failed(one, at=at + 1) if one.number == 2 else moved(one, at=at + 1) for one in orders])
    return close(trail, sweep, at=at, pruned_before=pruned_before)


@pytest.fixture
def sealed(trail: Trail) -> list[Seal]:
    """Four sweeps: rows of every kind, two of the same rows, none."""
    sweep = trail.open_sweep(PAIR, AT)
    copy, odd, gone, deletion, due = (
        order(sweep, 1),
        order(sweep, 2, ODD_KEY),
        order(sweep, 3),
        order(sweep, 4, "in/old")._replace(action=Action.DELETE),
        order(sweep, 5, "in/moved"),
    )
    trail.intend([copy, odd, gone, deletion, due], AT)
    trail.settle(
        [moved(copy), failed(odd), skipped(gone), moved(deletion), moved(due)._replace(delete_due=True)]
    )
    trail.end_deletions([Deletion(one) for one in trail.due_deletions(PAIR, 0, 10)[0]], AT + 2)
    return [
        close(trail, sweep),
        *(sweep_once(trail, rows, AT + 10 * at) for at, rows in ((1, 3), (2, 3), (3, 0))),
    ]


def findings(backend: Backend, trust: Trust = NO_TRUST, sweep: int = 0, after: int = 0) -> list[Finding]:
    """Everything that `audit verify` finds."""
    with contextlib.closing(open_seal_reader(backend.url)) as reader:
        chain = ChainCheck(reader, PAIR, trust)
        found = chain.one_sweep(sweep) if sweep else chain.whole(after)
        return [one for one in [*found, *database_findings(reader)] if isinstance(one, Finding)]


def checked(backend: Backend) -> list[CheckedSweep]:
    with contextlib.closing(open_seal_reader(backend.url)) as reader:
        found = ChainCheck(reader, PAIR, Trust()).whole()
        return [one for one in found if isinstance(one, CheckedSweep)]


def said(found: list[Finding]) -> list[tuple[str, int, str]]:
    return [(one.problem.value, one.sweep, one.message) for one in found]


def test_what_nobody_changed_is_intact(sealed: list[Seal], backend: Backend) -> None:
    """Rows of every kind, sweeps without rows; each seal follows the one before."""
    assert findings(backend) == []
    assert [(one.seal.number, one.check.rows, one.check.is_pruned) for one in checked(backend)] == [
        (1, 4, False),
        (2, 3, False),
        (3, 3, False),
        (4, 0, False),
    ]
    assert [seal.previous for seal in sealed] == ["0" * 64, *(seal.hash for seal in sealed[:3])]
    stored = backend.query("SELECT number, sweep_id, row_count, root, hash FROM audit_seals ORDER BY number")
    assert stored == [(one.number, one.sweep, one.rows, one.root, one.hash) for one in sealed]


def test_every_database_has_the_same_root_for_the_same_rows(sealed: list[Seal]) -> None:
    """Recorded once; MariaDB, MySQL and SQLite must come to it."""
    assert [seal.root for seal in sealed[:2]] == [
        "226d18f4c330015364c9b9eec1eff976d513d14c7922ffce7aab6c8556c7342b",
        "cc4de82778b144379f95b7cb5366d509396f92a854d7631a4cb78d7826d0f3c6",
    ]


# A value that each column can take, and none of the rows has.
ANOTHER = {
    "batch_id": "4",
    "number": "99",
    "file_key": "'in/A.pdf'",
    "action": "'delete'",
    "status": "'pending'",
    "method": "'streaming'",
    "size_bytes": "1001",
    "source_etag": "'E'",
    "destination_etag": "NULL",
    "attempts": "2",
    "duration_us": "0",
    "error_code": "''",
    "message": "'x'",
    "created_at": "'2025-01-04 14:17:09.250001'",
    "moved_at": "NULL",
    "updated_at": "'2025-01-04 14:17:09.250001'",
    "source_deleted_at": "'2025-01-04 14:17:09.250001'",
    "delete_due": "1",
}


def test_a_changed_value_of_any_column_is_named(trail: Trail, backend: Backend) -> None:
    """One column in each row: every row is named by number and key, and no other."""
    sweep_once(trail, len(COLUMNS) + 2)
    for number, column in enumerate(COLUMNS, 1):
        keep = "" if column == "updated_at" else ", updated_at = updated_at"
        backend.query(f"UPDATE document_logs SET {column} = {ANOTHER[column]}{keep} WHERE number = {number}")
    named = {f"row {number} (in/{number}) was changed" for number in range(3, len(COLUMNS) + 1)}
    named -= {"row 3 (in/3) was changed"}
    # Its sweep and its number are the name of a row.
    named |= {
        "row 3 (in/A.pdf) was changed",
        "row 1 was removed",
        "row 2 was removed",
        "row 99 (in/2) was added",
    }
    found = said(findings(backend))
    assert {message for _, sweep, message in found if sweep == 1} == named
    assert [(sweep, message) for _, sweep, message in found if sweep != 1] == [
        (4, "it has rows, but neither a record nor a seal")
    ]


def test_every_column_but_the_name_of_the_row_is_sealed(sealed: list[Seal], backend: Backend) -> None:
    """So a column that is added later must be sealed, too."""
    del sealed
    with contextlib.closing(connect(parse_dsn(backend.url))) as database:
        columns = {name for (name,) in backend.query(LISTED_COLUMNS[database.backend])}
    assert columns - {"id"} == set(COLUMNS)


LISTED_COLUMNS = {
    "mysql": "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
    "AND table_name = 'document_logs'",
    "sqlite": "SELECT name FROM pragma_table_info('document_logs')",
}
SWAP = """
    UPDATE document_logs SET file_key = CASE number WHEN 1 THEN 'in/3' ELSE 'in/1' END, updated_at = updated_at
    WHERE batch_id = 2 AND number IN (1, 3)
"""
ADD = """
    INSERT INTO document_logs (batch_id, number, file_key, status, created_at, updated_at)
    VALUES ({}, {}, 'in/new', 'success', '2025-01-04 14:17:09', '2025-01-04 14:17:09')
"""


UNNAMED = (
    "its 3 rows have the root HASH (sealed: {} rows, HASH); which rows differ cannot be told, because "
    "audit_seal_marks was changed, too"
)


@dataclass(frozen=True)
class Tampering:
    """Statements that change what is sealed, and what is found then."""

    statements: tuple[str, ...]
    found: tuple[tuple[str, int, str], ...]


TAMPERINGS = {
    "rows swapped": Tampering(
        (SWAP,), (("row", 2, "row 1 (in/3) was changed"), ("row", 2, "row 3 (in/1) was changed"))
    ),
    "rows reordered": Tampering(
        (
            "UPDATE document_logs SET number = 9, updated_at = updated_at WHERE batch_id = 2 AND number = 1",
            "UPDATE document_logs SET number = 1, updated_at = updated_at WHERE batch_id = 2 AND number = 3",
            "UPDATE document_logs SET number = 3, updated_at = updated_at WHERE batch_id = 2 AND number = 9",
        ),
        (("row", 2, "row 1 (in/3) was changed"), ("row", 2, "row 3 (in/1) was changed")),
    ),
    "a row deleted": Tampering(
        ("DELETE FROM document_logs WHERE batch_id = 2 AND number = 2",), (("row", 2, "row 2 was removed"),)
    ),
    "the last rows deleted": Tampering(
        ("DELETE FROM document_logs WHERE batch_id = 2 AND number > 1",),
        (("row", 2, "row 2 was removed"), ("row", 2, "row 3 was removed")),
    ),
    "a row inserted": Tampering((ADD.format(2, 7),), (("row", 2, "row 7 (in/new) was added"),)),
    "a row inserted in front": Tampering((ADD.format(2, 0),), (("row", 2, "row 0 (in/new) was added"),)),
    "a row inserted into an empty sweep": Tampering(
        (ADD.format(4, 1),), (("row", 4, "row 1 (in/new) was added"),)
    ),
    "a row inserted without a sweep": Tampering(
        (ADD.format("NULL", "NULL").replace("2025-01-04", "2035-01-04"),),
        (("row", 0, "1 rows without a sweep were added after the first seal"),),
    ),
    "rows inserted of a sweep that never was": Tampering(
        (ADD.format(77, 1),), (("sweep", 77, "it has rows, but neither a record nor a seal"),)
    ),
    "the record of a sweep changed": Tampering(
        ("UPDATE migration_batches SET failed = 3 WHERE id = 2",),
        (("sweep", 2, "migration_batches says failed = 3, the seal 0"),),
    ),
    "the record of a sweep deleted": Tampering(
        ("DELETE FROM migration_batches WHERE id = 2",),
        (("sweep", 2, "its row of migration_batches was removed"),),
    ),
    "a sweep added": Tampering(
        (
            """
            INSERT INTO migration_batches (id, started_at, ended_at, status,
                source_bucket, source_prefix, destination_bucket, destination_prefix)
            SELECT 50, started_at, ended_at, status, source_bucket, source_prefix, destination_bucket,
                destination_prefix FROM migration_batches WHERE id = 2
            """,
        ),
        (("sweep", 50, "it has ended, and no seal is about it"),),
    ),
    "a whole sweep replayed": Tampering(
        (
            """
            INSERT INTO audit_seals (pair, number, kind, sweep_id, sealed_at, row_count, root, previous, hash, content)
            SELECT pair, 5, kind, sweep_id, sealed_at, row_count, root, previous, hash, content
            FROM audit_seals WHERE number = 2
            """,
        ),
        (
            ("seal", 2, "its columns do not say what its content says: number"),
            ("seal", 2, "it does not follow seal 4: one of the two was changed"),
            ("seal", 2, "an earlier seal is about the same sweep"),
        ),
    ),
    "a column of a seal changed": Tampering(
        ("UPDATE audit_seals SET row_count = 2 WHERE number = 2",),
        (("seal", 2, "its columns do not say what its content says: row_count"),),
    ),
    "the content of a seal changed": Tampering(
        ("UPDATE audit_seals SET content = REPLACE(content, '\"rows\":3', '\"rows\":2') WHERE number = 2",),
        (
            ("seal", 2, "its columns do not say what its content says: row_count, hash"),
            ("seal", 3, "it does not follow seal 2: one of the two was changed"),
            (
                "sweep",
                2,
                UNNAMED.format(2),
            ),
        ),
    ),
    "the content of a seal spoilt": Tampering(
        ("UPDATE audit_seals SET content = 'x' WHERE number = 2",),
        (("seal", 0, "its content was changed: not the text of a seal: JSONDecodeError"),),
    ),
    "a seal deleted": Tampering(
        ("DELETE FROM audit_seals WHERE number = 2",),
        (("seal", 0, "seal 2 was removed"), ("sweep", 2, "it has ended, and no seal is about it")),
    ),
    "the first seals deleted": Tampering(
        ("DELETE FROM audit_seals WHERE number < 3",), (("seal", 0, "seals 1 to 2 were removed"),)
    ),
    "rows and marks changed": Tampering(
        (
            "UPDATE document_logs SET size_bytes = 5, updated_at = updated_at WHERE batch_id = 2 AND number = 1",
            "DELETE FROM audit_seal_marks",
        ),
        (
            (
                "sweep",
                2,
                UNNAMED.format(3),
            ),
        ),
    ),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
@pytest.mark.usefixtures("sealed")
def test_tampering_is_named(backend: Backend, kind: str) -> None:
    """Sweep by sweep, row by row where the marks are whole."""
    for statement in TAMPERINGS[kind].statements:
        backend.query(statement)
    found = [
        (problem, sweep, re.sub("[0-9a-f]{64}", "HASH", message))
        for problem, sweep, message in said(findings(backend))
    ]
    assert sorted(found) == sorted(TAMPERINGS[kind].found)


def test_a_clock_that_goes_back_is_named(trail: Trail, backend: Backend, clock: Clock) -> None:
    """A little is what every clock does when it is set right."""
    sweep_once(trail, 1)
    clock.now -= 30
    sweep_once(trail, 1, AT + 10)
    assert findings(backend) == []
    clock.now -= 3600
    sweep_once(trail, 1, AT + 20)
    [found] = findings(backend)
    assert (found.problem, found.seal, found.sweep) == (Problem.CLOCK, 3, 3)
    assert "3599 s before seal 2" in found.message


def test_removing_the_newest_seals_with_their_sweeps_is_found_by_a_known_head_only(
    sealed: list[Seal], backend: Backend
) -> None:
    """The chain that is left is whole: a hash from a log, a summary or the anchor shows the loss."""
    for table, column in (
        ("document_logs", "batch_id"),
        ("migration_batches", "id"),
        ("audit_seals", "sweep_id"),
        ("audit_seal_marks", "sweep_id"),
    ):
        backend.query(f"DELETE FROM {table} WHERE {column} > 2")
    assert findings(backend) == []
    assert findings(backend, Trust(head=sealed[1].hash)) == []
    [found] = findings(backend, Trust(head=sealed[3].hash))
    assert found.problem is Problem.HEAD


def test_a_chain_that_was_computed_anew_is_found_by_a_known_head_only(
    sealed: list[Seal], backend: Backend
) -> None:
    """Whoever can write the database can make it whole: without signature, anchor or head nothing shows that."""
    backend.query("UPDATE document_logs SET file_key = 'in/x', updated_at = updated_at WHERE batch_id = 4")
    content = sealed[3].content.replace(sealed[3].sealed_at, "2025-01-04 14:30:00.000000")
    forged = parse_seal(content)
    backend.query(
        f"UPDATE audit_seals SET content = '{content}', hash = '{hash_of(content)}', "
        f"sealed_at = '{forged.sealed_at}' WHERE number = 4"
    )
    assert findings(backend) == []
    assert [found.problem for found in findings(backend, Trust(head=sealed[3].hash))] == [Problem.HEAD]


def test_rows_that_retention_removed_are_pruned_and_not_broken(trail: Trail, backend: Backend) -> None:
    """Of a sweep that ended before the time that a later seal names; the seal stays, also without the sweep."""
    sweep_once(trail, 3)
    sweep_once(trail, 2, AT + 100, pruned_before=AT + 50)
    assert [one.check.is_pruned for one in checked(backend)] == [False, False]
    assert trail.prune(AT + 50, 2) == 2
    assert findings(backend) == []
    assert [(one.check.rows, one.check.is_pruned) for one in checked(backend)] == [(1, True), (2, False)]
    assert [trail.prune(AT + 50, 2), trail.prune(AT + 50, 2)] == [2, 0]
    assert findings(backend) == []
    assert [(one.check.rows, one.check.is_pruned) for one in checked(backend)] == [(0, True), (2, False)]
    assert backend.query("SELECT COUNT(*) FROM audit_seal_marks WHERE sweep_id = 1") == [(0,)]
    backend.query("DELETE FROM document_logs WHERE batch_id = 2 AND number = 2")
    assert said(findings(backend)) == [("row", 2, "row 2 was removed")]


def test_a_row_that_retention_left_must_be_as_it_was(trail: Trail, backend: Backend) -> None:
    """Being pruned excuses what is gone, and no change."""
    sweep_once(trail, 3)
    sweep_once(trail, 0, AT + 100, pruned_before=AT + 50)
    trail.prune(AT + 50, 1)
    backend.query("UPDATE document_logs SET size_bytes = 7, updated_at = updated_at WHERE number = 3")
    assert ("row", 1, "row 3 (in/3) was changed") in said(findings(backend))


def test_what_is_settled_after_the_seal_is_amended(trail: Trail, backend: Backend) -> None:
    """Recovery and late deletions change rows of sealed sweeps: each change is sealed, and the sweep stays intact."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number, f"in/{number}") for number in range(1, 5)]
    trail.intend(orders, AT)
    trail.settle(
        [failed(orders[0], "Timeout"), *(moved(one)._replace(delete_due=True) for one in orders[1:3])]
    )
    close(trail, sweep)
    sweep_once(trail, 1, AT + 100)
    trail.take_seals()
    for _ in range(2):  # the second time nothing changes
        trail.resolve([moved(orders[0], at=AT + 110), moved(orders[3], at=AT + 110)])
    due, _ = trail.due_deletions(PAIR, 0, 10)
    trail.end_deletions([Deletion(one) for one in due], AT + 120)
    amendments = trail.take_seals()
    assert [(seal.number, seal.kind.value, seal.sweep, seal.rows) for seal in amendments] == [
        (3, "amendment", sweep, 2),
        (4, "amendment", sweep, 2),
    ]
    assert amendments[0].said["record"]["succeeded"] == 4
    assert findings(backend) == []
    assert findings(backend, sweep=sweep) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE document_logs SET status = 'error', updated_at = updated_at WHERE batch_id = 1 AND number = 1",
            "row 1 (in/a.pdf) was changed",
        ),
        ("DELETE FROM document_logs WHERE batch_id = 1 AND number = 1", "row 1 was removed"),
        ("DELETE FROM audit_seals WHERE kind = 'amendment'", "row 1 (in/a.pdf) was changed"),
    ],
)
def test_tampering_with_an_amended_row_is_named(
    trail: Trail, backend: Backend, statement: str, message: str
) -> None:
    """It must be as its last amendment says, and that amendment must be there."""
    sweep = trail.open_sweep(PAIR, AT)
    one = order(sweep, 1)
    trail.intend([one], AT)
    trail.settle([failed(one, "Timeout")])
    close(trail, sweep)
    trail.resolve([moved(one, at=AT + 110)])
    sweep_once(trail, 1, AT + 200)
    backend.query(statement)
    assert ("row", sweep, message) in said(findings(backend))


def test_a_sweep_that_was_killed_is_sealed_late(trail: Trail, backend: Backend, clock: Clock) -> None:
    """By the next run, after it resolved what was pending; the seal says so."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number) for number in (1, 2)]
    trail.intend(orders, AT)
    trail.settle([moved(orders[0])])
    expire_lease(backend.url, PAIR)
    with contextlib.closing(open_trail(backend.url, Sealing(clock=clock))) as successor:
        assert successor.acquire_lease(PAIR)
        successor.resolve([failed(orders[1], "Interrupted")])
        assert successor.interrupt_sweeps(PAIR, AT + 60) == 1
        [seal] = successor.take_seals()
    assert (seal.kind.value, seal.rows, seal.said["late"], seal.said["record"]["status"]) == (
        "sweep",
        2,
        True,
        "interrupted",
    )
    assert findings(backend) == []


def test_an_instance_that_lost_the_lease_seals_nothing(trail: Trail, backend: Backend) -> None:
    """Neither a sweep nor an amendment: both are conditional on the lease."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.intend([order(sweep, 1)], AT)
    trail.settle([moved(order(sweep, 1))])
    expire_lease(backend.url, PAIR)
    with contextlib.closing(open_trail(backend.url)) as successor:
        assert successor.acquire_lease(PAIR)
        with pytest.raises(LeaseHeldError):
            close(trail, sweep)
        assert successor.interrupt_sweeps(PAIR, AT + 60) == 1
        with pytest.raises(LeaseHeldError):
            trail.resolve([failed(order(sweep, 1))])
    assert backend.query("SELECT number, kind FROM audit_seals") == [(1, "sweep")]


def test_closing_again_after_an_unknown_commit_seals_once(trail: Trail, backend: Backend) -> None:
    sweep = trail.open_sweep(PAIR, AT)
    assert close(trail, sweep) == close(trail, sweep)
    assert backend.query("SELECT COUNT(*) FROM audit_seals") == [(1,)]


def test_each_pair_has_a_chain_of_its_own(trail: Trail, backend: Backend) -> None:
    sweep_once(trail, 1)
    other = Pair("a", "", "b", "")
    with contextlib.closing(open_trail(backend.url)) as second:
        assert second.acquire_lease(other)
        sweep = second.open_sweep(other, AT)
        seal = second.close_sweep(SweepRecord(sweep, other, AT, AT + 1, SweepStatus.COMPLETED, Tally(), 0))
    assert (seal.number, seal.previous) == (1, "0" * 64)
    with contextlib.closing(open_seal_reader(backend.url)) as reader:
        assert set(reader.pairs().values()) == {PAIR, other}
        assert not list(database_findings(reader))


def test_rows_of_many_ranges_and_pages_are_sealed_and_named(trail: Trail, backend: Backend) -> None:
    """A root for each range, and one over the ranges; gaps between numbers, and more rows than a page or block has."""
    sweep = trail.open_sweep(PAIR, AT)
    numbers = [*range(1, 1400), *range(2**32 + 1, 2**32 + 4), *range(5 * 2**32 + 7, 5 * 2**32 + 9)]
    orders = [order(sweep, number, f"in/{number}") for number in numbers]
    trail.intend(orders, AT)
    trail.settle([moved(one) for one in orders])
    assert close(trail, sweep).rows == len(numbers)
    assert findings(backend) == []
    backend.query(f"DELETE FROM document_logs WHERE number = {2**32 + 2}")
    backend.query("DELETE FROM document_logs WHERE number BETWEEN 100 AND 1399")
    backend.query(ADD.format(sweep, 5 * 2**32 + 9))
    found = findings(backend)
    assert [one.message for one in found[:2]] == ["row 100 was removed", "row 101 was removed"]
    assert (len(found), found[-1].message) == (21, "1282 more rows were changed, removed or added")


@pytest.mark.parametrize("rows", [ROWS_PER_PAGE - 1, ROWS_PER_PAGE, 2 * ROWS_PER_PAGE])
def test_a_sweep_may_end_with_a_full_page(trail: Trail, backend: Backend, rows: int) -> None:
    assert sweep_once(trail, rows).rows == rows
    assert findings(backend) == []


def test_rows_too_long_for_one_packet_are_read_in_halves(trail: Trail, backend: Backend) -> None:
    """Someone may have written more into a column than s3mover does."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number, f"in/{number}") for number in range(1, 301)]
    trail.intend(orders, AT)
    trail.settle([moved(one) for one in orders])
    backend.query(f"UPDATE document_logs SET message = '{'x' * 65000}'")
    assert close(trail, sweep).rows == 300
    assert findings(backend) == []


@pytest.mark.parametrize("value", ["X'FF'", "'\\xff'", "''"])
def test_text_that_is_not_utf8_does_not_stop_the_check(tmp_path: Path, value: str) -> None:
    """SQLite keeps whatever is written into a column."""
    backend = sqlite_backend(tmp_path / "trail.db")
    with contextlib.closing(open_trail(backend.url)) as opened:
        assert opened.acquire_lease(PAIR)
        sweep_once(opened, 2)
    backend.query(f"UPDATE document_logs SET file_key = CAST({value} AS TEXT) WHERE number = 1")
    assert [(one.problem, one.sweep) for one in findings(backend)] == [(Problem.ROW, 1)]
    backend.query("UPDATE document_logs SET number = 'x' WHERE number = 2")
    assert any("has no number" in one.message for one in findings(backend))


def test_no_sweep_is_recorded_as_ended_without_its_seal(trail: Trail, backend: Backend) -> None:
    """Both stand in one transaction: a kill between them leaves a running sweep, which the next run seals late."""
    sweep = trail.open_sweep(PAIR, AT)
    backend.query("DROP TABLE audit_seals")
    with pytest.raises(MoverError):
        close(trail, sweep)
    assert backend.query("SELECT status, ended_at FROM migration_batches") == [("running", None)]


def test_a_batch_of_events_is_sealed_as_a_sweep_is(trail: Trail, backend: Backend) -> None:
    """In the chain of its pair; the record says what it is."""
    batch = trail.open_batch(PAIR, AT)
    trail.intend([order(batch, 1)], AT)
    trail.settle([moved(order(batch, 1))])
    record = SweepRecord(batch, PAIR, AT, AT + 9, SweepStatus.COMPLETED, Tally(1), 1, kind=BatchKind.EVENTS)
    seal = trail.close_sweep(record)
    assert (seal.rows, seal.said["record"]["kind"]) == (1, "events")
    assert findings(backend) == []


def test_a_row_is_found_by_its_exact_key_and_proven(sealed: list[Seal], backend: Backend) -> None:
    """The newest of the key, or that of one sweep; a key of other letters is another."""
    with contextlib.closing(open_seal_reader(backend.url)) as reader:
        assert reader.newest_row(ODD_KEY) == (1, 2)
        assert reader.newest_row("in/1") == (3, 1)
        assert reader.newest_row("in/1", sweep=2) == (2, 1)
        assert reader.newest_row("in/A.pdf") is None
        proof = prove_row(reader, 1, 2)
    assert proof["seal"] == {"content": sealed[0].content, "hash": sealed[0].hash, "signature": ""}
    row = cast("dict[str, str | int | None]", proof["row"])
    assert (row["file_key"], row["status"], row["size_bytes"]) == (ODD_KEY, "error", 1000)
    path = [Step(side, bytes.fromhex(sibling)) for side, sibling in cast("list[list[str]]", proof["path"])]
    part = cast("dict[str, str | int]", proof["range"])
    assert root_of_path(leaf_hash(canonical(list(row.values()))), path).hex() == part["root"]
    assert leaf_hash(canonical(list(part.values()))).hex() == sealed[0].root
