"""Instants at which a row could lie or be missing: each was found by thinking like an adversary of the trail."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testkit.program import run_program
from testkit.trail_rows import assert_counted, assert_settled, rows
from testkit.waiting import TOO_LONG, wait_until
from testkit.world import DESTINATION, SOURCE, World
from tests.endtoend.kill_scenario import Program

MIB = 2**20
IN_PARTS = {"S3MOVER_TRANSFER__METHOD": "streaming", "S3MOVER_TRANSFER__PART_SIZE": "5MiB"}
# Where the method is given, no first object probes what is permitted while the others wait.
COPIES = {"S3MOVER_TRANSFER__METHOD": "server_side_copy"}
ONE_PROCESS = {"S3MOVER_TRANSFER__PROCESSES": "1", "S3MOVER_TRANSFER__THREADS": "8"}
STATUS = "SELECT status, COALESCE(error_code, ''), source_etag FROM document_logs ORDER BY id"


@pytest.fixture
def killed(world: World, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Return what starts a sweep, and kills it once so many faults have struck."""
    begun: list[Program] = []

    def start(settings: dict[str, str], hits: int = 1) -> Program:
        begun.append(Program({**world.environment, **settings}, tmp_path, "sweep"))
        wait_until(lambda: world.s3.hits() >= hits, "it strikes", begun[-1].tail)
        return begun[-1]

    yield start
    for program in begun:
        program.close()


