"""Two routes in one daemon, of which one loses its lease in the middle of a sweep: the other one goes on."""

import time
from collections import Counter
from pathlib import Path

from s3mover.model import Pair
from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS, SETTLING_SECONDS
from testkit.leases import held_lease
from testkit.mariadb import MariaDb
from testkit.program import daemon
from testkit.world import DESTINATION, SOURCE, World
from tests.endtoend.test_routes import SECOND, SECOND_COPY, routes

__all__ = ["routes"]

OBJECTS = 800
# So slow that what the workers hold would keep them busy long after trust has ended.
COPY_SECONDS = 2.0
FIRST = Pair(SOURCE, "", DESTINATION, "")
TWICE = "SELECT batch_id, file_key FROM document_logs GROUP BY batch_id, file_key HAVING COUNT(*) > 1"
ROWS = """
    SELECT status, COUNT(*), COUNT(DISTINCT file_key) FROM document_logs WHERE status <> 'error' AND batch_id IN (
        SELECT id FROM migration_batches WHERE source_bucket = '{}') GROUP BY status
"""
UNCOUNTED = """
    SELECT id FROM migration_batches AS sweep WHERE status <> 'running' AND succeeded <> (
        SELECT COUNT(*) FROM document_logs AS moved WHERE moved.batch_id = sweep.id AND status = 'success')
"""


def test_a_route_that_loses_its_lease_leaves_the_other_alone(
    world: World, routes: dict[str, str], mariadb: MariaDb, tmp_path: Path
) -> None:
    """It stops within the time that workers are trusted, comes back when the lease is free, and leaves no gap."""
    account = mariadb.database()
    world.s3.fill(SOURCE, OBJECTS, size=10)
    world.s3.fill(SECOND, OBJECTS, size=10)
    world.s3.set_latency(CopyObject=COPY_SECONDS, PutObject=0.1)
    with daemon({**routes, "MYSQL_DSN": account.go_dsn}, tmp_path) as running:
        moved = set[str]()
        while moved < {"first", "second"}:
            moved.add(running.await_event("object.moved")["route"])
        with held_lease(account.go_dsn, FIRST, taken=True):
            lost_at = time.time()
            assert running.await_event("lease.lost")["route"] == "first"
            assert running.await_event("route.failed")["route"] == "first"
            assert running.await_event("lease.waiting")["route"] == "first"
            finished = running.await_event("sweep.finished", lambda event: event["route"] == "second")
            assert (finished["status"], finished["failed"]) == ("completed", 0)
            assert world.s3.differences(SECOND, SECOND_COPY) == []
            latest = max(entry["at"] for entry in world.s3.log("CopyObject", DESTINATION))
            assert latest <= lost_at + LEASE_GUARD_SECONDS + SETTLING_SECONDS
            before = len(world.s3.log("CopyObject", DESTINATION))
            assert 0 < world.s3.count(DESTINATION) < OBJECTS
        world.s3.set_latency(0)
        assert running.await_event("lease.acquired")["route"] == "first"
        running.await_event(
            "sweep.finished", lambda event: (event["route"], event["status"]) == ("first", "completed")
        )
        running.process.terminate()
        assert running.end() == 0
    assert world.s3.differences(SOURCE, DESTINATION) == []
    copied = Counter(entry["key"] for entry in world.s3.log("CopyObject", DESTINATION)[before:])
    assert max(copied.values()) == 1
    assert account.query(TWICE) == account.query(UNCOUNTED) == []
    for bucket in (SOURCE, SECOND):
        assert account.query(ROWS.format(bucket)) == [("success", OBJECTS, OBJECTS)]
