"""Server-side copies that are permitted here and denied there."""

from pathlib import Path

import pytest

from testkit.program import run_program
from testkit.trail_rows import assert_settled, rows
from testkit.world import (
    DESTINATION,
    DESTINATION_ACCOUNT,
    SOURCE,
    SOURCE_ACCOUNT,
    World,
    grant,
)

ACCOUNTS, PROCESSES = 2, 2
MIB, GIB = 2**20, 2**30


def test_only_the_denied_prefix_streams(world: World, tmp_path: Path) -> None:
    """A denial concerns its prefix alone; it is met once per folder and account in each worker, not per object."""
    for prefix in ("open/", "secret/", "zoo/"):
        world.s3.fill(SOURCE, 300, size=100, prefix=prefix)
    world.permit_copies(except_below=("secret/",))

    processes = ["--set", f"transfer.processes={PROCESSES}"]
    run_program([*processes, "sweep"], world.environment, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    by_way = "SELECT DISTINCT substr(file_key, 1, instr(file_key, '/')), method FROM document_logs ORDER BY 1"
    assert rows(tmp_path, by_way) == [
        ("open/", "server_side_copy"),
        ("secret/", "streaming"),
        ("zoo/", "server_side_copy"),
    ]
    assert 0 < world.s3.counts(DESTINATION)["CopyObject:AccessDenied"] <= ACCOUNTS * PROCESSES


def test_large_objects_of_a_denied_prefix_stream_too(world: World, tmp_path: Path) -> None:
    """One that is too large for others to wait for its verdict streams after its own refusal, or by theirs."""
    world.s3.fill(SOURCE, 20, size=100, prefix="secret/")
    world.s3.put_object(SOURCE, "secret/large", size=70 * 1024 * 1024)
    world.permit_copies(except_below=("secret/",))
    run_program(["sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert rows(tmp_path, "SELECT DISTINCT method FROM document_logs") == [("streaming",)]


def test_the_source_s_credentials_copy_where_only_they_may(world: World, tmp_path: Path) -> None:
    """The destination's account lets the other one write; nothing but one probe per folder and worker is refused."""
    world.forbid_copies()
    policy = grant(SOURCE_ACCOUNT, DESTINATION, "s3:PutObject", "s3:PutObjectTagging")
    world.s3.configure_bucket(DESTINATION, policy=policy)
    world.s3.fill(SOURCE, 100, size=100, prefix="a/")
    world.s3.put_object(SOURCE, "a/tagged", b"x", tags={"a": "b"})
    run_program(["--set", f"transfer.processes={PROCESSES}", "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert rows(tmp_path, "SELECT DISTINCT method FROM document_logs") == [("server_side_copy",)]
    copies = [one for one in world.s3.log("CopyObject", DESTINATION) if one["status"] == 200]
    assert {one["principal"] for one in copies} == {world.source_key.arn}
    assert 0 < world.s3.counts(DESTINATION)["CopyObject:AccessDenied"] <= PROCESSES


@pytest.mark.parametrize("owned", [True, False])
def test_a_copy_belongs_to_the_destination_where_its_owner_is_given_control(
    world: World, tmp_path: Path, owned: bool
) -> None:
    """In a bucket with ACLs a copy is its copier's, unless the canned ACL is sent that the settings name."""
    world.forbid_copies()
    writing = ("s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl")
    policy = grant(SOURCE_ACCOUNT, DESTINATION, *writing)
    world.s3.configure_bucket(DESTINATION, policy=policy, ownership="BucketOwnerPreferred")
    world.s3.put_object(SOURCE, "a", b"x")
    if owned:
        # What is copied in parts must be looked at: its copier may only write, the bucket's own account does it.
        world.s3.put_object(SOURCE, "b", size=6 * GIB)
    acl = {"S3MOVER_DESTINATION__ACL": "bucket-owner-full-control"} if owned else {}
    run_program(["sweep"], {**world.environment, **acl}, tmp_path)
    owners = {one["owner"] for one in world.s3.objects(DESTINATION)}
    assert owners == {DESTINATION_ACCOUNT if owned else SOURCE_ACCOUNT}
    assert world.s3.differences(SOURCE, DESTINATION, ignoring=["acl"]) == []
    assert rows(tmp_path, "SELECT DISTINCT method FROM document_logs") == [("server_side_copy",)]


@pytest.mark.parametrize("large", [False, True])
def test_a_denial_of_tags_alone_makes_tagged_objects_stream(
    world: World, tmp_path: Path, large: bool
) -> None:
    """Who copies may read the source but not its tags: they arrive all the same, and other folders are copied."""
    world.s3.configure_bucket(SOURCE, policy=grant(DESTINATION_ACCOUNT, SOURCE, "s3:GetObject"))
    size = {"size": 70 * 1024 * 1024} if large else {"body": b"x"}
    world.s3.put_object(SOURCE, "tagged/a", tags={"a": "b"}, **size)
    world.s3.fill(SOURCE, 20, size=100, prefix="plain/")
    run_program(["sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    streamed = "SELECT file_key FROM document_logs WHERE method = 'streaming'"
    assert rows(tmp_path, streamed) == [("tagged/a",)]


def test_a_denial_of_one_kms_key_makes_its_objects_stream(world: World, tmp_path: Path) -> None:
    """Who copies may not use the key of some objects: these stream, decrypted by the source's own credentials."""
    own = {"Effect": "Allow", "Principal": {"AWS": SOURCE_ACCOUNT}, "Action": "kms:*", "Resource": "*"}
    private = world.s3.add_kms_key(SOURCE_ACCOUNT, {"Statement": own})
    shared = world.encrypting_key(SOURCE_ACCOUNT)
    for folder, key in (("private/", private), ("shared/", shared)):
        world.s3.fill(SOURCE, 20, size=100, prefix=folder, kms_key=key)
    run_program(["sweep"], world.environment, tmp_path)
    assert world.s3.differences(SOURCE, DESTINATION, ignoring=["encryption"]) == []
    by_way = "SELECT DISTINCT substr(file_key, 1, instr(file_key, '/')), method FROM document_logs ORDER BY 1"
    assert rows(tmp_path, by_way) == [("private/", "streaming"), ("shared/", "server_side_copy")]


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_properties_of_the_greatest_size_arrive(world: World, tmp_path: Path, method: str) -> None:
    """Ten tags with keys and values as long as they may be, and 2 KB of metadata, on objects whole and in parts."""
    tags = {f"{n}" + "k" * 127: f"{n}" + "v" * 255 for n in range(10)}
    metadata = {f"name-{n}": "m" * (2048 // 8 - 6) for n in range(8)}
    world.s3.put_objects(
        SOURCE,
        [
            {"key": "small", "body": b"x", "tags": tags, "metadata": metadata},
            {"key": "large", "size": 6 * MIB, "tags": tags, "metadata": metadata},
        ],
    )
    settings = ["--set", f"transfer.method={method}", "--set", "transfer.part_size=5MiB"]
    run_program([*settings, "sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_destination_whose_requesters_pay_is_written(world: World, tmp_path: Path, method: str) -> None:
    """Whoever writes into another account's bucket offers to pay where `destination.request_payer` says so."""
    policy = grant(SOURCE_ACCOUNT, DESTINATION, "s3:PutObject", "s3:PutObjectTagging", "s3:ListBucket")
    world.s3.configure_bucket(DESTINATION, policy=policy, requester_pays=True)
    world.s3.fill(SOURCE, 1200, size=100)
    key = world.source_key
    settings = {
        **world.environment,
        "DST_ACCESS_KEY": key.access_key,
        "DST_SECRET_KEY": key.secret_key,
        "S3MOVER_DESTINATION__REQUEST_PAYER": "requester",
        "S3MOVER_TRANSFER__METHOD": method,
    }

    run_program(["sweep"], settings, tmp_path)
    run_program(["sweep"], settings, tmp_path)

    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
