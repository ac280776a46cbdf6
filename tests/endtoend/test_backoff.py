"""Objects that fail sweep after sweep wait longer each time; a sweep may wait for another one's end."""

import csv
import io
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from s3mover.model import Pair
from testkit.leases import held_lease
from testkit.mariadb import MariaDb
from testkit.program import Daemon, daemon, run_program
from testkit.world import DESTINATION, SOURCE, World

Run = Callable[..., str]
WAITING = "wait after failing"


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty audit database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/s3mover.db"
    server: MariaDb = request.getfixturevalue("mariadb")
    return server.database().go_dsn


@pytest.fixture
def run(world: World, url: str, tmp_path: Path) -> Run:
    """Run a command and return what it said."""
    settings = {
        **world.environment,
        "MYSQL_DSN": url,
        "S3MOVER_TRANSFER__MAX_ATTEMPTS": "1",
        "S3MOVER_SWEEP__RETRY_WAIT": "1h",
        "S3MOVER_SWEEP__RETRY_WAIT_LONGEST": "2h",
        "S3MOVER_LOG__FORMAT": "json",
    }

    def run(*arguments: str, expect: int = 0) -> str:
        return run_program([*arguments], settings, tmp_path, expect).stdout

    return run


def finished(output: str) -> dict[str, Any]:
    """Return the event that ended the sweep."""
    events = (json.loads(line) for line in output.splitlines())
    return next(event for event in events if event["event"] == "sweep.finished")


def test_what_fails_again_and_again_waits(run: Run, world: World, tmp_path: Path) -> None:
    """The wait outlives every process, shows in counts, summary, dry run and report, and ends when told to."""
    world.s3.put_objects(SOURCE, [{"key": key, "body": b"x", "age": 100} for key in ("bad\n", "good")])
    for operation in ("CopyObject", "GetObject"):
        world.s3.add_fault("internal_error", operation=operation, key="bad\n")
    for _ in range(2):
        assert finished(run("sweep", expect=1))["failed"] == 1
    tries = world.s3.counts(DESTINATION)["CopyObject"]

    waited = finished(run("sweep", expect=1))
    assert (waited["listed"], waited["skipped"], waited["failed"]) == (2, 2, 0)
    assert world.s3.counts(DESTINATION)["CopyObject"] == tries
    summaries = sorted((tmp_path / "logs").iterdir())
    assert "Skipped (waiting): 1\n" in summaries[-1].read_text()
    assert "2 listed, 0 to transfer" in (said := run("sweep", "--dry-run"))
    assert f"1 {WAITING}" in said
    newest, oldest = csv.DictReader(io.StringIO(run("report", "--failed", "--format", "csv")))
    assert newest["failures_in_a_row"] == oldest["failures_in_a_row"] == "2"
    assert float(newest["next_attempt"]) == pytest.approx(float(newest["at"]) + 3600)
    assert "failed in 2 sweeps, tried again after 20" in run("report", "--failed")

    assert "good: does not wait" in run("retry", "good", "bad\n", expect=1)
    assert finished(run("sweep", expect=1))["failed"] == 1
    world.s3.clear_faults()
    assert "to transfer" in (said := run("sweep", "--dry-run"))
    assert WAITING not in said
    assert finished(run("sweep"))["succeeded"] == 1
    assert "0 objects" in run("retry", "--all")
    assert "failed in" not in run("report", "--failed")


def test_another_object_under_the_key_does_not_wait(run: Run, world: World) -> None:
    """What kept the old content away may not keep the new one; afterwards it is as if it had never failed."""
    world.s3.put_object(SOURCE, "k", b"old", age=100)
    world.s3.add_fault("internal_error", key="k")
    run("sweep", expect=1)
    run("sweep", expect=1)
    world.s3.clear_faults()
    assert finished(run("sweep", expect=1))["skipped"] == 1
    world.s3.put_object(SOURCE, "k", b"new")
    assert finished(run("sweep"))["succeeded"] == 1
    assert "0 objects" in run("retry", "--all")


def test_all_may_be_told_to_wait_no_longer(run: Run, world: World) -> None:
    """`retry` wants to be told which, and counts."""
    world.s3.put_objects(SOURCE, [{"key": f"k{n}", "body": b"x", "age": 100} for n in range(3)])
    world.s3.add_fault("internal_error", key="k*")
    run("sweep", expect=1)
    run("retry", expect=2)
    run("retry", "k1", "--all", expect=2)
    assert "3 objects wait no longer" in run("retry", "--all")


@contextmanager
def held_up(world: World, url: str, folder: Path) -> Iterator[tuple[Daemon, Callable[[], None]]]:
    """Give a `sweep --wait` that another instance keeps waiting, and what ends that instance's lease."""
    settings = {**world.environment, "MYSQL_DSN": url}
    with (
        held_lease(url, Pair(SOURCE, "", DESTINATION, "")) as release,
        daemon(settings, folder, "sweep", "--wait") as running,
    ):
        running.await_event("lease.waiting")
        yield running, release


def test_a_sweep_may_wait_for_its_turn(run: Run, world: World, url: str, tmp_path: Path) -> None:
    """`--wait` sweeps once the other instance has ended; without it that is said, and so is the way out."""
    world.s3.put_object(SOURCE, "a", b"a")
    with held_up(world, url, tmp_path) as (waiting, release):
        run("sweep", expect=4)
        assert "0 objects" in run("retry", "--all")
        release()
        waiting.await_event("sweep.finished", lambda event: event["succeeded"] == 1)
        assert waiting.end() == 0


def test_waiting_for_its_turn_may_be_ended(world: World, url: str, tmp_path: Path) -> None:
    """Ctrl-C does not wait for the lease."""
    with held_up(world, url, tmp_path) as (waiting, _):
        waiting.process.send_signal(signal.SIGINT)
        assert waiting.end() == 130
