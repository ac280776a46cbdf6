"""`transfer.after: delete`: the source's object goes only after its copy is verified and recorded."""

import json
from pathlib import Path

import pytest

from testkit.keys import ODD_KEYS
from testkit.program import daemon, run_program
from testkit.trail_rows import rows
from testkit.world import DESTINATION, SOURCE, World

BATCH_IGNORED = "ignores_batch_delete_etags"
MOVE = {"S3MOVER_TRANSFER__AFTER": "delete"}


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_every_object_is_moved(world: World, tmp_path: Path, method: str) -> None:
    """All keys, those that XML cannot carry too, are at the destination and gone from the source; rows say when."""
    bodies = {key: key.encode() + b"!" for key in ODD_KEYS}
    world.s3.put_objects(SOURCE, [{"key": key, "body": body} for key, body in bodies.items()])

    run_program(["--set", f"transfer.method={method}", "sweep"], {**world.environment, **MOVE}, tmp_path)

    assert world.s3.count(SOURCE) == 0
    assert {one["key"]: one["size"] for one in world.s3.objects(DESTINATION)} == {
        key: len(body) for key, body in bodies.items()
    }
    kept = "SELECT COUNT(*) FROM document_logs WHERE source_deleted_at IS NULL OR delete_due = 1"
    assert rows(tmp_path, kept) == [(0,)]


def test_nothing_is_deleted_by_default(world: World, tmp_path: Path) -> None:
    """Keeping the source is the default, and asks for no right to delete."""
    world.s3.put_object(SOURCE, "a", b"a")
    run_program(["sweep"], world.environment, tmp_path)
    assert world.s3.count(SOURCE) == 1
    assert not {"DeleteObject", "DeleteObjects"} & world.s3.counts(SOURCE).keys()


def test_what_failed_stays(world: World, tmp_path: Path) -> None:
    """An object whose copy is not recorded as a success is never deleted."""
    world.s3.put_objects(SOURCE, [{"key": f"k{n}", "body": b"x"} for n in range(5)])
    world.s3.add_fault("refusal", key="k2", code="InvalidRequest", status=400)
    run_program(["sweep"], {**world.environment, **MOVE}, tmp_path, expect=1)
    assert [one["key"] for one in world.s3.objects(SOURCE)] == ["k2"]


@pytest.mark.parametrize(("key", "operation"), [("a", "DeleteObjects"), ("a\x07", "DeleteObject")])
def test_what_changed_after_its_copy_stays_and_moves_again(
    world: World, tmp_path: Path, key: str, operation: str
) -> None:
    """The deletion is conditional on the version that was copied; the newer one is moved by the next sweep."""
    world.s3.put_object(SOURCE, key, b"old")
    settings = {**world.environment, **MOVE}
    fault = world.s3.add_fault("access_denied", operation=operation, bucket=SOURCE, nth=[3])
    done = run_program(["sweep"], settings, tmp_path)
    assert '"source.kept"' in done.stdout
    world.s3.clear_faults(fault)
    world.s3.put_object(SOURCE, key, b"new")

    run_program(["sweep"], settings, tmp_path)

    assert world.s3.count(SOURCE) == 0
    assert world.s3.read_object(DESTINATION, key) == b"new"
    assert rows(
        tmp_path, "SELECT source_deleted_at IS NOT NULL, delete_due FROM document_logs ORDER BY id"
    ) == [
        (0, 0),
        (1, 0),
    ]


def test_a_deletion_that_was_cut_off_is_made_up_for(world: World, tmp_path: Path) -> None:
    """A kill between the record and the deletion leaves the deletion to the next sweep."""
    world.s3.fill(SOURCE, 20, size=10)
    world.s3.add_fault("hang", operation="DeleteObjects", nth=[3])
    with daemon({**world.environment, **MOVE, "S3MOVER_HTTP__PORT": "0"}, tmp_path) as running:
        for _ in range(20):
            running.await_event("object.moved")
        running.process.kill()
        running.process.wait()
    world.s3.clear_faults()
    assert world.s3.count(SOURCE) == 20

    done = run_program(["sweep"], {**world.environment, **MOVE}, tmp_path)

    assert world.s3.count(SOURCE) == 0
    assert world.s3.count(DESTINATION) == 20
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events.count("source.deleted") == 20
    assert "object.moved" not in events


def test_versions_stay_in_a_bucket_that_keeps_them(world: World, tmp_path: Path) -> None:
    """Where the source keeps versions, deleting hides the object; no earlier version comes to the top."""
    world.s3.configure_bucket(SOURCE, versioning="Enabled")
    world.s3.put_object(SOURCE, "a", b"first")
    world.s3.put_object(SOURCE, "a", b"second")
    settings = {**world.environment, **MOVE}
    run_program(["sweep"], settings, tmp_path)
    assert "0 listed" in run_program(["sweep", "--dry-run"], settings, tmp_path).stdout
    assert world.s3.read_object(DESTINATION, "a") == b"second"


def test_a_store_that_ignores_conditions_is_refused(world: World, tmp_path: Path) -> None:
    """Where a deletion cannot be tied to a version, nothing is moved and the sentence says why."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.s3.configure_bucket(SOURCE, quirks=["ignores_delete_conditions"])
    done = run_program(["sweep"], {**world.environment, **MOVE}, tmp_path, expect=3)
    assert "transfer.after" in done.stderr
    assert (world.s3.count(SOURCE), world.s3.count(DESTINATION)) == (1, 0)


def test_a_denied_deletion_is_said_before_anything_moves(world: World, tmp_path: Path) -> None:
    """Without the right to delete the program says so at once."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.s3.add_fault("access_denied", operation="DeleteObject*", bucket=SOURCE)
    done = run_program(["sweep"], {**world.environment, **MOVE}, tmp_path, expect=3)
    assert "s3:DeleteObject" in done.stderr
    assert world.s3.count(DESTINATION) == 0


def test_old_rows_are_forgotten_where_that_is_wished(world: World, tmp_path: Path) -> None:
    """`audit.retention` removes settled rows that are older, and only those."""
    world.s3.put_object(SOURCE, "a", b"a")
    run_program(["sweep"], world.environment, tmp_path)
    run_program(["--set", "audit.retention=1h", "sweep"], world.environment, tmp_path)
    assert rows(tmp_path, "SELECT COUNT(*) FROM document_logs") == [(1,)]
    run_program(["--set", "audit.retention=1ms", "sweep"], world.environment, tmp_path)
    assert rows(tmp_path, "SELECT COUNT(*) FROM document_logs") == [(0,)]


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("quirks", [["absent_delete_succeeds"], ["absent_delete_succeeds", BATCH_IGNORED]])
def test_a_store_that_deletes_what_is_missing_is_moved_from(
    world: World, tmp_path: Path, quirks: list[str], *, writable: bool
) -> None:
    """Its conditions are tried on an object of ours; where none may be written, on the first that was moved."""
    world.s3.fill(SOURCE, 30, size=10)
    world.s3.configure_bucket(SOURCE, quirks=quirks)
    if not writable:
        world.s3.add_fault("access_denied", operation="PutObject", bucket=SOURCE)
    run_program(["sweep"], {**world.environment, **MOVE}, tmp_path)
    assert (world.s3.count(SOURCE), world.s3.count(DESTINATION)) == (0, 30)
    single = BATCH_IGNORED in quirks
    assert (world.s3.counts(SOURCE).get("DeleteObject", 0) >= 29) is single
