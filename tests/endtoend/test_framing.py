"""Stores that do not understand how bodies are framed: bytes and properties of both sides are equal all the same."""

import json
from collections import Counter
from pathlib import Path

import pytest

from testkit.program import run_program
from testkit.trail_rows import assert_settled, rows
from testkit.world import DESTINATION, SOURCE, World

MIB = 1024 * 1024
STREAMING = ["--set", "transfer.method=streaming", "--set", "transfer.part_size=5MiB"]
FEW = ["--set", "transfer.threads=2", "--set", "transfer.processes=1"]
ONE = ["--set", "transfer.threads=1", "--set", "transfer.processes=1"]
REFUSALS = {"BadDigest": 400, "BadRequest": 400}


def put_documents(world: World, number: int = 12) -> None:
    world.s3.put_objects(
        SOURCE,
        [
            {"key": f"k{n:02}", "body": b"content %d" % n, "metadata": {"n": str(n)}, "tags": {"t": str(n)}}
            for n in range(number)
        ],
    )
    world.s3.put_objects(SOURCE, [{"key": "large", "size": 11 * MIB}, {"key": "z/gzip", "body": b"z"}])


def attempts(folder: Path) -> dict[str, int]:
    return dict(rows(folder, "SELECT file_key, attempts FROM document_logs"))


