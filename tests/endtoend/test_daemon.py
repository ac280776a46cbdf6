"""`s3mover run`: real processes, started, asked, stopped and killed."""

import os
import signal
from pathlib import Path

from testkit.program import daemon, patched_command, run_program
from testkit.trail_rows import assert_settled, pending, rows
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World

# So many copies are in hand where they are held: with a given method none waits for what another finds out.
THREADS = 20
AT_ONCE = {"S3MOVER_TRANSFER__METHOD": "server_side_copy", "S3MOVER_TRANSFER__THREADS": str(THREADS)}


def settings_for(world: World, port: int, **more: str) -> dict[str, str]:
    return {
        **world.environment,
        "S3MOVER_HTTP__HOST": "127.0.0.1",
        "S3MOVER_HTTP__PORT": str(port),
        "S3MOVER_SWEEP__INTERVAL": "200ms",
        **more,
    }


def test_it_sweeps_again_and_again(world: World, port: int, tmp_path: Path) -> None:
    """What appears at the source while the daemon runs is moved by a later sweep."""
    world.s3.put_object(SOURCE, "first", b"1")
    with daemon(settings_for(world, port), tmp_path) as running:
        running.await_event("object.moved", lambda event: event["key"] == "first")
        world.s3.put_object(SOURCE, "second", b"22")
        running.await_event("object.moved", lambda event: event["key"] == "second")
        running.process.terminate()
        assert running.end() == 0
    assert world.s3.differences(SOURCE, DESTINATION) == []
    names = [event["event"] for event in running.events]
    assert names[-1] == "daemon.stopped"
    # A sweep that had begun ends between both.
    assert [name for name in names if name.startswith("daemon.")][-2:] == [
        "daemon.stopping",
        "daemon.stopped",
    ]
    assert "lease.acquired" in names


def test_it_tells_how_it_is(world: World, port: int, tmp_path: Path) -> None:
    """Health, readiness, status and metrics agree with what was moved."""
    world.s3.fill(SOURCE, 30, size=100)
    with daemon(settings_for(world, port, S3MOVER_SWEEP__INTERVAL="1h"), tmp_path) as running:
        running.await_event("sweep.finished")
        assert running.get(port, "/healthz")[0] == 200
        assert running.get(port, "/readyz")[0] == 200
        status = running.get(port, "/status")[1]
        metrics = running.get(port, "/metrics")[1]
        assert '"succeeded":30' in status.replace(" ", "")
        assert 's3mover_objects_total{method="server_side_copy",status="success"} 30.0' in metrics
        assert 's3mover_bytes_total{method="server_side_copy"} 3000.0' in metrics
        assert "s3mover_leader 1.0" in metrics
        assert "s3mover_listed" not in metrics
        assert running.get(port, "/metrics", "application/openmetrics-text")[1].endswith("# EOF\n")
        assert running.get(port, "/nothing")[0] == 404


def test_term_lets_transfers_in_flight_end(world: World, port: int, tmp_path: Path) -> None:
    """After SIGTERM what is in flight ends and is settled; what was not begun leaves no row; exit code 0."""
    world.s3.fill(SOURCE, 300, size=10)
    world.s3.add_fault("hold", operation="CopyObject")
    settings = settings_for(world, port, S3MOVER_STOP__GRACE="1h", **AT_ONCE)
    with daemon(settings, tmp_path) as running:
        wait_until(lambda: world.s3.hits() == THREADS, "all threads copy", running.tail)
        assert pending(tmp_path) > THREADS
        running.process.terminate()
        running.await_event("daemon.stopping")
        assert running.get(port, "/readyz")[0] == 503
        wait_until(lambda: pending(tmp_path) == THREADS, "what was not begun is withdrawn", running.tail)
        world.s3.clear_faults()
        assert running.end() == 0
    assert [event["event"] for event in running.events].count("object.moved") == THREADS
    assert world.s3.count(DESTINATION) == THREADS
    assert rows(tmp_path, "SELECT status, COUNT(*) FROM document_logs GROUP BY status") == [
        ("success", THREADS)
    ]
    assert rows(tmp_path, "SELECT status, planned, succeeded, failed FROM migration_batches") == [
        ("interrupted", THREADS, THREADS, 0)
    ]


def test_a_second_signal_ends_it_at_once(world: World, port: int, tmp_path: Path) -> None:
    """Who does not want to wait sends the signal twice."""
    world.s3.fill(SOURCE, 200, size=10)
    world.s3.add_fault("hang", operation="CopyObject")
    with daemon(settings_for(world, port), tmp_path) as running:
        wait_until(world.s3.hits, "a copy hangs", running.tail)
        running.process.terminate()
        running.await_event("daemon.stopping")
        running.process.terminate()
        assert running.end() == -signal.SIGTERM


def test_interrupting_is_told_from_terminating(world: World, port: int, tmp_path: Path) -> None:
    """Ctrl-C ends the daemon in the same order, with exit code 130."""
    with daemon(settings_for(world, port), tmp_path) as running:
        running.await_event("sweep.finished")
        running.process.send_signal(signal.SIGINT)
        assert running.end() == 130


