"""Whatever is killed, whenever: the trail has no gap, no row too many, and every object arrives.

Each test runs one scenario: sweeps of one pair of buckets, in which the supervisor, a worker or the database server is
killed with SIGKILL and started again. The seeds are fixed and printed; `S3MOVER_TEST_SEED` sets another one.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from testkit.mariadb import MariaDb, running_mariadb
from testkit.trail_rows import assert_sealed
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, SOURCE_ACCOUNT, World
from tests.endtoend.kill_scenario import (
    KillScenario,
    MysqlTrail,
    SqliteTrail,
    TrailDatabase,
    instants,
    running_scenario,
)
from tests.endtoend.statement_hold import Statement, hold_on

SEED = int(os.environ.get("S3MOVER_TEST_SEED", "20250104"))
MIB, GIB = 2**20, 2**30
# What the source held at the beginning, whatever is deleted from it.
PRISTINE = "pristine"

# A test kills and restarts up to fourteen times; each of its waits is bounded by `TOO_LONG` all the same.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """A server that may be killed."""
    with running_mariadb() as running:
        yield running


@pytest.fixture
def pristine(world: World) -> Iterator[Simulator]:
    """A bucket that nobody touches, beside the two that are worked on."""
    world.s3.create_bucket(PRISTINE, SOURCE_ACCOUNT)
    yield world.s3
    world.s3.remove_bucket(PRISTINE)


def furnish(s3: Simulator, prefix: str, count: int, size: int = 100) -> None:
    """Put the same small objects into the source and into the bucket that nobody touches."""
    for bucket in (SOURCE, PRISTINE):
        s3.fill(bucket, count, size, prefix)


def furnish_large(s3: Simulator, prefix: str, count: int, size: int, among: int) -> None:
    """The same for objects that go in parts, spread among so many small ones.

    They are a day old, since an object that changed in the second of its copy is copied once more.
    """
    step = among // count
    large = [
        {"key": f"{prefix}{n * step:08}-large", "size": size, "seed": n, "age": 86_400} for n in range(count)
    ]
    for bucket in (SOURCE, PRISTINE):
        s3.put_objects(bucket, large)


def database_of(backend: str, folder: Path, request: pytest.FixtureRequest) -> TrailDatabase:
    if backend == "sqlite":
        return SqliteTrail(folder)
    return MysqlTrail(request.getfixturevalue("server").database())


@pytest.fixture
def make_scenario(
    world: World,
    pristine: Simulator,  # noqa: ARG001 - must be there
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> Callable[..., KillScenario]:
    """Return what sets a scenario on a database."""

    def make(backend: str, settings: Mapping[str, str] = {}) -> KillScenario:
        database = database_of(backend, tmp_path, request)
        server = request.getfixturevalue("server") if backend == "mariadb" else None
        told = {"S3MOVER_SWEEP__INTERVAL": "100ms", **world.environment, **settings}
        return KillScenario(request.node.name, world.s3, told, database, tmp_path, record_property, server)

    return make


# What must hold


def assert_no_gap(scenario: KillScenario, *, moved: bool = False) -> None:
    """Every object arrived unaltered and has one row of success; every sweep counts what its rows say and is sealed."""
    s3, query = scenario.s3, scenario.database.query
    assert s3.differences(PRISTINE, DESTINATION) == []
    assert s3.count(SOURCE) == (0 if moved else s3.count(PRISTINE))
    assert s3.uploads(DESTINATION) == []
    assert scenario.pending() == 0
    keys = [key for (key,) in query("SELECT file_key FROM document_logs WHERE status = 'success'")]
    assert len(keys) == len(set(keys))
    assert set(keys) == {one["key"] for one in s3.objects(PRISTINE)}
    assert query("SELECT id FROM migration_batches WHERE status = 'running'") == []
    assert_counted(query)
    assert_sealed(scenario.database.url)
    if moved:
        undone = "status = 'success' AND (source_deleted_at IS NULL OR delete_due <> 0)"
        assert query(f"SELECT file_key FROM document_logs WHERE {undone}") == []  # noqa: S608 - ours


def assert_counted(query: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """Each sweep's row counts what its rows say."""
    rows = query(
        "SELECT batch_id, COUNT(*), SUM(status = 'success'), SUM(status = 'error'),"
        " SUM(CASE WHEN status = 'success' THEN size_bytes ELSE 0 END) FROM document_logs GROUP BY batch_id"
    )
    by_rows = {sweep: tuple(map(int, counts)) for sweep, *counts in rows}
    for sweep, *counts in query("SELECT id, planned, succeeded, failed, bytes FROM migration_batches"):
        assert tuple(counts) == by_rows.get(sweep, (0, 0, 0, 0)), sweep


