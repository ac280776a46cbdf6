"""The commands that look and do not touch: check, verify, report, schema."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testkit.mariadb import MariaDb
from testkit.program import run_program
from testkit.world import (
    DESTINATION,
    DESTINATION_ACCOUNT,
    EVERYTHING,
    SOURCE,
    SOURCE_ACCOUNT,
    World,
    grant,
)


@pytest.fixture
def moved(world: World, tmp_path: Path) -> World:
    """Ten objects that were moved, and one that could not be."""
    world.s3.fill(SOURCE, 10, size=10, prefix="good/")
    world.s3.put_object(SOURCE, "bad", b"x")
    fault = world.s3.add_fault("refusal", operation="*Object", key="bad", code="InvalidRequest", status=400)
    run_program(["sweep"], world.environment, tmp_path, expect=1)
    world.s3.clear_faults(fault)
    return world


def test_check_finds_everything_in_order(world: World, tmp_path: Path) -> None:
    """Where all is permitted each line has its tick, and no probe object stays behind."""
    world.s3.put_object(SOURCE, "a", b"a")
    run_program(["schema", "apply"], world.environment, tmp_path)
    done = run_program(["check"], world.environment, tmp_path)
    assert {line[0] for line in done.stdout.splitlines()} == {"✅"}
    assert world.s3.count(DESTINATION) == 0


def test_check_warns_of_a_certificate_that_nobody_looks_at(
    world: World, mariadb: MariaDb, tmp_path: Path
) -> None:
    """`skip-verify` is granted, and told from what is safe."""
    account = mariadb.database()
    ca = f"ssl-ca={mariadb.identity.ca_file}"
    for options, level in (("tls=skip-verify", "warning"), ("tls=preferred", "warning"), (ca, "ok")):
        settings = {**world.environment, "MYSQL_DSN": f"{account.go_dsn}&{options}"}
        run_program(["schema", "apply"], settings, tmp_path)
        said = json.loads(run_program(["check", "--json"], settings, tmp_path).stdout)
        [database] = [result for result in said if result["name"] == "database"]
        assert database["level"] == level
        assert (level == "warning") == ("certificate" in database["message"])


def test_check_warns_of_a_trail_that_others_may_read(world: World, tmp_path: Path) -> None:
    """It names the command that ends it, and changes nothing by itself."""
    run_program(["schema", "apply"], world.environment, tmp_path)
    [trail] = tmp_path.glob("*.db")
    trail.chmod(0o644)
    said = json.loads(run_program(["check", "--json"], world.environment, tmp_path).stdout)
    [database] = [result for result in said if result["name"] == "database"]
    assert database["level"] == "warning"
    assert f"chmod 600 {trail}" in database["message"]
    assert trail.stat().st_mode & 0o777 == 0o644


def test_check_says_which_permission_a_copy_lacks(world: World, tmp_path: Path) -> None:
    """A refused server-side copy is a warning that names the missing permission and what happens instead."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.forbid_copies()
    run_program(["schema", "apply"], world.environment, tmp_path)
    done = run_program(["check", "--json"], world.environment, tmp_path)
    results = {result["name"]: result for result in json.loads(done.stdout)}
    copy = results["server-side copy"]
    assert copy["level"] == "warning"
    assert "streamed" in copy["message"]
    assert f"s3:GetObject and s3:GetObjectTagging on arn:aws:s3:::{SOURCE}/*" in copy["message"]
    assert f"and in that of the bucket {SOURCE}" in copy["message"]
    assert [one["policy"]["Statement"][0]["Sid"] for one in copy["policy"]] == ["ReadSource", "ReadSource"]


def test_check_prints_the_statements_that_are_missing(world: World, tmp_path: Path) -> None:
    """Below its lines, ready to be pasted, and only where something is missing."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.forbid_copies()
    run_program(["schema", "apply"], world.environment, tmp_path)
    said = run_program(["check"], world.environment, tmp_path).stdout
    lines, _, policies = said.partition("\n\n")
    assert [line[0] for line in lines.splitlines() if line[0] != "✅"] == ["⚠"]
    heading = f"# server-side copy: add to the policy of the bucket {SOURCE}\n"
    statements = json.loads(policies.partition(heading)[2])["Statement"]
    assert statements[0]["Principal"] == {"AWS": "arn:aws:iam::<ACCOUNT-ID-OF-THE-DESTINATION>:root"}
    assert statements[0]["Action"] == ["s3:GetObject", "s3:GetObjectTagging"]


def test_check_reads_a_copy_that_the_sources_account_made(world: World, tmp_path: Path) -> None:
    """Where ownership is not enforced it belongs to the copier; `destination.acl` is what helps."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.forbid_copies()
    policy = grant(SOURCE_ACCOUNT, DESTINATION, "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging")
    world.s3.configure_bucket(DESTINATION, policy=policy, ownership="BucketOwnerPreferred")
    copy = checked(world, tmp_path, expect=3)["server-side copy"]
    assert copy["level"] == "failed"
    assert "set destination.acl to bucket-owner-full-control" in copy["message"]
    owned = {"S3MOVER_DESTINATION__ACL": "bucket-owner-full-control"}
    assert checked(world, tmp_path, owned)["server-side copy"]["level"] == "ok"
    assert world.s3.count(DESTINATION) == 0


