"""The limits hold for all that one process tree asks: listings, copies, deletions, looks; and nothing is lost."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from testkit.program import run_program
from testkit.trail_rows import assert_settled, rows
from testkit.world import DESTINATION, SOURCE, World

MOVE = {"S3MOVER_TRANSFER__AFTER": "delete"}


def test_the_users_bound_holds_over_listings_copies_and_deletions(world: World, tmp_path: Path) -> None:
    """Objects whose keys XML cannot carry are deleted one by one, which used to pass beside the bound."""
    world.s3.put_objects(SOURCE, [{"key": f"{number:02}\x07", "body": b"x"} for number in range(50)])
    bound = 50
    settings = {**world.environment, **MOVE, "S3MOVER_TRANSFER__REQUESTS_PER_SECOND": str(bound)}
    done = run_program(["sweep"], settings, tmp_path)
    assert (world.s3.count(SOURCE), world.s3.count(DESTINATION)) == (0, 50)
    log = world.s3.log()
    assert {"ListObjectsV2", "CopyObject", "DeleteObject"} <= {entry["operation"] for entry in log}
    operations = [entry["operation"] for entry in log]
    since = len(log) - operations.index("CopyObject")
    assert since >= 100
    events = map(json.loads, done.stdout.splitlines())
    [finished] = [event for event in events if event["event"] == "sweep.finished"]
    # All of them were made within the sweep, whose own time grows on a busy machine.
    # A tenth of a second may be caught up on, and shares that move are not exact.
    assert finished["seconds"] >= since / bound * 0.8


def test_verify_keeps_to_the_bound(world: World, tmp_path: Path) -> None:
    """It lists and asks for checksums no faster than the workers may."""
    key = world.encrypting_key("222222222222")
    world.s3.configure_bucket(DESTINATION, default_kms_key=key)
    world.s3.fill(SOURCE, 100, size=10)
    run_program(["sweep"], world.environment, tmp_path)
    world.s3.clear_log()
    settings = {**world.environment, "S3MOVER_TRANSFER__REQUESTS_PER_SECOND": "40"}
    run_program(["verify"], settings, tmp_path)
    moments = [entry["at"] for entry in world.s3.log("HeadObject")]
    assert len(moments) == 200
    # Long enough that it does not matter if this machine comes late to the first of them.
    assert max(moments) - min(moments) >= 200 / 40 * 0.8


def test_refused_listings_and_deletions_lower_the_limit_and_lose_nothing(
    world: World, tmp_path: Path
) -> None:
    """One sweep outlives both, tries again by itself, and says that it was throttled at the source."""
    world.s3.fill(SOURCE, 2500, size=10)
    world.s3.add_fault("slow_down", operation="ListObjectsV2", bucket=SOURCE, nth=[3, 4, 5])
    world.s3.add_fault("slow_down", operation="DeleteObjects", nth=[3, 5, 6])
    done = run_program(["sweep"], {**world.environment, **MOVE}, tmp_path)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    throttled = [event for event in events if event["event"] == "throttle.changed"]
    assert {event["side"] for event in throttled if event["refused"]} == {"source"}
    assert sum(event["refused"] for event in throttled) == 6
    assert "source.kept" not in {event["event"] for event in events}
    assert (world.s3.count(SOURCE), world.s3.count(DESTINATION)) == (0, 2500)
    unfinished = "SELECT COUNT(*) FROM document_logs WHERE status != 'success' OR source_deleted_at IS NULL"
    assert rows(tmp_path, unfinished) == [(0,)]


def test_recovery_outlives_refusals(world: World, tmp_path: Path) -> None:
    """What a killed run left pending is looked up again where the store refuses for now, and the sweep goes on."""
    world.s3.fill(SOURCE, 10, size=10)
    run_program(["sweep"], world.environment, tmp_path)
    with closing(sqlite3.connect(tmp_path / "s3mover.db")) as database, database:
        database.execute("UPDATE document_logs SET status = 'pending'")
        database.execute("UPDATE migration_batches SET status = 'running', ended_at = NULL")
        database.execute("DELETE FROM audit_seals")
    world.s3.add_fault("slow_down", operation="HeadObject", nth=[1, 2, 3, 12])
    done = run_program(["sweep"], world.environment, tmp_path)
    assert done.stdout.count('"object.recovered"') == 10
    assert world.s3.counts()["HeadObject:SlowDown"] == 4
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