def assert_accounted(scenario: KillScenario) -> None:
    """At this instant: nothing is at the destination that was not intended, nothing gone that is not recorded."""
    s3, query = scenario.s3, scenario.database.query
    rows = query("SELECT file_key, status FROM document_logs")
    intended, succeeded = {key for key, _ in rows}, {key for key, status in rows if status == "success"}
    arrived = {one["key"] for one in s3.objects(DESTINATION)}
    assert arrived <= intended
    assert succeeded <= arrived
    gone = {one["key"] for one in s3.objects(PRISTINE)} - {one["key"] for one in s3.objects(SOURCE)}
    assert gone <= succeeded


# At random instants


def kill_in_turn(scenario: KillScenario, who: list[str], *, objects: int, seed: int) -> None:
    """Kill one after the other at random instants, and let the program end what is left."""
    chance = random.Random(seed)  # noqa: S311 - chance, not a secret
    chance.shuffle(who)
    scenario.seed = seed
    scenario.start()
    for one, instant in zip(who, instants(chance, len(who), objects), strict=True):
        scenario.await_writes(instant)
        when = f"{scenario.written()} writes"
        if one == "supervisor":
            scenario.kill_supervisor(when)
            assert_accounted(scenario)
            scenario.recover()
        elif one == "worker":
            wait_until(lambda: bool(scenario.running.workers()), "a worker lives")
            scenario.kill_worker(when, chance.choice(scenario.running.workers()))
        else:
            scenario.kill_database(when)
    finish(scenario)


def finish(scenario: KillScenario) -> None:
    """Let the running program sweep until nothing is left to be done, then stop it."""
    seen = len(scenario.running.named("sweep.finished"))

    def done() -> bool:
        finished = scenario.running.named("sweep.finished")[seen:]
        assert scenario.running.process.poll() is None, scenario.running.tail()
        return any(one["status"] == "completed" and not one["planned"] for one in finished)

    wait_until(done, "a sweep finds nothing to do")
    assert scenario.running.stop() == 0, scenario.running.tail()


@pytest.mark.long
def test_copies_with_a_database_in_a_file(make_scenario: Callable[..., KillScenario], world: World) -> None:
    """20,000 objects are copied by S3, some in parts, while supervisor and workers are killed."""
    furnish(world.s3, "small/", 20_000)
    furnish_large(world.s3, "small/", 20, 5 * GIB + 1, among=20_000)
    world.s3.set_latency(CopyObject=0.05, UploadPartCopy=0.1)
    who = ["supervisor"] * 5 + ["worker"] * 6
    with running_scenario(make_scenario("sqlite", {"S3MOVER_TRANSFER__PART_SIZE": "1GiB"})) as scenario:
        kill_in_turn(scenario, who, objects=20_072, seed=SEED)
        assert_no_gap(scenario)


@pytest.mark.long
def test_copies_with_a_database_server(make_scenario: Callable[..., KillScenario], world: World) -> None:
    """20,000 objects are copied by S3, some in parts, while supervisor, workers and the database are killed."""
    furnish(world.s3, "small/", 20_000)
    furnish_large(world.s3, "small/", 20, 5 * GIB + 1, among=20_000)
    world.s3.set_latency(CopyObject=0.05, UploadPartCopy=0.1)
    who = ["supervisor"] * 4 + ["worker"] * 4 + ["database"] * 6
    with running_scenario(make_scenario("mariadb", {"S3MOVER_TRANSFER__PART_SIZE": "1GiB"})) as scenario:
        kill_in_turn(scenario, who, objects=20_072, seed=SEED + 1)
        assert_no_gap(scenario)


@pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
def test_moves(make_scenario: Callable[..., KillScenario], world: World, backend: str) -> None:
    """Where sources are deleted, only those are gone whose copies are recorded; in the end all are."""
    furnish(world.s3, "small/", 4000)
    world.s3.set_latency(CopyObject=0.05, DeleteObjects=0.05)
    who = ["supervisor"] * 3 + ["worker"] * 2 + (["database"] * 2 if backend == "mariadb" else [])
    with running_scenario(make_scenario(backend, {"S3MOVER_TRANSFER__AFTER": "delete"})) as scenario:
        kill_in_turn(scenario, who, objects=4000, seed=SEED + 2)
        assert_no_gap(scenario, moved=True)


@pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
def test_streams(make_scenario: Callable[..., KillScenario], world: World, backend: str) -> None:
    """Objects whose copy is denied flow through us, whole and in parts, beside others that are copied."""
    furnish(world.s3, "copied/", 1500)
    furnish(world.s3, "denied/", 1000)
    furnish_large(world.s3, "denied/", 20, 11 * MIB, among=1000)
    world.permit_copies(except_below=("denied/",))
    world.s3.set_latency(CopyObject=0.05, PutObject=0.05, UploadPart=0.1)
    who = ["supervisor"] * 3 + ["worker"] * 3 + (["database"] * 2 if backend == "mariadb" else [])
    with running_scenario(make_scenario(backend, {"S3MOVER_TRANSFER__PART_SIZE": "5MiB"})) as scenario:
        kill_in_turn(scenario, who, objects=2580, seed=SEED + 3)
        assert_no_gap(scenario)


# At one instant

OPEN = Statement("INSERT", "migration_batches", "1 = 1")
INTEND = Statement("INSERT", "document_logs", "NEW.status = 'pending'")
SETTLE = Statement("UPDATE", "document_logs", "NEW.status = 'success'")
RESOLVE = Statement("UPDATE", "document_logs", "NEW.message LIKE 'found%'")
INTERRUPT = Statement("UPDATE", "migration_batches", "NEW.status = 'interrupted'")
END_DELETION = Statement("UPDATE", "document_logs", "NEW.source_deleted_at IS NOT NULL")
CLOSE = Statement("UPDATE", "migration_batches", "NEW.status = 'completed'")
# Each kill leaves what the next one strikes at.
IN_ORDER = {
    "open": OPEN,
    "intend": INTEND,
    "settle": SETTLE,
    "resolve": RESOLVE,
    "interrupt": INTERRUPT,
    "end deletion": END_DELETION,
    "close": CLOSE,
}
# Where the method is given, no first object probes what is permitted while the others wait.
COPIES = {"S3MOVER_TRANSFER__METHOD": "server_side_copy"}
MOVE = {"S3MOVER_TRANSFER__AFTER": "delete"}


@pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
def test_the_supervisor_dies_in_a_statement(
    make_scenario: Callable[..., KillScenario], world: World, backend: str
) -> None:
    """A kill in the middle of a statement leaves all of it or nothing, and the next run makes it good."""
    furnish(world.s3, "k/", 300)
    with running_scenario(make_scenario(backend, MOVE)) as scenario:
        scenario.make_schema()
        hold = hold_on(scenario.database, scenario.folder)
        for when, statement in IN_ORDER.items():
            hold.set(statement)
            scenario.start()
            hold.wait(scenario.running.process.pid)
            scenario.note_recovery()
            scenario.kill_supervisor(f"in {when}")
            hold.lift()
            scenario.expire_lease()
            assert_accounted(scenario)
        scenario.start()
        finish(scenario)
        scenario.note_recovery()
        assert_no_gap(scenario, moved=True)


def test_the_database_dies_in_a_statement(make_scenario: Callable[..., KillScenario], world: World) -> None:
    """It is not known whether the statement was committed: it is repeated when the database is back."""
    furnish(world.s3, "k/", 100)
    with running_scenario(make_scenario("mariadb", MOVE)) as scenario:
        scenario.make_schema()
        hold = hold_on(scenario.database, scenario.folder)
        for number, when in enumerate(("open", "intend", "settle", "end deletion", "close")):
            hold.set(IN_ORDER[when])
            furnish(world.s3, f"more-{number}/", 100)
            if number == 0:
                scenario.start()
            hold.wait(scenario.running.process.pid)
            scenario.kill_database(f"in {when}", hold.lift)
        finish(scenario)
        assert_no_gap(scenario, moved=True)


@pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
def test_the_supervisor_dies_between_the_steps(
    make_scenario: Callable[..., KillScenario], world: World, backend: str
) -> None:
    """Kills right after the intent, while recovery looks, and between the copies and their outcomes."""
    furnish(world.s3, "k/", 600)
    with running_scenario(make_scenario(backend, COPIES)) as scenario:
        for when, operation, rule in (
            ("right after the intent", "CopyObject", {"kind": "hang"}),
            ("while recovery looks", "HeadObject", {"kind": "hang", "nth": [*range(200, 600)]}),
            ("between copies and outcomes", "CopyObject", {"kind": "hang_after"}),
            ("while recovery looks", "HeadObject", {"kind": "hang", "nth": [*range(200, 600)]}),
        ):
            fault = world.s3.add_fault(operation=operation, **rule)
            scenario.start()
            wait_until(lambda: world.s3.hits() >= 16, f"{when} it hangs", scenario.running.tail)
            wait_until(lambda: scenario.pending() == 600, "all is intended", scenario.running.tail)
            scenario.note_recovery()
            assert scenario.kill_supervisor(when).pending == "600"
            scenario.expire_lease()
            world.s3.clear_faults(fault)
        scenario.start()
        finish(scenario)
        scenario.note_recovery()
        assert_no_gap(scenario)
