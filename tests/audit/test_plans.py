"""How the databases find rows: by an index, at any number of rows, and by exactly the bytes that were asked for."""

# ruff: noqa: S608 - the statements are put together from names that stand in this file

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from s3mover.audit import deletion_candidates, statements
from s3mover.audit.opening import open_trail
from s3mover.audit.trail import Trail
from testkit.mariadb import Account
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR, moved, order

DIGITS = " UNION ALL ".join(f"SELECT {n} AS d" for n in range(10))
A_THOUSAND = f"(SELECT a.d + 10 * b.d + 100 * c.d AS n FROM ({DIGITS}) a, ({DIGITS}) b, ({DIGITS}) c) numbers"
FILL = (
    f"""
    INSERT INTO document_logs (batch_id, number, file_key, status, created_at, updated_at, delete_due)
    SELECT 1 + n % 20, n, CONCAT('in/', n), IF(n % 2, 'success', 'error'),
        '2025-01-04 00:00:00' + INTERVAL n MINUTE, '2025-01-04 00:00:00', 0 FROM {A_THOUSAND}
    """,
    f"""
    INSERT INTO migration_batches (id, started_at, ended_at, status,
        source_bucket, source_prefix, destination_bucket, destination_prefix)
    SELECT n + 1, '2025-01-04 00:00:00' + INTERVAL n MINUTE, '2025-01-04 00:01:00' + INTERVAL n MINUTE, 'completed',
        'there', 'in/', 'here', 'out/' FROM {A_THOUSAND}
    """,
    f"""
    INSERT INTO object_waits (pair_hash, key_hash, file_key, source_etag, failures, batch_id, failed_at, next_attempt)
    SELECT n % 3, n, n, '', 2, 1, '2025-01-04 00:00:00', '2025-01-04 00:00:00' + INTERVAL n MINUTE FROM {A_THOUSAND}
    """,
    f"""
    INSERT INTO deletion_candidates (pair_hash, key_hash, file_key, destination_etag, size_bytes, seen_batch, seen_at,
        times_missed, first_missed_batch, first_missed_at, last_missed_batch, last_missed_at, confirmed)
    SELECT n % 3, n, n, '', 2, 1, '2025-01-04 00:00:00' + INTERVAL n MINUTE, 0, 0, '2025-01-04 00:00:00', 0,
        '2025-01-04 00:00:00', 0 FROM {A_THOUSAND}
    """,
    "ANALYZE TABLE document_logs, migration_batches, object_waits, deletion_candidates",
)
SINCE = ["created_at >= '2025-01-04 16:00:00'"]
DIGITS_OF_PAIR = "7468657265", "696E2F", "68657265", "6F75742F"
BEFORE = "2025-01-04 00:09:00"


def written(sql: str, *values: object) -> str:
    """Return a query of ours with its values written into it."""
    return sql.replace("?", "{!r}").format(*values)


# Each with the index that must serve it.
QUERIES = {
    "SELECT * FROM document_logs WHERE file_key = 'in/7'": "document_logs_key",
    "SELECT * FROM document_logs WHERE status = 'error' AND created_at > '2025-01-04 16:00:00'": (
        "document_logs_status"
    ),
    written(statements.failures(SINCE, "sqlite"), 20): "document_logs_status",
    statements.totals(SINCE): "document_logs_status",
    written(statements.OLD_ROWS, BEFORE, BEFORE, 10): "document_logs_status",
    written(statements.OLD_SWEEPS, BEFORE, 10): "migration_batches_ended",
    statements.RUNNING_SWEEPS: "migration_batches_status",
    written(statements.waits(2), 1, 4, 7): "PRIMARY",
    written(statements.HAS_WAITS, 1): "",
    written(statements.OLD_WAITS, 1, BEFORE, 10): "object_waits_next",
    written(statements.remove("document_logs", 2), 3, 4): "PRIMARY",
    written(statements.FAILED_DELETION, "2025-01-04 16:00:00"): "document_logs_status",
    written(deletion_candidates.of_keys(2), 1, 4, 7): "PRIMARY",
    written(deletion_candidates.PAGE, 1, 4, 10): "PRIMARY",
    written(deletion_candidates.OLD, 1, BEFORE, 10): "deletion_candidates_seen",
}


@pytest.fixture
def filled(account: Account) -> Callable[[str], list[str]]:
    """A thousand rows in each table; it tells how a query is run."""
    open_trail(account.go_dsn).close()
    account.query(*FILL)

    def explain(sql: str) -> list[str]:
        plan = account.query(f"EXPLAIN FORMAT=TRADITIONAL {sql}" if _is_mysql(account) else f"EXPLAIN {sql}")
        # select_type, table, type, key: by name their places differ between the two servers.
        return [" ".join(str(value) for value in row) for row in plan]

    return explain