@pytest.mark.parametrize("quirk", ["trailers_bad_digest", "trailers_bad_request", "trailers_eof"])
def test_a_store_that_refuses_trailers_by_a_general_code_gets_none_after_a_few_objects(
    world: World, tmp_path: Path, quirk: str
) -> None:
    """Only two objects pay for it, by two refused requests each; with more threads, those in flight besides."""
    put_documents(world, 40)
    world.s3.configure_bucket(DESTINATION, quirks=[quirk])
    run_program([*STREAMING, *ONE, "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    refused = sum(n for code, n in world.s3.counts(DESTINATION).items() if code.startswith("PutObject:"))
    assert refused == 4


@pytest.mark.parametrize("code", ["BadDigest", "BadRequest"])
def test_one_object_whose_trailer_is_refused_takes_it_from_no_other(
    world: World, tmp_path: Path, code: str
) -> None:
    """That object arrives without a trailer; all others are sent with theirs in their first attempt."""
    put_documents(world, 40)
    world.s3.add_fault(
        "refusal", operation="PutObject", key="k00", framed=True, code=code, status=REFUSALS[code]
    )
    run_program([*STREAMING, *FEW, "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert {key for key, number in attempts(tmp_path).items() if number > 1} == {"k00"}
    assert world.s3.counts(DESTINATION)[f"PutObject:{code}"] == 2


@pytest.mark.parametrize("large", [False, True], ids=["small", "in parts"])
def test_bytes_altered_on_the_way_to_a_store_that_checks_nothing_are_noticed(
    world: World, tmp_path: Path, large: bool
) -> None:
    """Neither side has checksums, and the source's ETag is none: the MD5 of what was sent is compared."""
    size = 22 * MIB if large else 17 * MIB
    part_size = "5MiB" if large else "64MiB"
    world.s3.put_object(SOURCE, "odd", size=size)
    for bucket in (SOURCE, DESTINATION):
        world.s3.configure_bucket(bucket, quirks=["no_checksums"])
    operation = "UploadPart" if large else "PutObject"
    world.s3.add_fault("corrupted_body", operation=operation, times=1)
    run_program(
        ["--set", "transfer.method=streaming", "--set", f"transfer.part_size={part_size}", "sweep"],
        world.environment,
        tmp_path,
    )
    assert world.s3.hits() == 1
    world.s3.clear_faults()
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_framing_left_in_objects_is_noticed_at_the_first_and_repaired(world: World, tmp_path: Path) -> None:
    """The store keeps `aws-chunked` as the object's encoding: no object has it in the end."""
    put_documents(world, 40)
    world.s3.put_object(SOURCE, "z/gzip", b"z", headers={"content-encoding": "gzip"})
    world.s3.configure_bucket(DESTINATION, quirks=["keeps_aws_chunked"])
    run_program([*STREAMING, *FEW, "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert world.s3.counts(DESTINATION)["HeadObject"] <= 6


def test_stores_that_leave_nothing_are_asked_a_few_times_only(world: World, tmp_path: Path) -> None:
    """No request per object where nothing is doubtful."""
    put_documents(world, 40)
    run_program([*STREAMING, *FEW, "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert Counter(world.s3.counts(DESTINATION))["HeadObject"] <= 4


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
@pytest.mark.parametrize("size", [10, 6 * MIB], ids=["whole", "in parts"])
def test_framing_left_in_the_source_is_not_carried_onward(
    world: World, tmp_path: Path, size: int, method: str
) -> None:
    """What is not the object's encoding is left out; the rest of it stays."""
    world.s3.put_objects(
        SOURCE,
        [
            {"key": key, "size": size, "metadata": {"a": "b"}, "tags": {"c": "d"}, "headers": headers}
            for key, headers in (
                ("a", {"content-encoding": "aws-chunked", "cache-control": "no-cache"}),
                ("b", {"content-encoding": "gzip,aws-chunked"}),
            )
        ],
    )
    options = ["--set", f"transfer.method={method}", "--set", "transfer.part_size=5MiB"]
    run_program([*options, "sweep"], world.environment, tmp_path)
    assert {one["field"] for one in world.s3.differences(SOURCE, DESTINATION)} == {"headers"}
    kind = {"content-type": "binary/octet-stream"}
    assert [one["headers"] for one in world.s3.objects(DESTINATION)] == [
        {"cache-control": "no-cache", **kind},
        {"content-encoding": "gzip", **kind},
    ]


@pytest.mark.parametrize("quirk", ["trailers_400", "no_checksums"])
def test_locked_objects_keep_their_locks_where_trailers_are_refused(
    world: World, tmp_path: Path, quirk: str
) -> None:
    """Object Lock wants a checksum with each body and each part: a Content-MD5 is one."""
    lock = {"mode": "GOVERNANCE", "until": "2030-01-01T00:00:00Z"}
    world.s3.put_objects(
        SOURCE,
        [{"key": "large", "size": 11 * MIB, "lock": lock}, {"key": "small", "body": b"x", "lock": lock}],
    )
    world.s3.configure_bucket(SOURCE, object_lock=True)
    world.s3.configure_bucket(DESTINATION, object_lock=True, quirks=[quirk, "trailers_400"])
    run_program([*STREAMING, *FEW, "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("quirks", [["wants_checksums"], ["wants_checksums", "trailers_400"]])
def test_buckets_that_lock_by_default_get_a_checksum_with_each_body(
    world: World, tmp_path: Path, quirks: list[str]
) -> None:
    """Such a bucket refuses bodies without one though the objects have no lock of their own."""
    put_documents(world)
    world.s3.put_object(SOURCE, "redirect", b"x", redirect="/elsewhere")
    world.s3.configure_bucket(SOURCE, website=True)
    world.s3.configure_bucket(DESTINATION, quirks=quirks)
    done = run_program(
        [*STREAMING, *FEW, "sweep"], {"S3MOVER_LOG__FORMAT": "json"} | world.environment, tmp_path
    )
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert "object.reduced" not in [json.loads(line)["event"] for line in done.stdout.splitlines()]


def test_bodies_that_are_always_cut_arrive_whole(world: World, tmp_path: Path) -> None:
    """A bad link ends each response after 400 kB: reading goes on where it broke, pinned to the same version."""
    world.s3.put_objects(SOURCE, [{"key": "large", "size": 11 * MIB}, {"key": "small", "size": 3 * MIB}])
    world.s3.add_fault("truncated_body", operation="GetObject", offset=400_000)
    run_program([*STREAMING, *FEW, "--set", "transfer.max_attempts=1", "sweep"], world.environment, tmp_path)
    world.s3.clear_faults()
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    sent = sum(one["sent"] for one in world.s3.log("GetObject"))
    assert sent < 14 * MIB * 20


def test_a_body_that_never_progresses_ends_as_an_error(world: World, tmp_path: Path) -> None:
    """Requests are bounded where nothing comes."""
    world.s3.put_object(SOURCE, "k", size=MIB)
    world.s3.add_fault("truncated_body", operation="GetObject", offset=100)
    run_program(
        [*STREAMING, "--set", "transfer.max_attempts=2", "sweep"], world.environment, tmp_path, expect=1
    )
    assert world.s3.counts(SOURCE)["GetObject"] <= 6
    assert world.s3.count(DESTINATION) == 0
