"""Several pairs of buckets in one daemon."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.program import daemon, patched_command, run_program
from testkit.trail_rows import assert_counted, rows
from testkit.world import DESTINATION, DESTINATION_ACCOUNT, SOURCE, SOURCE_ACCOUNT, World

SECOND, SECOND_COPY = "second-documents", "second-documents-copy"
CONFIG = f"""
http: {{{{host: 127.0.0.1, port: {{port}}}}}}
sweep: {{{{interval: 200ms}}}}
routes:
  - name: first
    source: {{{{bucket: {SOURCE}}}}}
    destination: {{{{bucket: {DESTINATION}}}}}
  - name: second
    source: {{{{bucket: {SECOND}}}}}
    destination: {{{{bucket: {SECOND_COPY}}}}}
    transfer: {{{{method: streaming}}}}
"""


@pytest.fixture
def routes(world: World, port: int, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Two routes with buckets of their own, and the environment in which both are worked on."""
    world.s3.create_bucket(SECOND, SOURCE_ACCOUNT)
    world.s3.create_bucket(SECOND_COPY, DESTINATION_ACCOUNT)
    (tmp_path / "config.yaml").write_text(CONFIG.format(port=port), encoding="utf-8")
    yield {name: value for name, value in world.environment.items() if not name.endswith("_BUCKET")}
    world.s3.clear_faults()
    world.s3.remove_bucket(SECOND)
    world.s3.remove_bucket(SECOND_COPY)


def assert_equal(world: World, folder: Path) -> None:
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert world.s3.differences(SECOND, SECOND_COPY) == []
    assert_counted(folder)


def test_each_route_sweeps_and_is_told_apart(
    world: World, routes: dict[str, str], port: int, tmp_path: Path
) -> None:
    """Log, metrics, status and summaries name the route; what all share stands once."""
    world.s3.fill(SOURCE, 30, size=100)
    world.s3.fill(SECOND, 20, size=10)
    with daemon(routes, tmp_path) as running:
        awaited = {("first", 30), ("second", 20)}
        while awaited:
            finished = running.await_event("sweep.finished")
            awaited.discard((finished["route"], finished["succeeded"]))
        metrics = running.get(port, "/metrics")[1]
        for line in (
            's3mover_objects_total{method="server_side_copy",route="first",status="success"} 30.0',
            's3mover_objects_total{method="streaming",route="second",status="success"} 20.0',
            's3mover_leader{route="second"} 1.0',
            "s3mover_threads 150.0",
            's3mover_paused{route="second"} 0.0',
        ):
            assert line in metrics
        assert metrics.count("# TYPE s3mover_objects_total counter") == 1
        assert running.get(port, "/metrics", "application/openmetrics-text")[1].endswith("# EOF\n")
        status = json.loads(running.get(port, "/status")[1])
        assert [route["route"] for route in status["routes"]] == ["first", "second"]
        assert SECOND in status["routes"][1]["pair"]
        assert running.get(port, "/healthz")[0] == running.get(port, "/readyz")[0] == 200
        running.process.terminate()
        assert running.end() == 0
    started = [event for event in running.events if event["event"] == "daemon.started"]
    assert [SOURCE in event["pair"] and SECOND in event["pair"] for event in started] == [True]
    assert {event.get("route") for event in running.events if event["event"] == "object.moved"} == {
        "first",
        "second",
    }
    summaries = [path.read_text(encoding="utf-8") for path in (tmp_path / "logs").iterdir()]
    assert any("\nRoute: first\n" in text for text in summaries)
    assert any("\nRoute: second\n" in text for text in summaries)
    assert_equal(world, tmp_path)


def test_a_route_that_fails_leaves_the_others_alone(
    world: World, routes: dict[str, str], port: int, tmp_path: Path
) -> None:
    """One bucket is away from the start: its route begins anew until it is there, the other one sweeps on."""
    world.s3.fill(SOURCE, 10, size=10)
    world.s3.fill(SECOND, 10, size=10)
    world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=SECOND)
    with daemon(routes, tmp_path) as running:
        failed = running.await_event("route.failed")
        assert (failed["route"], "AccessDenied" in failed["message"]) == ("second", True)
        for _ in range(3):
            running.await_event("sweep.finished", lambda event: event["route"] == "first")
        ready, sentence = running.get(port, "/readyz")
        assert (ready, "second: starting" in sentence) == (200, True)
        assert "AccessDenied" in json.loads(running.get(port, "/status")[1])["routes"][1]["problem"]
        world.s3.clear_faults()
        running.await_event("sweep.finished", lambda event: event["route"] == "second")
        # While it works, a failure is a failed sweep as with one pair.
        world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=SECOND)
        running.await_event("sweep.finished", lambda event: event["status"] == "failed")
        world.s3.clear_faults()
        world.s3.put_object(SECOND, "after", b"1")
        running.await_event("object.moved", lambda event: event["key"] == "after")
        running.process.terminate()
        assert running.end() == 0
    assert_equal(world, tmp_path)


def test_an_internal_error_in_shared_work_ends_no_route(
    world: World, routes: dict[str, str], tmp_path: Path
) -> None:
    """It is announced with its trace, and both sweep on."""
    world.s3.fill(SOURCE, 10, size=10)
    world.s3.fill(SECOND, 10, size=10)
    failing = patched_command(
        "from s3mover.lifecycle.announcers import PauseAnnouncer\nPauseAnnouncer.poll = lambda self: 1 / 0"
    )
    with daemon(routes, tmp_path, command=failing) as running:
        assert "ZeroDivisionError" in running.await_event("daemon.task_failed")["message"]
        for route in ("first", "second", "first", "second"):
            while running.await_event("sweep.finished")["route"] != route:
                continue
        running.process.terminate()
        assert running.end() == 0
    assert_equal(world, tmp_path)