def _is_mysql(account: Account) -> bool:
    return "MariaDB" not in account.query("SELECT VERSION()")[0][0]


def test_servers_find_rows_by_an_index(filled: Callable[[str], list[str]]) -> None:
    """No query that is made while sweeps run, or of a recent time, reads a whole table."""
    for query, index in QUERIES.items():
        first = filled(query)[0]
        assert index in first, (query, first)
        assert " ALL " not in first, (query, first)


def test_each_page_of_failures_begins_where_the_last_one_ended(filled: Callable[[str], list[str]]) -> None:
    """By status and time, which are more than the status alone: however many pages there are, each is as quick."""
    older = ["created_at <= ?", "(created_at < ? OR id < ?)"]
    last = "2025-01-04 16:00:00"
    plan = filled(written(statements.failures(older, "mysql"), last, last, 500, 20))[0]
    assert " range " in plan
    assert "filesort" not in plan


def test_a_pairs_failures_are_found_in_the_same_order(filled: Callable[[str], list[str]]) -> None:
    """The rows are still read by status and time, and each one's sweep is looked up."""
    query = statements.failures([statements.IN_SWEEPS_OF_PAIR], "mysql")
    plan = filled(written(query, *DIGITS_OF_PAIR, 20))
    assert "document_logs_status" in plan[0], plan
    assert "filesort" not in plan[0], plan
    assert "PRIMARY" in plan[1], plan


def test_the_last_copies_of_a_page_are_found_by_their_keys(filled: Callable[[str], list[str]]) -> None:
    """However many rows there are: the rows of these keys, the sweep of each, and no other row."""
    plan = filled(written(statements.last_successes(2, "mysql"), "in/7", "in/8", *DIGITS_OF_PAIR))
    [by_key] = [line for line in plan if "document_logs_key" in line]
    assert " range " in by_key, plan
    assert sum(" eq_ref PRIMARY PRIMARY " in line for line in plan) == 2, plan
    assert sum(" ALL " in line for line in plan) == 1, plan  # the result of the inner query


def test_sqlite_finds_the_last_copies_of_a_page_by_their_keys(tmp_path: Path) -> None:
    """As the servers do."""
    open_trail(f"sqlite:///{tmp_path}/trail.db").close()
    query = written(statements.last_successes(2, "sqlite"), "in/7", "in/8", *DIGITS_OF_PAIR)
    with contextlib.closing(sqlite3.connect(tmp_path / "trail.db")) as database:
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert any("SEARCH document_logs USING INDEX document_logs_key" in line for line in plan), plan
    assert [line for line in plan if line.startswith("SCAN")] == ["SCAN latest"], plan


def test_sqlite_finds_rows_by_an_index(tmp_path: Path) -> None:
    """The same queries, in the embedded database."""
    open_trail(f"sqlite:///{tmp_path}/trail.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "trail.db")) as database:
        for query, index in QUERIES.items():
            plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}")]
            named = index.replace("PRIMARY", "PRIMARY KEY")
            assert plan[0].startswith("SEARCH"), (query, plan)
            assert named in plan[0], (query, plan)


@pytest.mark.parametrize("other", ["in/A", "in/a ", "in/\u00e1", "in/a\0", "in/a\t", "IN/a"])
def test_a_look_up_finds_just_its_key(trail: Trail, backend: Backend, other: str) -> None:
    """Case, accents, trailing spaces and control characters count: two keys of S3 are never one."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.settle([moved(order(sweep, 1, "in/a")), moved(order(sweep, 2, other))])
    assert backend.query("SELECT number FROM document_logs WHERE file_key = 'in/a'") == [(1,)]
    assert len(backend.query("SELECT file_key FROM document_logs GROUP BY file_key")) == 2


def test_what_events_copied_since_a_time_is_found_by_its_keys(
    filled: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """A sweep asks this before it hands orders out: however many rows there are, only those of these keys are read."""
    last = "2025-01-04 16:00:00"
    plan = filled(written(statements.copied_since(2, "mysql"), "in/7", "in/8", last, *DIGITS_OF_PAIR))
    [by_key] = [line for line in plan if "document_logs_key" in line]
    assert " range " in by_key, plan
    assert not any(" ALL " in line for line in plan), plan
    open_trail(f"sqlite:///{tmp_path}/trail.db").close()
    query = written(statements.copied_since(2, "sqlite"), "in/7", "in/8", last, *DIGITS_OF_PAIR)
    with contextlib.closing(sqlite3.connect(tmp_path / "trail.db")) as database:
        steps = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert any("SEARCH document_logs USING INDEX document_logs_key" in step for step in steps), steps
    assert not any(step.startswith("SCAN") for step in steps), steps
