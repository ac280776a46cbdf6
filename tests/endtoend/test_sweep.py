"""`s3mover sweep` on two accounts: what moves, by which way, and what stands in the trail."""

import json
from pathlib import Path
from typing import Any

import pytest

from testkit.mariadb import MariaDb
from testkit.program import run_program
from testkit.trail_rows import rows
from testkit.world import DESTINATION, SOURCE, World

KEYS = [
    "plain.txt",
    "a b+c%20d&e=f?g#h.txt",
    "//double//slashes",
    "./dot/../dots",
    "/leading",
    "trailing/",
    "Grüße/naïve-é-e\u0301.pdf",
    "文書/契約.pdf",
    "🗂️/📄.png",
    "quotes'\"<>.txt",
    "tab\tnewline\n.txt",
    "x" * 1000,
]


def events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def put_documents(world: World, count: int = 40) -> int:
    documents = [
        {
            "key": key,
            "body": key.encode() * 3,
            "tags": {"a b": "ü&"} if number % 2 else {},
            "metadata": {"owner": "me"},
            "headers": {"content-type": "text/plain"},
        }
        for number, key in enumerate(KEYS)
    ]
    documents += [{"key": f"docs/{n:05}", "body": b"x" * n} for n in range(count)]
    world.s3.put_objects(SOURCE, documents)
    return len(documents)


def test_the_first_versions_environment_is_enough(world: World, mariadb: MariaDb, tmp_path: Path) -> None:
    """With its variables alone a bucket moves, MySQL tells it, and a second sweep adds no row."""
    count = put_documents(world)
    account = mariadb.database()
    settings = {**world.environment, "MYSQL_DSN": account.go_dsn}
    by_status = "SELECT status, COUNT(*) FROM document_logs GROUP BY status"

    done = run_program(["sweep"], settings, tmp_path)

    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert account.query(by_status) == [("success", count)]
    assert account.query("SELECT DISTINCT method FROM document_logs") == [("server_side_copy",)]
    [finished] = [event for event in events(done.stdout) if event["event"] == "sweep.finished"]
    assert (finished["listed"], finished["succeeded"], finished["failed"]) == (count, count, 0)

    run_program(["sweep"], settings, tmp_path)

    assert account.query(by_status) == [("success", count)]
    batches = "SELECT status, listed, skipped, planned, succeeded, failed FROM migration_batches ORDER BY id"
    assert account.query(batches) == [
        ("completed", count, 0, count, count, 0),
        ("completed", count, count, 0, 0, 0),
    ]


def test_a_denied_copy_falls_back_to_streaming(world: World, tmp_path: Path) -> None:
    """Where no principal may copy, objects stream whole, tags and metadata included, and each row says why."""
    world.forbid_copies()
    count = put_documents(world)

    done = run_program(["sweep"], world.environment, tmp_path)

    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert rows(tmp_path, "SELECT status, method, COUNT(*) FROM document_logs GROUP BY 1, 2") == [
        ("success", "streaming", count)
    ]
    assert all(
        "AccessDenied" in message for (message,) in rows(tmp_path, "SELECT message FROM document_logs")
    )
    fallbacks = [event for event in events(done.stdout) if event["event"] == "object.fallback"]
    assert len(fallbacks) == count


def test_refused_copies_are_not_paid_for_per_object(world: World, tmp_path: Path) -> None:
    """The first objects probe; the rest stream without a refused request each."""
    world.forbid_copies()
    world.s3.fill(SOURCE, 500, size=100, prefix="many/")

    run_program(["--set", "transfer.processes=2", "sweep"], world.environment, tmp_path)

    refused = world.s3.counts(DESTINATION).get("CopyObject:AccessDenied", 0)
    # One folder, two principals, two worker processes: each process finds out for itself.
    assert 0 < refused <= 4
    assert world.s3.count(DESTINATION) == 500