def test_check_says_that_no_grant_helps_against_an_explicit_deny(world: World, tmp_path: Path) -> None:
    """A bucket whose policy demands encryption is written once that is requested, in one piece and in parts."""
    demand = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{DESTINATION}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
    }
    world.s3.configure_bucket(DESTINATION, policy={"Statement": [demand]})
    world.s3.put_object(SOURCE, "small", b"a")
    world.s3.put_object(SOURCE, "large", size=20 * 2**20)
    write = checked(world, tmp_path, expect=3)["destination: write"]
    assert "the bucket's policy denies this explicitly, so no grant helps" in write["message"]
    assert "destination.encryption" in write["message"]
    assert "policy" not in write
    for method in ("server_side_copy", "streaming"):
        more = {
            "S3MOVER_DESTINATION__ENCRYPTION": "AES256",
            "S3MOVER_DESTINATION__PREFIX": f"{method}/",
            "S3MOVER_TRANSFER__METHOD": method,
            "S3MOVER_TRANSFER__PART_SIZE": "5MiB",
        }
        run_program(["sweep"], world.environment | more, tmp_path)
        results = checked(world, tmp_path, more)
        assert {result["level"] for result in results.values()} == {"ok"}
    assert world.s3.count(DESTINATION) == 4


def test_check_looks_beyond_an_empty_first_page(world: World, tmp_path: Path) -> None:
    """Which names a next one: the bucket is not empty."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.s3.configure_bucket(SOURCE, quirks=["empty_first_page"])
    results = checked(world, tmp_path)
    assert results["source: list"]["message"] == "1 objects on page 2"
    assert results["source: read"]["level"] == "ok"


@pytest.mark.parametrize(("bucket", "side"), [(SOURCE, "source"), (DESTINATION, "destination")])
def test_check_says_that_a_store_lists_in_another_order(
    world: World, tmp_path: Path, bucket: str, side: str
) -> None:
    """Before a sweep finds it out."""
    for key in "ab":
        world.s3.put_object(bucket, key, b"x")
    world.s3.configure_bucket(bucket, quirks=["unordered_pages"])
    listed = checked(world, tmp_path, expect=3)[f"{side}: list"]
    assert listed["level"] == "failed"
    assert "expected keys in the order of their UTF-8 bytes" in listed["message"]


def test_check_looks_for_tags_that_are_hidden(world: World, tmp_path: Path) -> None:
    """S3 hides tags from those who may not read them: a warning says what would be lost."""
    world.s3.put_object(SOURCE, "a", b"a", tags={"t": "1"})
    world.s3.add_fault("access_denied", operation="GetObjectTagging", bucket=SOURCE)
    results = checked(world, tmp_path)
    assert results["source: tags"]["level"] == "warning"
    assert "s3:GetObjectTagging" in results["source: tags"]["message"]
    assert "streamed copies lose theirs without a note" in results["source: tags"]["message"]


@pytest.mark.parametrize(("annotations", "refused"), [("exclude", 1), ("copy", 0)])
def test_check_copies_annotations_as_sweeps_do(
    world: World, tmp_path: Path, annotations: str, refused: int
) -> None:
    """They are left out unless they are to be kept; a store that does not know them copies all the same."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.s3.configure_bucket(DESTINATION, quirks=["no_annotations"])
    settings = world.environment | {"S3MOVER_TRANSFER__ANNOTATIONS": annotations}
    done = run_program(["check"], settings, tmp_path)
    assert "✅ server-side copy: permitted with the destination's credentials" in done.stdout
    assert world.s3.counts(DESTINATION).get("CopyObject:NotImplemented", 0) == refused


