"""What S3 does not copy is kept all the same, and looked for only where there may be any."""

import json
import os
from pathlib import Path

import pytest

from testkit.program import daemon, run_program
from testkit.trail_rows import assert_settled, rows
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World

OBJECTS = 40
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("thorough", "website", "asked", "kept"),
    [
        ("auto", True, True, True),
        ("auto", False, False, False),
        ("always", False, True, True),
        ("never", True, False, False),
    ],
)
def test_redirects_are_kept_where_somebody_is_redirected(
    world: World, tmp_path: Path, thorough: str, website: bool, asked: bool, kept: bool
) -> None:
    """In a bucket that is a website each object is asked about; elsewhere a copy is one request, as it is wished."""
    world.s3.fill(SOURCE, OBJECTS, size=100, redirect="/elsewhere")
    world.s3.configure_bucket(SOURCE, website=website)
    run_program(["--set", f"transfer.thorough={thorough}", "sweep"], world.environment, tmp_path)
    # Each worker looks at a few objects besides, to see whose the buckets are and what the store has left in headers.
    heads, looks = world.s3.counts(SOURCE).get("HeadObject", 0), 3 * (os.cpu_count() or 1)
    assert (OBJECTS if asked else 0) <= heads <= (OBJECTS if asked else 0) + looks
    different = {one["field"] for one in world.s3.differences(SOURCE, DESTINATION)}
    assert different == (set() if kept else {"redirect"})


