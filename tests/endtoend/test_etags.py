"""Changes are found where the ETags of both sides cannot be compared, and nothing is copied for ever."""

from pathlib import Path

import pytest

from testkit.program import run_program
from testkit.trail_rows import rows
from testkit.waiting import past_this_second
from testkit.world import DESTINATION, SOURCE, World

STREAMING = ["--set", "transfer.method=streaming"]
LARGE = 6 * 1024 * 1024
IN_PARTS = [*STREAMING, "--set", "transfer.part_size=5MiB"]


def sweep(world: World, directory: Path, *options: str) -> int:
    """Sweep once, and return how many transfers were planned."""
    run_program([*options, "sweep"], world.environment, directory)
    [(planned,)] = rows(directory, "SELECT planned FROM migration_batches ORDER BY id DESC LIMIT 1")
    return int(planned)


@pytest.mark.parametrize("quirk", ["no_listed_etags", "empty_listed_etags", "alike_listed_etags"])
@pytest.mark.parametrize("sides", [(SOURCE,), (DESTINATION,), (SOURCE, DESTINATION)])
def test_an_overwritten_object_is_moved_where_listings_have_no_etags(
    world: World, tmp_path: Path, quirk: str, sides: tuple[str, ...]
) -> None:
    """Of the same size; all others stay in place, sweep after sweep."""
    world.s3.fill(SOURCE, 20, size=10)
    for bucket in sides:
        world.s3.configure_bucket(bucket, quirks=[quirk])
    past_this_second()
    assert [sweep(world, tmp_path), sweep(world, tmp_path)] == [20, 0]
    past_this_second()
    world.s3.put_object(SOURCE, "00000003", b"0123456789")
    past_this_second()
    assert [sweep(world, tmp_path), sweep(world, tmp_path)] == [1, 0]
    assert world.s3.read_object(DESTINATION, "00000003") == b"0123456789"


def test_a_clock_that_is_ahead_hides_no_change(world: World, tmp_path: Path) -> None:
    """The copy of a large object has an ETag of its own and a time in the future: the trail knows what was copied."""
    world.s3.put_object(SOURCE, "large", size=LARGE, seed=1)
    world.s3.put_object(SOURCE, "other", size=LARGE, seed=2)
    world.s3.set_clock(600)
    try:
        assert [sweep(world, tmp_path, *IN_PARTS), sweep(world, tmp_path, *IN_PARTS)] == [2, 0]
    finally:
        world.s3.set_clock(0)
    world.s3.put_object(SOURCE, "large", size=LARGE, seed=3)
    dry = run_program([*IN_PARTS, "sweep", "--dry-run"], world.environment, tmp_path)
    assert "would transfer large (6.29 MB, etag)" in dry.stdout
    assert [sweep(world, tmp_path, *IN_PARTS), sweep(world, tmp_path, *IN_PARTS)] == [1, 0]
    assert world.s3.differences(SOURCE, DESTINATION, ignoring=["etag", "part_sizes"]) == []
