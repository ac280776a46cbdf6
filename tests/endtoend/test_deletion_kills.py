"""Killed at every instant between candidate and settled row: nothing goes without a committed row, no row lies."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testkit.mariadb import MariaDb, running_mariadb
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World
from tests.endtoend.kill_scenario import KillScenario, MysqlTrail, SqliteTrail, running_scenario
from tests.endtoend.statement_hold import Statement, hold_on
from tests.endtoend.test_kills import finish

pytestmark = pytest.mark.timeout(900)

AT_ONCE = {
    "S3MOVER_DELETIONS__MODE": "propagate",
    "S3MOVER_DELETIONS__CONFIRM": "1",
    "S3MOVER_DELETIONS__MIN_AGE": "0",
    "S3MOVER_DELETIONS__MAX_SHARE": "100%",
    "S3MOVER_SWEEP__INTERVAL": "100ms",
}
# Each kill leaves what the next one strikes at.
IN_ORDER = {
    "candidates are recorded": Statement("INSERT", "deletion_candidates", "NEW.times_missed = 0"),
    "candidates are judged": Statement("UPDATE", "deletion_candidates", "NEW.confirmed = 1"),
    "deletions are intended": Statement(
        "INSERT", "document_logs", "NEW.action = 'delete' AND NEW.status = 'pending'"
    ),
    "deletions are settled": Statement(
        "UPDATE", "document_logs", "NEW.action = 'delete' AND NEW.status = 'success'"
    ),
    "deletions are resolved": Statement("UPDATE", "document_logs", "NEW.message LIKE 'found deleted%'"),
    "the sweep is interrupted": Statement("UPDATE", "migration_batches", "NEW.status = 'interrupted'"),
    "candidates end": Statement("DELETE", "deletion_candidates", "1 = 1"),
    "the sweep is closed": Statement("UPDATE", "migration_batches", "NEW.status = 'completed'"),
}
KEPT = [f"kept-{number}" for number in range(30)]


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """A server of this module's own."""
    with running_mariadb() as running:
        yield running


@pytest.fixture(params=["sqlite", "mariadb"])
def scenario(
    world: World,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> Iterator[KillScenario]:
    """A program that carries deletions over, and a trail in which all objects are recorded as copied."""
    if request.param == "sqlite":
        database: SqliteTrail | MysqlTrail = SqliteTrail(tmp_path)
    else:
        database = MysqlTrail(request.getfixturevalue("server").database())
    settings = {**world.environment, **AT_ONCE}
    told = KillScenario(request.node.name, world.s3, settings, database, tmp_path, record_property)
    with running_scenario(told) as running:
        yield running


def copied(scenario: KillScenario, *more: str) -> None:
    """Put objects into the source, and let a sweep copy them."""
    scenario.s3.put_objects(SOURCE, [{"key": key, "body": key.encode()} for key in (*KEPT, *more)])
    scenario.start("sweep")
    assert scenario.running.process.wait() == 0, scenario.running.tail()


def at(scenario: KillScenario, bucket: str) -> set[str]:
    return {one["key"] for one in scenario.s3.objects(bucket)}


def assert_accounted(scenario: KillScenario) -> None:
    """At this instant: what is gone has a committed row, and what is recorded as deleted is gone."""
    rows = scenario.database.query("SELECT file_key, status FROM document_logs WHERE action = 'delete'")
    there = at(scenario, DESTINATION)
    everything = {key for (key,) in scenario.database.query("SELECT file_key FROM document_logs")}
    assert everything - there <= {key for key, _ in rows}
    assert {key for key, status in rows if status == "success"}.isdisjoint(there)
    assert there >= at(scenario, SOURCE)


def assert_no_gap(scenario: KillScenario, deleted: set[str]) -> None:
    """Both buckets are equal, each deletion has one row of success, and sweeps count their copies only."""
    query = scenario.database.query
    assert at(scenario, DESTINATION) == at(scenario, SOURCE) == set(KEPT)
    assert scenario.pending() == 0
    successes = query("SELECT file_key FROM document_logs WHERE action = 'delete' AND status = 'success'")
    assert Counter(key for (key,) in successes) == Counter(deleted)
    assert query("SELECT COUNT(*) FROM deletion_candidates") == [(0,)]
    copies = "SELECT COUNT(*) FROM document_logs WHERE action = 'copy' AND status = 'success'"
    assert query("SELECT SUM(planned), SUM(succeeded), SUM(failed) FROM migration_batches") == [
        (*query(copies)[0] * 2, 0)
    ]


def settle_down(scenario: KillScenario) -> None:
    """Let the running program go on until the buckets are equal, then stop it."""
    wait_until(
        lambda: at(scenario, DESTINATION) == at(scenario, SOURCE),
        "the buckets are equal",
        scenario.running.tail,
    )
    finish(scenario)


def test_a_kill_in_a_statement(scenario: KillScenario) -> None:
    """The statement is carried out wholly or not at all, and the next run makes it good."""
    first, second = ({f"{name}-{number}" for number in range(20)} for name in ("first", "second"))
    copied(scenario, *first, *second)
    hold = hold_on(scenario.database, scenario.folder)
    scenario.s3.delete_objects(SOURCE, first)
    for when, statement in IN_ORDER.items():
        if when == "candidates end":
            scenario.start()
            settle_down(scenario)
            scenario.s3.delete_objects(SOURCE, second)
        hold.set(statement)
        scenario.start()
        hold.wait(scenario.running.process.pid)
        scenario.note_recovery()
        scenario.kill_supervisor(when)
        hold.lift()
        scenario.expire_lease()
        assert_accounted(scenario)
    scenario.start()
    settle_down(scenario)
    assert_no_gap(scenario, first | second)


@pytest.mark.parametrize(
    ("operation", "bucket", "kind", "gone"),
    [
        ("HeadObject", SOURCE, "hang", False),
        ("DeleteObjects", DESTINATION, "hang", False),
        ("DeleteObjects", DESTINATION, "hang_after", True),
    ],
)
def test_a_kill_in_a_request(
    scenario: KillScenario, operation: str, bucket: str, kind: str, *, gone: bool
) -> None:
    """Before the source has answered, before the deletion, and between the deletion and its outcome."""
    deleted = {f"deleted-{number}" for number in range(20)}
    copied(scenario, *deleted)
    scenario.s3.delete_objects(SOURCE, deleted)
    # The first two DeleteObjects find out at the start whether conditions hold.
    nth = [*range(3, 99)] if operation == "DeleteObjects" else []
    fault = scenario.s3.add_fault(kind, operation=operation, bucket=bucket, nth=nth)
    scenario.start()
    wait_until(lambda: scenario.s3.hits(fault) > 0, "it hangs", scenario.running.tail)
    kill = scenario.kill_supervisor(f"{operation} {kind}")
    assert kill.pending == "20"
    scenario.expire_lease()
    scenario.s3.clear_faults()
    assert_accounted(scenario)
    assert (at(scenario, DESTINATION) == set(KEPT)) is gone
    scenario.start()
    settle_down(scenario)
    scenario.note_recovery()
    assert_no_gap(scenario, deleted)
    recovered = scenario.database.query(
        "SELECT COUNT(*) FROM document_logs WHERE message LIKE 'found deleted%' AND action = 'delete'"
    )
    assert recovered == [(20 if gone else 0,)]