def test_check_says_which_permission_would_save_a_request(world: World, tmp_path: Path) -> None:
    """Without the right to look at the buckets each object is asked about: a warning, with the remedy."""
    world.s3.put_object(SOURCE, "k", b"x", redirect="/elsewhere")
    denied = {"Effect": "Deny", "Action": "s3:GetBucket*", "Resource": "*"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for key in (world.source_key, world.destination_key):
        world.s3.set_policies(key, [{"Statement": [everything, denied]}])
    run_program(["schema", "apply"], world.environment, tmp_path)
    done = run_program(["check", "--json"], world.environment, tmp_path, expect=None)
    results = {one["name"]: one for one in json.loads(done.stdout)}
    for side, rights in (
        ("source", ["s3:GetBucketObjectLockConfiguration", "s3:GetBucketWebsite"]),
        ("destination", ["s3:GetBucketWebsite"]),
    ):
        told = results[f"{side}: properties"]
        assert told["level"] == "warning"
        assert "to save that request, grant" in told["message"]
        assert all(right in told["message"] for right in rights)
        assert all(right in json.dumps(told["policy"]) for right in rights)
    run_program(["sweep"], world.environment, tmp_path)
    assert world.s3.differences(SOURCE, DESTINATION) == []


@pytest.mark.parametrize("size", [10, 6 * MIB], ids=["whole", "in parts"])
def test_metadata_that_the_source_does_not_return_is_noted_and_counted_and_its_object_stays(
    world: World, tmp_path: Path, size: int
) -> None:
    """A header cannot carry all metadata: the row says that some is lost, and the source is not deleted."""
    odd = {"key": "odd", "size": size, "metadata": {"a": "b", "soap": "\u4f60\n"}}
    world.s3.put_objects(SOURCE, [odd, {"key": "plain", "size": size, "metadata": {"a": "b"}}])
    before = {one["key"]: one["content"] for one in world.s3.objects(SOURCE)}
    options = ["--set", "transfer.method=streaming", "--set", "transfer.part_size=5MiB"]
    settings = {**world.environment, "S3MOVER_TRANSFER__AFTER": "delete", "S3MOVER_LOG__FORMAT": "json"}

    done = run_program([*options, "sweep"], settings, tmp_path)

    assert [one["key"] for one in world.s3.objects(SOURCE)] == ["odd"]
    copies = world.s3.objects(DESTINATION)
    assert {one["key"]: one["content"] for one in copies} == before
    assert [one["metadata"] for one in copies] == [{"a": "b"}, {"a": "b"}]
    messages = dict(rows(tmp_path, "SELECT file_key, message FROM document_logs WHERE status = 'success'"))
    assert "not kept, as the source does not return it: user metadata (1)" in messages["odd"]
    assert "not kept" not in (messages["plain"] or "")
    [told] = [one for one in map(json.loads, done.stdout.splitlines()) if one["event"] == "object.reduced"]
    assert (told["key"], told["properties"]) == ("odd", ["metadata"])
    [summary] = (tmp_path / "logs").glob("*.log")
    assert "- Property not preserved (metadata): 1 files" in summary.read_text()


def test_metadata_that_the_source_does_not_return_is_copied_by_s3(world: World, tmp_path: Path) -> None:
    """A server-side copy keeps all metadata: nothing is lost, and the source is deleted."""
    world.s3.put_object(SOURCE, "odd", b"x", metadata={"soap": "\u4f60\n"})
    run_program(["sweep"], {**world.environment, "S3MOVER_TRANSFER__AFTER": "delete"}, tmp_path)
    assert world.s3.count(SOURCE) == 0
    assert [one["metadata"] for one in world.s3.objects(DESTINATION)] == [{"soap": "\u4f60\n"}]


def test_what_the_destination_refuses_stays_at_the_source(world: World, tmp_path: Path) -> None:
    """An object whose tags the destination does not keep is not deleted; the others are."""
    world.s3.put_objects(
        SOURCE, [{"key": "tagged", "body": b"x", "tags": {"a": "b"}}, {"key": "z", "body": b"x"}]
    )
    world.s3.configure_bucket(DESTINATION, quirks=["no_tagging"])
    settings = {**world.environment, "S3MOVER_TRANSFER__AFTER": "delete"}
    run_program(["--set", "transfer.method=streaming", "sweep"], settings, tmp_path)
    assert [one["key"] for one in world.s3.objects(SOURCE)] == ["tagged"]
    assert world.s3.count(DESTINATION) == 2


LONG_TAGS = {f"schlüssel {number}": "ü" * 256 for number in range(10)}


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
@pytest.mark.parametrize("size", [10, 6 * MIB], ids=["whole", "in parts"])
def test_tags_too_long_for_a_header_arrive(world: World, tmp_path: Path, method: str, size: int) -> None:
    """They are written after the object, and read back."""
    world.s3.put_object(SOURCE, "k", size=size, tags=LONG_TAGS)
    options = ["--set", f"transfer.method={method}", "--set", "transfer.part_size=5MiB"]
    run_program([*options, "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_an_object_whose_tags_cannot_be_written_is_not_done(world: World, tmp_path: Path) -> None:
    """It ends as an error and is moved whole by the sweep after the right was granted."""
    world.s3.put_object(SOURCE, "k", b"x", tags=LONG_TAGS)
    fault = world.s3.add_fault("access_denied", operation="PutObjectTagging")
    options = ["--set", "transfer.method=streaming", "sweep"]
    run_program(options, world.environment, tmp_path, expect=1)
    assert world.s3.count(DESTINATION) == 0
    world.s3.clear_faults(fault)
    run_program(["retry", "--all"], world.environment, tmp_path)
    run_program(options, world.environment, tmp_path)
    assert world.s3.differences(SOURCE, DESTINATION) == []


def test_a_copy_without_its_tags_that_cannot_be_removed_gets_them_later(world: World, tmp_path: Path) -> None:
    """It lies at the destination like a whole one; the row stays an error until a sweep has written the tags."""
    world.s3.put_object(SOURCE, "k", b"x", tags=LONG_TAGS)
    for operation in ("PutObjectTagging", "DeleteObject"):
        world.s3.add_fault("access_denied", operation=operation)
    options = ["--set", "transfer.method=streaming", "sweep"]
    run_program(options, world.environment, tmp_path, expect=1)
    assert [one["tags"] for one in world.s3.objects(DESTINATION)] == [{}]
    world.s3.clear_faults()
    run_program(options, world.environment, tmp_path)
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert rows(tmp_path, "SELECT status FROM document_logs") == [("success",)]


def test_a_kill_before_the_tags_leaves_no_object_without_them(world: World, tmp_path: Path) -> None:
    """The next start finds the object, writes its tags, and only then counts it as moved."""
    world.s3.put_object(SOURCE, "k", b"x", tags=LONG_TAGS)
    fault = world.s3.add_fault("hang", operation="PutObjectTagging")
    settings = {**world.environment, "S3MOVER_TRANSFER__METHOD": "streaming", "S3MOVER_HTTP__PORT": "0"}
    with daemon(settings, tmp_path) as running:
        wait_until(lambda: world.s3.hits() > 0, "the tags are being written")
        running.process.kill()
    assert [one["tags"] for one in world.s3.objects(DESTINATION)] == [{}]
    world.s3.clear_faults(fault)
    run_program(["sweep"], settings, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