def test_only_what_changed_moves_again(world: World, tmp_path: Path) -> None:
    """A second sweep moves what was added or altered, also at equal size, and nothing else."""
    count = put_documents(world)
    run_program(["sweep"], world.environment, tmp_path)
    world.s3.put_objects(
        SOURCE, [{"key": "docs/00007", "body": b"y" * 7}, {"key": "docs/new", "body": b"new"}]
    )

    run_program(["sweep"], world.environment, tmp_path)

    second = rows(tmp_path, "SELECT file_key FROM document_logs WHERE batch_id = 2 ORDER BY file_key")
    assert second == [("docs/00007",), ("docs/new",)]
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert world.s3.count(DESTINATION) == count + 1


def test_prefixes_are_replaced_and_filters_kept_to(world: World, tmp_path: Path) -> None:
    """Only what lies below the source's prefix and passes the globs moves, under the destination's prefix."""
    world.s3.put_objects(
        SOURCE,
        [{"key": key, "body": b"x"} for key in ("in/a.pdf", "in/b.tmp", "in/sub/c.pdf", "outside.pdf")],
    )
    settings = {
        **world.environment,
        "SRC_PREFIX": "in/",
        "DST_PREFIX": "out/",
        "S3MOVER_FILTER__EXCLUDE": "*.tmp",
    }

    run_program(["sweep"], settings, tmp_path)

    assert [entry["key"] for entry in world.s3.objects(DESTINATION)] == ["out/a.pdf", "out/sub/c.pdf"]


def test_a_failing_object_is_an_error_and_the_others_move(world: World, tmp_path: Path) -> None:
    """One object that S3 refuses to copy for good ends in an error row and exit code 1; the rest is moved."""
    world.s3.put_objects(SOURCE, [{"key": f"k{n}", "body": b"x"} for n in range(20)])
    world.s3.add_fault("internal_error", key="k7")
    settings = {**world.environment, "S3MOVER_TRANSFER__MAX_ATTEMPTS": "2"}

    run_program(["sweep"], settings, tmp_path, expect=1)

    assert rows(
        tmp_path, "SELECT file_key, error_code, attempts FROM document_logs WHERE status = 'error'"
    ) == [("k7", "InternalError", 2)]
    assert world.s3.count(DESTINATION) == 19
    assert rows(tmp_path, "SELECT file_key FROM failed_migrations") == [("k7",)]


def test_a_dry_run_changes_nothing(world: World, tmp_path: Path) -> None:
    """`--dry-run` says what would move, and leaves destination and trail alone."""
    count = put_documents(world)
    done = run_program(["sweep", "--dry-run"], world.environment, tmp_path)
    assert f"{count} listed, {count} to transfer" in done.stdout
    assert world.s3.count(DESTINATION) == 0
    assert not (tmp_path / "s3mover.db").exists()