def test_a_small_route_is_not_starved_by_a_large_one(
    world: World, routes: dict[str, str], tmp_path: Path
) -> None:
    """They share the workers' threads fairly."""
    # It takes all threads 40 seconds.
    world.s3.fill(SOURCE, 20_000, size=10)
    world.s3.set_latency(CopyObject=0.3)
    with daemon(routes, tmp_path) as running:
        running.await_event("object.moved", lambda event: event["route"] == "first")
        world.s3.fill(SECOND, 50, size=10)
        running.process.send_signal(signal.SIGUSR1)
        running.await_event(
            "sweep.finished", lambda event: (event["route"], event["succeeded"]) == ("second", 50)
        )
        finished = [event for event in running.events if event["event"] == "sweep.finished"]
        assert "first" not in {event["route"] for event in finished}
        running.process.terminate()
        assert running.end() == 0
    assert rows(tmp_path, "SELECT COUNT(*) FROM document_logs WHERE status = 'pending'") == [(0,)]


def test_each_route_has_a_lease_of_its_own(world: World, routes: dict[str, str], tmp_path: Path) -> None:
    """Who works on one pair elsewhere holds up that one alone."""
    alone = {**world.environment, "SRC_BUCKET": SECOND, "DST_BUCKET": SECOND_COPY, "S3MOVER_HTTP__PORT": "0"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    alone["MYSQL_DSN"] = f"sqlite:///{tmp_path / 's3mover.db'}"
    with daemon(alone, elsewhere) as other:
        other.await_event("lease.acquired")
        with daemon(routes, tmp_path) as running:
            assert running.await_event("lease.waiting")["route"] == "second"
            running.await_event("sweep.finished", lambda event: event["route"] == "first")
            other.process.kill()
            running.await_event("sweep.finished", lambda event: event["route"] == "second")


def test_commands_work_on_all_routes_or_on_one(world: World, routes: dict[str, str], tmp_path: Path) -> None:
    """They take the routes in turn, each under its name; --route names one."""
    world.s3.fill(SOURCE, 3, size=10)
    world.s3.fill(SECOND, 4, size=10)
    run_program(["sweep", "--route", "second"], routes, tmp_path)
    assert (world.s3.count(DESTINATION), world.s3.count(SECOND_COPY)) == (0, 4)
    differing = run_program(["verify"], routes, tmp_path, expect=1).stdout
    assert "# route first" in differing
    assert "3 missing" in differing
    assert "4 equal" in differing


@pytest.mark.parametrize("command", ["sweep", "report"])
def test_a_route_that_is_none_is_told(routes: dict[str, str], tmp_path: Path, command: str) -> None:
    """With those that there are."""
    refused = run_program([command, "--route", "third"], routes, tmp_path, expect=2).stderr
    assert "third" in refused
    assert "first, second" in refused


def test_a_report_tells_the_routes_apart(world: World, routes: dict[str, str], tmp_path: Path) -> None:
    """Every row names its route, in every format; --route leaves only one route's."""
    world.s3.fill(SOURCE, 3, size=10)
    world.s3.fill(SECOND, 4, size=10)
    world.s3.add_fault("access_denied", operation="*Object", bucket=DESTINATION, key="00000001")
    world.s3.add_fault("access_denied", bucket=SECOND, key="00000002")
    run_program(["sweep"], routes, tmp_path, expect=1)

    def told(*options: str) -> str:
        return run_program(["report", *options], routes, tmp_path).stdout

    whole = json.loads(told("--format", "json"))
    counted = {(one["route"], one["status"]): one["objects"] for one in whole["totals"]}
    assert counted == {
        ("first", "success"): 2,
        ("first", "error"): 1,
        ("second", "success"): 3,
        ("second", "error"): 1,
    }
    assert [one["route"] for one in whole["sweeps"]] == ["second", "first"]
    assert [(one["route"], one["key"]) for one in whole["failures"]] == [
        ("second", "00000002"),
        ("first", "00000001"),
    ]
    assert told("--format", "csv").splitlines()[0] == "status,method,objects,bytes,route"
    assert [line.rpartition("  ")[2] for line in told().splitlines()[1:5]] == [
        "first",
        "first",
        "second",
        "second",
    ]
    one = json.loads(told("--format", "json", "--route", "second"))
    assert {row["route"] for rows in one.values() for row in rows} == {"second"}
    assert sum(total["objects"] for total in one["totals"]) == 4
    failed = told("--failed", "--format", "csv", "--route", "first").splitlines()
    assert [line.rpartition(",")[2] for line in failed] == ["route", "first"]
    assert "first: 00000001: AccessDenied" in told("--failed", "--route", "first")
    assert not any(line.endswith("second") for line in told("--route", "first").splitlines())


def test_a_check_names_the_route(routes: dict[str, str], tmp_path: Path) -> None:
    """As JSON, a document for each."""
    assert "# route second" in run_program(["check", "--route", "second"], routes, tmp_path).stdout
    documents = run_program(["check", "--json"], routes, tmp_path).stdout.splitlines()
    assert [json.loads(document)["route"] for document in documents] == ["first", "second"]


def test_a_sweep_of_all_routes_goes_on_after_one_that_fails(
    world: World, routes: dict[str, str], tmp_path: Path
) -> None:
    """And ends with the exit code of what failed."""
    world.s3.fill(SECOND, 4, size=10)
    world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=SOURCE)
    failed = run_program(["sweep"], routes, tmp_path, expect=3)
    assert "AccessDenied" in failed.stderr
    assert world.s3.count(SECOND_COPY) == 4