def test_a_copy_that_lands_after_recovery_has_its_row(
    world: World, tmp_path: Path, killed: Callable[..., Program]
) -> None:
    """S3 completed it when its row was an error already: the next sweep finds it in place, and looks again."""
    world.s3.put_object(SOURCE, "late", b"late")
    world.s3.add_fault("hang", operation="CopyObject")
    killed({}).kill()
    world.s3.clear_faults()
    # Recovery finds nothing; what S3 then lists at the destination has landed in between.
    world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=SOURCE, nth=[2, 3, 4])
    run_program(["sweep"], world.environment, tmp_path, expect=3)
    assert rows(tmp_path, STATUS)[0][:2] == ("error", "Interrupted")
    world.s3.clear_faults()
    world.s3.put_object(DESTINATION, "late", b"late")

    run_program(["sweep"], world.environment, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_the_version_that_was_copied_instead_has_its_row(
    world: World, tmp_path: Path, killed: Callable[..., Program]
) -> None:
    """The source was replaced after the intent, and the worker copied what it found: the row is that version's."""
    world.s3.put_object(SOURCE, "k", b"old")
    refused = world.s3.add_fault("hang", operation="CopyObject")
    program = killed({})
    world.s3.put_object(SOURCE, "k", b"newer")
    program.kill()
    world.s3.clear_faults(refused)
    world.s3.put_object(DESTINATION, "k", b"newer")

    run_program(["sweep"], world.environment, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert rows(tmp_path, "SELECT source_etag FROM document_logs") == [(world.s3.objects(SOURCE)[0]["etag"],)]


def test_an_object_that_lay_there_before_is_not_taken_for_the_copy(
    world: World, tmp_path: Path, killed: Callable[..., Program]
) -> None:
    """Of equal size and incomparable ETag, but older than the intent: it is another version's."""
    world.s3.put_object(SOURCE, "k", size=11 * MIB, seed=2)
    world.s3.put_object(DESTINATION, "k", size=11 * MIB, seed=1, age=3600)
    world.s3.add_fault("hang", operation="UploadPart")
    killed(IN_PARTS).kill()
    world.s3.clear_faults()

    run_program(["sweep"], {**world.environment, **IN_PARTS}, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert [row[:2] for row in rows(tmp_path, STATUS)] == [("error", "Interrupted"), ("success", "")]


def test_a_dead_workers_upload_is_aborted(
    world: World, tmp_path: Path, killed: Callable[..., Program]
) -> None:
    """Who takes the order up aborts what the dead worker had begun."""
    world.s3.put_object(SOURCE, "large", size=22 * MIB)
    world.s3.add_fault("hang", operation="UploadPart", nth=[3])
    program = killed({**IN_PARTS, **ONE_PROCESS})
    os.kill(program.workers()[0], signal.SIGKILL)
    assert program.process.wait(TOO_LONG) == 0
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_what_is_set_aside_leaves_no_upload(
    world: World, tmp_path: Path, killed: Callable[..., Program]
) -> None:
    """An order that three workers died with ends as an error; nothing of it is left, and the next sweep moves it."""
    world.s3.put_object(SOURCE, "large", size=22 * MIB)
    world.s3.put_object(SOURCE, "small", size=5)
    hanging = world.s3.add_fault("hang", operation="UploadPart")
    program = killed({**IN_PARTS, **ONE_PROCESS})
    for death in range(1, 4):
        wait_until(lambda: bool(program.workers()), "a worker lives", program.tail)
        # The one before may have left its upload: that this one has begun shows in an upload of its own.
        begun = lambda death=death: world.s3.counts(DESTINATION).get("CreateMultipartUpload", 0) >= death  # noqa: E731
        wait_until(begun, "parts are sent", program.tail)
        os.kill(program.workers()[0], signal.SIGKILL)
        wait_for_deaths(program, death)
    assert program.process.wait(TOO_LONG) == 1
    assert world.s3.uploads(DESTINATION) == []
    assert [row[:2] for row in rows(tmp_path, STATUS) if row[0] == "error"] == [("error", "WorkerDied")]
    world.s3.clear_faults(hanging)

    run_program(["sweep"], {**world.environment, **IN_PARTS}, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def wait_for_deaths(program: Program, deaths: int) -> None:
    wait_until(lambda: len(program.named("worker.died")) >= deaths, "the death is noticed", program.tail)


def test_a_dead_workers_copy_of_a_vanished_object_keeps_its_row(
    world: World, tmp_path: Path, killed: Callable[..., Program]
) -> None:
    """The copy had landed, the worker died, the source vanished: the copy is not left without a row."""
    world.s3.put_object(SOURCE, "k", b"k")
    world.s3.put_object(SOURCE, "other", b"other")
    landed = world.s3.add_fault("hang_after", operation="CopyObject", key="k")
    program = killed(ONE_PROCESS)
    wait_until(lambda: world.s3.count(DESTINATION) > 0, "the copy has landed")
    world.s3.delete_objects(SOURCE, ["k"])
    world.s3.clear_faults(landed)
    os.kill(program.workers()[0], signal.SIGKILL)
    program.process.wait(TOO_LONG)
    assert len(rows(tmp_path, "SELECT id FROM document_logs WHERE file_key = 'k'")) == 1

    run_program(["sweep"], world.environment, tmp_path)

    found = rows(tmp_path, "SELECT file_key, status FROM document_logs ORDER BY file_key")
    assert found == [("k", "success"), ("other", "success")]
    assert_counted(tmp_path)


def test_a_sweep_out_of_time_counts_what_recovery_finds(world: World, tmp_path: Path) -> None:
    """The deadline of a stop leaves rows pending in a sweep that is recorded; its counts follow its rows."""
    world.s3.fill(SOURCE, 50, 10)
    world.s3.add_fault("hang_after", operation="CopyObject", times=20)
    program = Program({**world.environment, **COPIES, "S3MOVER_STOP__GRACE": "1s"}, tmp_path)
    try:
        wait_until(lambda: len(program.named("object.moved")) == 30, "all others are moved", program.tail)
        wait_until(lambda: world.s3.hits() == 20, "copies hang", program.tail)
        program.stop()
    finally:
        program.close()
    assert rows(tmp_path, "SELECT COUNT(*) FROM document_logs WHERE status = 'pending'") == [(20,)]
    world.s3.clear_faults()

    run_program(["sweep"], world.environment, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_prefixes_are_heeded_in_recovery(
    world: World, tmp_path: Path, killed: Callable[..., Program]
) -> None:
    """What landed under the destination's prefix is looked for there, and not under the source's key."""
    world.s3.put_object(SOURCE, "in/k", b"k")
    world.s3.put_object(DESTINATION, "in/k", b"not this one")
    mapped = {"SRC_PREFIX": "in/", "DST_PREFIX": "out/"}
    world.s3.add_fault("hang_after", operation="CopyObject")
    killed(mapped).kill()
    world.s3.clear_faults()

    run_program(["sweep"], {**world.environment, **mapped}, tmp_path)

    assert [row[:2] for row in rows(tmp_path, STATUS)] == [("success", "")]
    assert world.s3.read_object(DESTINATION, "out/k") == b"k"
    assert_counted(tmp_path)