def test_an_incomplete_listing_fails_the_sweep(world: World, tmp_path: Path) -> None:
    """Where the source can no longer be listed, the sweep is failed, never completed, and the exit code is 3."""
    world.s3.fill(SOURCE, 2500, size=10)
    world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=SOURCE, nth=[3])
    run_program(["sweep"], world.environment, tmp_path, expect=3)
    assert rows(tmp_path, "SELECT status FROM migration_batches") == [("failed",)]
    assert rows(tmp_path, "SELECT COUNT(*) FROM document_logs WHERE status = 'pending'") == [(0,)]


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_forced_method_is_used_for_all(world: World, tmp_path: Path, method: str) -> None:
    """`transfer.method` decides where it is not `auto`."""
    put_documents(world, 5)
    run_program(["--set", f"transfer.method={method}", "sweep"], world.environment, tmp_path)
    assert rows(tmp_path, "SELECT DISTINCT method FROM document_logs") == [(method,)]
    assert world.s3.differences(SOURCE, DESTINATION) == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_archived_objects_are_restored_where_that_is_wished(
    world: World, tmp_path: Path, method: str
) -> None:
    """An archived object is skipped with its own reason; with a tier it is restored, and moves then."""
    world.s3.put_objects(
        SOURCE, [{"key": "cold", "body": b"ice", "storage_class": "GLACIER"}, {"key": "warm", "body": b"x"}]
    )
    forced = ["--set", f"transfer.method={method}", "sweep"]
    done = run_program(forced, world.environment, tmp_path)
    [skipped] = [event for event in events(done.stdout) if event["event"] == "object.skipped"]
    assert (skipped["key"], skipped["code"]) == ("cold", "InvalidObjectState")
    assert world.s3.counts(SOURCE).get("RestoreObject", 0) == 0
    wish = {
        **world.environment,
        "S3MOVER_TRANSFER__RESTORE__TIER": "bulk",
        "S3MOVER_TRANSFER__RESTORE__DAYS": "2",
    }

    run_program(forced, wish, tmp_path)
    run_program(forced, wish, tmp_path)

    assert world.s3.counts(SOURCE)["RestoreObject"] == 1
    assert world.s3.read_object(DESTINATION, "cold") == b"ice"
    assert rows(tmp_path, "SELECT file_key, status FROM document_logs ORDER BY id") == [
        ("warm", "success"),
        ("cold", "success"),
    ]


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_objects_asleep_in_intelligent_tiering_are_restored_without_days(
    world: World, tmp_path: Path, method: str
) -> None:
    """They move back to a tier that can be read: S3 refuses a number of days."""
    world.s3.put_objects(
        SOURCE,
        [
            {"key": "cold", "body": b"ice", "storage_class": "GLACIER"},
            {"key": "tiered", "body": b"x", "storage_class": "INTELLIGENT_TIERING", "asleep": True},
        ],
    )
    wish = {**world.environment, "S3MOVER_TRANSFER__RESTORE__TIER": "bulk"}
    for _ in range(2):
        run_program(["--set", f"transfer.method={method}", "sweep"], wish, tmp_path)
    assert sorted((one["key"], one["code"]) for one in world.s3.log("RestoreObject")) == [
        ("cold", ""),
        ("tiered", ""),
    ]
    bodies = [world.s3.read_object(DESTINATION, key) for key in ("cold", "tiered")]
    assert bodies == [b"ice", b"x"]
    assert [one["storage_class"] for one in world.s3.objects(DESTINATION)] == [
        "GLACIER",
        "INTELLIGENT_TIERING",
    ]


@pytest.mark.parametrize(
    ("setting", "bound", "least"),
    [("requests_per_second", "40", 80 / 40), ("bandwidth", "200kB", 400 / 200)],
)
def test_bounds_on_requests_and_bytes_are_kept_to(
    world: World, tmp_path: Path, setting: str, bound: str, least: float
) -> None:
    """However many threads there are, no more requests or bytes pass per second than the settings allow."""
    world.s3.fill(SOURCE, 40, size=10_000)
    options = ["--set", "transfer.method=streaming", "--set", f"transfer.{setting}={bound}"]
    done = run_program([*options, "sweep"], world.environment, tmp_path)
    assert sum(len(world.s3.log(operation)) for operation in ("GetObject", "PutObject")) == 80
    [finished] = [event for event in events(done.stdout) if event["event"] == "sweep.finished"]
    # The sweep's own time, which grows on a busy machine; a tenth of a second may be caught up on.
    assert finished["seconds"] >= least - 0.3
    assert world.s3.differences(SOURCE, DESTINATION) == []


@pytest.mark.parametrize("encrypted", [SOURCE, DESTINATION])
def test_an_encrypted_bucket_is_not_copied_again_and_again(
    world: World, tmp_path: Path, encrypted: str
) -> None:
    """KMS makes ETags that look like MD5s and are none; a second sweep moves nothing all the same."""
    account = "111111111111" if encrypted == SOURCE else "222222222222"
    key = world.encrypting_key(account)
    world.s3.configure_bucket(encrypted, default_kms_key=key)
    told = {"kms_key": key} if encrypted == SOURCE else {}
    world.s3.put_objects(SOURCE, [{"key": f"k{n}", "body": b"x%d" % n, "age": 10, **told} for n in range(10)])
    run_program(["sweep"], world.environment, tmp_path)
    run_program(["sweep"], world.environment, tmp_path)
    assert rows(tmp_path, "SELECT succeeded, skipped FROM migration_batches ORDER BY id") == [
        (10, 0),
        (0, 10),
    ]