def test_check_leaves_nothing_behind_where_parts_are_refused(world: World, tmp_path: Path) -> None:
    """The upload that was begun is given up, also where a part or a listing of uploads is refused."""
    world.s3.put_object(SOURCE, "a", b"a")
    for operation in ("UploadPart", "ListMultipartUploads"):
        fault = world.s3.add_fault("access_denied", operation=operation, bucket=DESTINATION)
        assert checked(world, tmp_path)["destination: parts"]["level"] == "warning"
        assert world.s3.uploads(DESTINATION) == []
        world.s3.clear_faults(fault)


def test_check_says_what_it_could_not_take_away_again(world: World, tmp_path: Path) -> None:
    """A probe that may be written and not removed is a warning that names it and the right."""
    world.s3.put_object(SOURCE, "a", b"a")
    world.s3.add_fault("access_denied", operation="DeleteObject", bucket=DESTINATION)
    write = checked(world, tmp_path)["destination: write"]
    assert write["level"] == "warning"
    assert world.s3.objects(DESTINATION)[0]["key"] in write["message"]
    assert "s3:DeleteObject" in write["message"]


def test_check_tells_kms_from_s3(world: World, tmp_path: Path) -> None:
    """A key that refuses is named by its rights."""
    key = world.s3.add_kms_key(DESTINATION_ACCOUNT, {"Statement": []})
    more = {"S3MOVER_DESTINATION__KMS_KEY_ID": key}
    write = checked(world, tmp_path, more, expect=3)["destination: write"]
    assert write["level"] == "failed"
    assert "kms:GenerateDataKey" in write["message"]
    assert write["policy"][0]["policy"]["Statement"][0]["Resource"] == key


def test_check_tries_to_delete_where_objects_are_to_be_moved(world: World, tmp_path: Path) -> None:
    """Without touching an object: what it asks to delete is not there."""
    world.s3.put_object(SOURCE, "a", b"a")
    more = {"S3MOVER_TRANSFER__AFTER": "delete"}
    assert checked(world, tmp_path, more)["source: delete"]["level"] == "ok"
    world.s3.set_policies(
        world.source_key, [{"Statement": {**EVERYTHING, "Action": ["s3:Get*", "s3:List*"]}}]
    )
    assert "s3:DeleteObject" in checked(world, tmp_path, more, expect=3)["source: delete"]["message"]
    assert world.s3.count(SOURCE) == 1


def checked(
    world: World, folder: Path, more: Mapping[str, str] | None = None, expect: int = 0
) -> dict[str, dict[str, Any]]:
    """Return what `check` finds, by the names of its tests."""
    done = run_program(["check", "--json"], {**world.environment, **(more or {})}, folder, expect=expect)
    return {result["name"]: result for result in json.loads(done.stdout)}


def test_check_fails_where_the_work_cannot_be_done(world: World, tmp_path: Path) -> None:
    """A destination that may not be written is a cross and exit code 3."""
    world.s3.add_fault("access_denied", operation="PutObject", bucket=DESTINATION)
    done = run_program(["check"], world.environment, tmp_path, expect=3)
    assert "❌ destination: write: PutObject on company-documents-copy: AccessDenied" in done.stdout


def test_verify_finds_every_difference(moved: World, tmp_path: Path) -> None:
    """Missing, altered and shortened objects get a line each, and the exit code is 1."""
    run_program(["sweep"], moved.environment, tmp_path)
    assert "11 equal" in run_program(["verify"], moved.environment, tmp_path).stdout
    moved.s3.put_objects(
        DESTINATION, [{"key": "good/00000001", "body": b"y" * 10}, {"key": "good/00000002", "body": b"y"}]
    )
    moved.s3.delete_objects(DESTINATION, ["good/00000003"])
    lines = run_program(["verify"], moved.environment, tmp_path, expect=1).stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [
        "different good/00000001",
        "different good/00000002",
        "missing good/00000003",
    ]


def test_verify_compares_checksums_where_etags_tell_nothing(world: World, tmp_path: Path) -> None:
    """With a KMS key at the destination no ETag is a checksum; both sides' CRCs prove the copy without reading it."""
    world.s3.configure_bucket(DESTINATION, default_kms_key=world.encrypting_key("222222222222"))
    world.s3.put_object(SOURCE, "a", b"content")
    run_program(["sweep"], world.environment, tmp_path)
    reads = world.s3.counts(SOURCE).get("GetObject", 0)
    assert "1 equal, 0 unproven" in run_program(["verify"], world.environment, tmp_path).stdout
    assert world.s3.counts(SOURCE).get("GetObject", 0) == reads


