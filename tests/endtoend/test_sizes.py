"""Objects of every size, from nothing to 5 TiB, by both ways, in bounded memory."""

from pathlib import Path

import pytest

from testkit.memory import run_measured
from testkit.program import run_program
from testkit.trail_rows import assert_settled, rows
from testkit.world import DESTINATION, SOURCE, World

MIB = 1024 * 1024
GIB = 1024 * MIB
TIB = 1024 * GIB
PART = 5 * MIB
# Supervisor and workers together, in bytes.
MOST_MEMORY = 150_000_000
MOST_PARTS = 10_000
# More than the 60 s of other waits: gigabytes flow, through the program or from the store, which takes 20 s on two idle
# cores.
STREAM_SECONDS = 600.0


def options(method: str, part_size: str = "64MiB") -> list[str]:
    return ["--set", f"transfer.method={method}", "--set", f"transfer.part_size={part_size}"]


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_every_small_size_arrives(world: World, tmp_path: Path, method: str) -> None:
    """Nothing, one byte, and around the size of a part: byte-equal, in as many parts as it takes."""
    sizes = [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1]
    world.s3.put_objects(SOURCE, [{"key": f"{size:09}", "size": size, "seed": size} for size in sizes])

    run_program([*options(method, "5MiB"), "sweep"], world.environment, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    counts = world.s3.counts(DESTINATION)
    assert counts.get("CopyObject", 0) == (len(sizes) if method == "server_side_copy" else 0)
    assert counts.get("UploadPart", 0) == (2 + 2 + 3 if method == "streaming" else 0)


def test_five_gib_are_copied_in_one_request_and_a_byte_more_in_parts(world: World, tmp_path: Path) -> None:
    """The limit of CopyObject is met exactly."""
    world.s3.put_objects(SOURCE, [{"key": f"{size}", "size": size} for size in (5 * GIB, 5 * GIB + 1)])

    run_program([*options("server_side_copy", "1GiB"), "sweep"], world.environment, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    counts = world.s3.counts(DESTINATION)
    assert (counts["CopyObject"], counts["UploadPartCopy"]) == (1, 6)


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
@pytest.mark.timeout(STREAM_SECONDS + 60)
@pytest.mark.long
def test_a_large_object_takes_little_memory(world: World, tmp_path: Path, method: str) -> None:
    """5.1 GiB, copied in parts or relayed, among small objects: memory stays bounded."""
    world.s3.put_object(SOURCE, "folder/large", size=5 * GIB + 100 * MIB)
    world.s3.fill(SOURCE, 200, size=1000, prefix="folder/small")

    ended = run_measured([*options(method), "sweep"], world.environment, tmp_path, STREAM_SECONDS)

    assert ended.code == 0
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert ended.peak < MOST_MEMORY


@pytest.mark.timeout(STREAM_SECONDS + 60)
@pytest.mark.long
def test_the_largest_objects_are_copied_in_parts_that_grow(world: World, tmp_path: Path) -> None:
    """5 TiB fit into 10,000 parts, in little memory, and no small object of the same folder waits for them."""
    world.s3.put_object(SOURCE, "folder/huge", size=5 * TIB, tags={"a": "b"}, metadata={"m": "n"})
    world.s3.fill(SOURCE, 200, size=1000, prefix="folder/small")

    ended = run_measured(["sweep"], world.environment, tmp_path, STREAM_SECONDS)

    assert ended.code == 0
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert ended.peak < MOST_MEMORY
    assert MOST_PARTS * 0.99 < world.s3.counts(DESTINATION)["UploadPartCopy"] <= MOST_PARTS
    assert rows(tmp_path, "SELECT file_key FROM document_logs ORDER BY moved_at DESC, id LIMIT 1") == [
        ("folder/huge",)
    ]


@pytest.mark.timeout(STREAM_SECONDS + 60)
def test_huge_errors_take_no_memory(world: World, tmp_path: Path) -> None:
    """Each thread gets 16 MiB of nested elements, all at once, for its copy and then for its upload.

    An error is read up to 64 KiB.
    """
    world.s3.fill(SOURCE, 300, size=100)
    for operation in ("CopyObject", "PutObject"):
        world.s3.add_fault("huge_error", operation=operation)
    attempts = ["--set", "transfer.max_attempts=1"]

    ended = run_measured([*attempts, "sweep"], world.environment, tmp_path, STREAM_SECONDS)

    assert ended.code == 1
    assert rows(tmp_path, "SELECT DISTINCT error_code, COUNT(*) FROM document_logs") == [
        ("InternalError", 300)
    ]
    assert ended.peak < MOST_MEMORY
