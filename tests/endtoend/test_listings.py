"""Stores that list otherwise than S3: every object is moved, none twice, and the log says how the bucket is listed."""

import json
from pathlib import Path

import pytest

from testkit.program import run_program
from testkit.trail_rows import assert_settled, rows
from testkit.waiting import past_this_second
from testkit.world import DESTINATION, SOURCE, World

JSON = {"S3MOVER_LOG__FORMAT": "json"}
# More than the 60 s of other waits: a sweep of 30,000 objects takes 10 s on two idle cores.
SWEEP_SECONDS = 300.0
pytestmark = pytest.mark.timeout(2 * SWEEP_SECONDS + 60)


def sweep(world: World, directory: Path, *options: str) -> set[tuple[str, str]]:
    """Sweep once, and return what the log says of the listings: side and message."""
    done = run_program([*options, "sweep"], JSON | world.environment, directory, timeout=SWEEP_SECONDS)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return {(event["side"], event["message"]) for event in events if event["event"] == "listing.limited"}


def planned(directory: Path) -> list[int]:
    return [count for (count,) in rows(directory, "SELECT planned FROM migration_batches ORDER BY id")]


@pytest.mark.parametrize(
    ("quirk", "count", "sides"),
    [
        ("unknown_start_skips", 30_000, set()),
        ("unknown_start_empty", 12_000, {"source", "destination"}),
        ("unknown_start_400", 12_000, {"source", "destination"}),
    ],
)
def test_a_start_that_is_not_a_key_hides_no_object(
    world: World, tmp_path: Path, quirk: str, count: int, sides: set[str]
) -> None:
    """At the source none is left out, at the destination none seems missing; where it must be, there is one range."""
    world.s3.fill(SOURCE, count, size=1)
    gone = [f"{number:08d}" for number in range(0, count, 999)]
    for bucket in (SOURCE, DESTINATION):
        world.s3.configure_bucket(bucket, quirks=[quirk])
    past_this_second()
    said = sweep(world, tmp_path)
    assert {side for side, _ in said} == sides - {"destination"}
    assert world.s3.count(DESTINATION) == count
    world.s3.delete_objects(DESTINATION, gone)
    world.s3.configure_bucket(SOURCE, quirks=[])
    said = sweep(world, tmp_path)
    assert {side for side, _ in said} == sides - {"source"}
    assert planned(tmp_path) == [count, len(gone)]
    assert world.s3.differences(SOURCE, DESTINATION) == []


def put_tree(world: World) -> list[str]:
    keys = [
        f"{folder}/{number:03d}" for folder in ("data", "data!", "data/deep", "z") for number in range(600)
    ]
    keys += ["data.csv", "data", "data-1/x", "data0", "y.txt", *(f"a{number:04d}" for number in range(1500))]
    world.s3.put_objects(SOURCE, [{"key": key, "body": b"x"} for key in keys])
    return keys


@pytest.mark.parametrize("sides", [(SOURCE,), (DESTINATION,), (SOURCE, DESTINATION)])
def test_a_store_that_lists_directories_is_moved_whole(
    world: World, tmp_path: Path, sides: tuple[str, ...]
) -> None:
    """Source, destination or both; a second sweep finds nothing to do."""
    keys = put_tree(world)
    for bucket in sides:
        world.s3.configure_bucket(bucket, quirks=["directory_order"])
    past_this_second()
    for _ in range(2):
        said = sweep(world, tmp_path)
    assert planned(tmp_path) == [len(keys), 0]
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    named = {"source" if bucket == SOURCE else "destination" for bucket in sides}
    assert {side for side, message in said if "directory order" in message} == named


def test_verify_compares_a_store_that_lists_directories(world: World, tmp_path: Path) -> None:
    """In the same order as any other."""
    keys = put_tree(world)
    world.s3.configure_bucket(SOURCE, quirks=["directory_order"])
    run_program(["sweep"], world.environment, tmp_path)
    world.s3.delete_objects(DESTINATION, ["data.csv", "data/deep/007"])
    done = run_program(["verify"], world.environment, tmp_path, expect=1)
    assert [key for key in keys if f" {key}:" in done.stdout] == ["data/deep/007", "data.csv"]


@pytest.mark.parametrize(
    ("quirk", "message"),
    [
        ("directory_order", "lists in directory order, so sweeps list it folder by folder"),
        (
            "unknown_start_empty",
            "answers wrongly to a start-after that is not a key, so sweeps list it as one range",
        ),
    ],
)
def test_check_says_how_a_store_is_listed(world: World, tmp_path: Path, quirk: str, message: str) -> None:
    """On each side; nothing is wrong with it."""
    for bucket in (SOURCE, DESTINATION):
        world.s3.put_objects(bucket, [{"key": key, "body": b"x"} for key in ("data/x", "data.csv", "e")])
        world.s3.configure_bucket(bucket, quirks=[quirk])
    done = run_program(["check", "--json"], world.environment, tmp_path)
    results = {one["name"]: one for one in json.loads(done.stdout)}
    for name in ("source: list", "destination: list"):
        assert (results[name]["level"], message in results[name]["message"]) == ("ok", True)


SHAPES = {
    "flat": [f"{number:08d}" for number in range(20_000)],
    "folders": [f"{folder:02d}/{number:04d}" for folder in range(20) for number in range(1000)],
    "digests": [f"{(number * 2_654_435_761) % 2**32:08x}" for number in range(20_000)],
    "uneven": [f"a{number:06d}" for number in range(15_000)]
    + [f"z/{chr(97 + number % 26)}/{number}" for number in range(5_000)],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sides", [(SOURCE,), (SOURCE, DESTINATION)], ids=["to copy", "in place"])
def test_few_more_pages_are_asked_for_than_hold_the_keys(
    world: World, tmp_path: Path, shape: str, sides: tuple[str, ...]
) -> None:
    """At most a tenth more, and ten: cuts cost pages and questions, and these cost money in every sweep."""
    keys = SHAPES[shape]
    for bucket in sides:
        for first in range(0, len(keys), 5_000):
            objects = [{"key": key, "body": b"x", "age": 100} for key in keys[first : first + 5_000]]
            world.s3.put_objects(bucket, objects)
    # Nothing is old enough to be moved, so that only the listing is measured.
    run_program(["sweep"], {**world.environment, "S3MOVER_FILTER__MIN_AGE": "1000s"}, tmp_path)
    pages = len(sides) * len(keys) // 1000
    assert world.s3.counts()["ListObjectsV2"] <= 1.1 * pages + 10