def test_verify_reads_the_bytes_where_it_must(world: World, tmp_path: Path) -> None:
    """Where nothing can be compared only `--deep` proves equality, and finds what size and time hide."""
    for bucket, body in ((SOURCE, b"content"), (DESTINATION, b"CONTENT")):
        world.s3.configure_bucket(bucket, quirks=["no_checksums"])
        world.s3.put_object(bucket, "a", body, kms_key=world.encrypting_key("111111111111"), age=100)
    world.s3.put_object(DESTINATION, "a", b"CONTENT", kms_key=world.encrypting_key("222222222222"))
    assert "1 unproven" in run_program(["verify"], world.environment, tmp_path).stdout
    world.s3.put_object(SOURCE, "a", b"content", age=100)
    world.s3.put_object(SOURCE, "b", size=40 * 2**20, age=100)
    world.s3.put_object(DESTINATION, "b", size=40 * 2**20, seed=7)
    assert (
        "b: the bytes differ"
        in run_program(["verify", "--deep"], world.environment, tmp_path, expect=1).stdout
    )


def test_verify_compares_properties_if_asked(world: World, tmp_path: Path) -> None:
    """A copy with the same bytes and other headers, metadata or tags is a difference that names them."""
    properties: dict[str, Any] = {
        "headers": {"content-type": "text/plain"},
        "metadata": {"by": "hr"},
        "tags": {"t": "1"},
    }
    for key in ("header", "metadata", "same", "tag"):
        world.s3.put_object(SOURCE, key, b"content", **properties)
    run_program(["sweep"], world.environment, tmp_path)
    assert "4 equal" in run_program(["verify", "--properties"], world.environment, tmp_path).stdout
    for key, other in (("header", "headers"), ("metadata", "metadata"), ("tag", "tags")):
        world.s3.put_object(DESTINATION, key, b"content", **{**properties, other: {}})
    assert "4 equal" in run_program(["verify"], world.environment, tmp_path).stdout
    said = run_program(["verify", "--properties"], world.environment, tmp_path, expect=1).stdout
    assert said.splitlines()[:3] == [
        "different header: these properties differ: content-type",
        "different metadata: these properties differ: x-amz-meta-by",
        "different tag: these properties differ: tags",
    ]


def test_verify_counts_objects_that_only_the_destination_has(world: World, tmp_path: Path) -> None:
    """They are differences with `--exact`; an object of the source that a filter leaves out is none."""
    world.s3.put_objects(SOURCE, [{"key": key, "body": b"x"} for key in ("b", "d", "d.tmp")])
    world.s3.put_objects(DESTINATION, [{"key": key, "body": b"x"} for key in "abcde"])
    world.s3.put_object(DESTINATION, "d.tmp", b"old")
    settings = {**world.environment, "S3MOVER_FILTER__EXCLUDE": "*.tmp"}
    said = run_program(["verify"], settings, tmp_path).stdout
    assert said.startswith("2 equal, 0 unproven, 0 missing, 0 different, 3 extra\n")
    lines = run_program(["verify", "--exact"], settings, tmp_path, expect=1).stdout.splitlines()
    assert lines[:3] == [f"extra {key}: not found at the source" for key in "ace"]


def test_report_tells_the_trail(moved: World, tmp_path: Path) -> None:
    """Totals, sweeps and failures come as a table, as JSON and as CSV."""
    table = run_program(["report"], moved.environment, tmp_path).stdout
    assert "server_side_copy" in table
    assert "bad: InvalidRequest" in table
    document = json.loads(run_program(["report", "--format", "json"], moved.environment, tmp_path).stdout)
    assert {(total["status"], total["objects"]) for total in document["totals"]} == {
        ("success", 10),
        ("error", 1),
    }
    assert document["sweeps"][0]["tally"]["failed"] == 1
    failed = run_program(
        ["report", "--failed", "--format", "csv", "--since", "1h"], moved.environment, tmp_path
    )
    [row] = csv.DictReader(io.StringIO(failed.stdout))
    assert (row["key"], row["code"]) == ("bad", "InvalidRequest")


def test_the_schema_is_shown_before_it_is_applied(tmp_path: Path) -> None:
    """`schema show` prints what `schema apply` would run, until there is nothing left to run."""
    assert "CREATE TABLE" in run_program(["schema", "show"], {}, tmp_path).stdout
    assert "applied" in run_program(["schema", "apply"], {}, tmp_path).stdout
    assert "nothing" in run_program(["schema", "show"], {}, tmp_path).stdout
