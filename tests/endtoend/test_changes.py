"""Objects that change, vanish or sleep in an archive while a sweep runs: states, not failures."""

import json
from pathlib import Path
from typing import Any

import pytest

from testkit.program import daemon, run_program
from testkit.trail_rows import assert_counted, rows
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World

MIB = 1024 * 1024
OBJECTS = 60
# So few that the last objects of a listing are not begun while the first are held.
THREADS = 3
FEW = ["--set", f"transfer.threads={THREADS}", "--set", "transfer.processes=1"]
SMALL_PARTS = ["--set", "transfer.part_size=5MiB"]


def skipped(said: list[dict[str, Any]]) -> dict[str, str]:
    return {event["key"]: event["code"] for event in said if event["event"] == "object.skipped"}


@pytest.mark.parametrize(
    ("method", "operation"), [("server_side_copy", "CopyObject"), ("streaming", "GetObject")]
)
@pytest.mark.parametrize("quirks", [[], ["ignores_copy_source_if_match"]], ids=["pinned", "unpinned"])
def test_the_newest_version_is_what_arrives(
    world: World, tmp_path: Path, method: str, operation: str, quirks: list[str]
) -> None:
    """What changed after it was listed is moved as it is now; what vanished is skipped and has no row."""
    world.s3.configure_bucket(SOURCE, quirks=quirks)
    world.s3.configure_bucket(DESTINATION, quirks=quirks)
    world.s3.fill(SOURCE, OBJECTS, size=1000)
    world.s3.add_fault("hold", operation=operation)
    changed, vanished = ["00000056", "00000058"], ["00000057", "00000059"]
    arguments = ["--set", f"transfer.method={method}", *FEW, "sweep"]

    with daemon(world.environment, tmp_path, *arguments) as sweep:
        sweep.await_event("sweep.listed")
        wait_until(lambda: world.s3.hits() == THREADS, "the first are held", sweep.tail)
        world.s3.put_objects(SOURCE, [{"key": key, "body": b"newer"} for key in changed])
        world.s3.delete_objects(SOURCE, vanished)
        world.s3.clear_faults()
        assert sweep.end() == 0

    assert skipped(sweep.events) == dict.fromkeys(vanished, "NoSuchKey")
    assert rows(tmp_path, "SELECT skipped FROM migration_batches") == [(len(vanished),)]
    assert world.s3.differences(SOURCE, DESTINATION) == []
    late = "SELECT file_key, status, size_bytes FROM document_logs WHERE file_key > '00000055' ORDER BY 1"
    assert rows(tmp_path, late) == [(key, "success", len(b"newer")) for key in changed]
    assert_counted(tmp_path)


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_an_object_in_parts_is_never_made_of_two_versions(world: World, tmp_path: Path, method: str) -> None:
    """A change between two parts begins the object anew, and the upload of the older version is given up."""
    operation, size = {
        "server_side_copy": ("UploadPartCopy", 5 * 1024 * MIB + 1),
        "streaming": ("UploadPart", 21 * MIB),
    }[method]
    world.s3.put_object(SOURCE, "large", size=size, seed=1)
    world.s3.add_fault("hold", operation=operation)
    part_size = "1GiB" if method == "server_side_copy" else "5MiB"
    alone = ["--set", "transfer.threads=1", "--set", f"transfer.part_size={part_size}"]

    with daemon(world.environment, tmp_path, "--set", f"transfer.method={method}", *alone, "sweep") as sweep:
        wait_until(lambda: operation in world.s3.counts(DESTINATION), "the first part is there", sweep.tail)
        world.s3.put_object(SOURCE, "large", size=size, seed=2)
        world.s3.clear_faults()
        assert sweep.end() == 0

    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert world.s3.uploads(DESTINATION) == []
    assert rows(tmp_path, "SELECT file_key, status, attempts FROM document_logs") == [("large", "success", 2)]
    assert world.s3.counts().keys() & {"UploadPartCopy:PreconditionFailed", "GetObject:PreconditionFailed"}


@pytest.mark.parametrize("method", ["auto", "server_side_copy", "streaming"])
@pytest.mark.parametrize("size", [10, 12 * MIB], ids=["whole", "in parts"])
def test_archived_objects_are_skipped(world: World, tmp_path: Path, method: str, size: int) -> None:
    """What must be restored before it can be read is skipped with S3's code, and nothing else is held up."""
    world.s3.put_object(SOURCE, "a/archived", size=size, storage_class="GLACIER")
    world.s3.put_object(SOURCE, "a/awake", b"awake")

    arguments = ["--set", f"transfer.method={method}", *FEW, *SMALL_PARTS, "sweep"]
    done = run_program(arguments, world.environment, tmp_path)

    assert skipped([json.loads(line) for line in done.stdout.splitlines()]) == {
        "a/archived": "InvalidObjectState"
    }
    assert rows(tmp_path, "SELECT file_key, status FROM document_logs") == [("a/awake", "success")]
    assert rows(tmp_path, "SELECT status, listed, skipped, succeeded, failed FROM migration_batches") == [
        ("completed", 2, 1, 1, 0)
    ]
    assert world.s3.uploads(DESTINATION) == []