def test_a_killed_run_is_recovered(world: World, port: int, tmp_path: Path) -> None:
    """After SIGKILL in mid-sweep the next run resolves every pending row and finishes the work."""
    world.s3.fill(SOURCE, 2000, size=10)
    world.s3.add_fault("hang_after", operation="CopyObject", key="00001*")
    with daemon(settings_for(world, port), tmp_path) as running:
        running.await_event("object.moved")
        wait_until(world.s3.hits, "a copy hangs", running.tail)
        running.process.kill()
        running.process.wait()
    assert pending(tmp_path) > 0
    world.s3.clear_faults()

    done = run_program(["sweep"], world.environment, tmp_path)

    assert '"object.recovered"' in done.stdout
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert pending(tmp_path) == 0
    successes = "SELECT COUNT(*), COUNT(DISTINCT file_key) FROM document_logs WHERE status = 'success'"
    assert rows(tmp_path, successes) == [(2000, 2000)]
    assert rows(tmp_path, "SELECT status FROM migration_batches ORDER BY id") == [
        ("interrupted",),
        ("completed",),
    ]
    counted = "SELECT SUM(succeeded), SUM(failed) FROM migration_batches"
    by_rows = "SELECT SUM(status = 'success'), SUM(status = 'error') FROM document_logs"
    assert rows(tmp_path, counted) == rows(tmp_path, by_rows)


def test_a_killed_worker_is_replaced(world: World, port: int, tmp_path: Path) -> None:
    """The orders of a worker that died are handed on; the sweep ends as if nothing had happened."""
    world.s3.fill(SOURCE, 2000, size=10)
    world.s3.add_fault("hold", operation="CopyObject", key="00001*")
    with daemon(settings_for(world, port), tmp_path) as running:
        worker = running.await_event("worker.started")
        running.await_event("object.moved")
        wait_until(world.s3.hits, "a copy is held", running.tail)
        os.kill(worker["pid"], signal.SIGKILL)
        running.await_event("worker.died")
        world.s3.clear_faults()
        finished = running.await_event("sweep.finished")
    assert (finished["status"], finished["succeeded"], finished["failed"]) == ("completed", 2000, 0)
    assert world.s3.differences(SOURCE, DESTINATION) == []


def test_a_worker_that_is_stopped_is_replaced(world: World, port: int, tmp_path: Path) -> None:
    """SIGSTOP, as a debugger sends it: after the half minute that silence is borne, others do what it had in hand."""
    world.s3.fill(SOURCE, 300, size=10)
    world.s3.add_fault("hold", operation="CopyObject")
    with daemon(settings_for(world, port, S3MOVER_TRANSFER__PROCESSES="2", **AT_ONCE), tmp_path) as running:
        worker = running.await_event("worker.started")
        wait_until(lambda: world.s3.hits() == THREADS, "all threads of both copy", running.tail)
        os.kill(worker["pid"], signal.SIGSTOP)
        world.s3.clear_faults()
        died = running.await_event("worker.died")
        assert (died["worker"], died["code"], died["unsettled"] > 0) == (worker["worker"], "silent", True)
        assert running.await_event("worker.started")["worker"] not in {worker["worker"], 2}
        finished = running.await_event("sweep.finished")
        assert (finished["status"], finished["succeeded"], finished["failed"]) == ("completed", 300, 0)
        assert running.get(port, "/healthz")[0] == 200
        assert 's3mover_worker_restarts_total{reason="silent"} 1.0' in running.get(port, "/metrics")[1]
        running.process.terminate()
        assert running.end() == 0
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_a_request_of_its_own_that_hangs_is_unhealthy(world: World, port: int, tmp_path: Path) -> None:
    """Although the loop runs on; healthy again once the store answers."""
    at_once = patched_command(
        "from s3mover.s3.wire import Timeouts\nTimeouts.longest = property(lambda _: 0.0)"
    )
    with daemon(settings_for(world, port), tmp_path, command=at_once) as running:
        running.await_event("sweep.finished")
        held = world.s3.add_fault("hold", operation="ListObjectsV2")
        wait_until(lambda: world.s3.hits(held), "a listing is held")
        health = running.get(port, "/healthz")
        assert (health[0], "beyond its deadline" in health[1]) == (503, True)
        world.s3.clear_faults()
        running.await_event("sweep.finished")
        wait_until(lambda: running.get(port, "/healthz")[0] == 200, "it is healthy again")
        running.process.terminate()
        assert running.end() == 0


def test_a_second_instance_stands_by(world: World, port: int, tmp_path: Path) -> None:
    """One instance works on a pair; a sweep or `--no-standby` beside it ends with exit code 4; a daemon takes over."""
    with daemon(settings_for(world, port), tmp_path) as leader:
        leader.await_event("sweep.finished")
        run_program(["sweep"], world.environment, tmp_path, expect=4)
        run_program(["run", "--no-standby"], settings_for(world, 0), tmp_path, expect=4)
        with daemon(settings_for(world, 0), tmp_path) as standby:
            standby.await_event("lease.waiting")
            leader.process.kill()
            standby.await_event("lease.acquired")
            standby.await_event("sweep.finished")


def test_a_bucket_that_is_away_does_not_end_the_daemon(world: World, port: int, tmp_path: Path) -> None:
    """Sweeps fail while the source cannot be listed, and succeed again when it can."""
    with daemon(settings_for(world, port), tmp_path) as running:
        running.await_event("sweep.finished")
        fault = world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=SOURCE)
        running.await_event("sweep.finished", lambda event: event["status"] == "failed")
        world.s3.clear_faults(fault)
        running.await_event("sweep.finished", lambda event: event["status"] == "completed")


def test_no_secret_is_ever_said(world: World, port: int, tmp_path: Path) -> None:
    """Neither log, status, metrics nor process titles hold a secret key or a password."""
    world.s3.fill(SOURCE, 5, size=10)
    settings = settings_for(world, port, S3MOVER_LOG__LEVEL="debug")
    with daemon(settings, tmp_path) as running:
        worker = running.await_event("worker.started")
        running.await_event("sweep.finished")
        said = [str(running.events), *(running.get(port, path)[1] for path in ("/status", "/metrics"))]
        said += [Path(f"/proc/{pid}/cmdline").read_text() for pid in (worker["pid"], running.process.pid)]
    for key in (world.source_key, world.destination_key):
        assert not any(key.secret_key in text for text in said)
