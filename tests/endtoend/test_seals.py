"""Seals end to end: in the summary and the log, signed, anchored with Object Lock, and verified against both."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from s3mover.audit.signatures import make_key
from testkit.program import run_program
from testkit.trail_rows import rows
from testkit.world import DESTINATION, EVERYTHING, SOURCE, World

ANCHOR, AUDITOR = "seals-of-ours", "333333333333"
NEWEST = "SELECT number, root, hash FROM audit_seals ORDER BY number DESC LIMIT 1"


@pytest.fixture
def anchored(world: World, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings that sign seals and anchor them in a third account, and three objects to move."""
    world.s3.create_bucket(ANCHOR, AUDITOR, object_lock=True)
    key = world.s3.add_key(AUDITOR, "user/auditor", [{"Statement": EVERYTHING}])
    make_key(tmp_path / "key")
    world.s3.put_objects(SOURCE, [{"key": f"k{n}", "body": b"x"} for n in range(3)])
    anchor = {
        "ANCHOR": f"s3://{ANCHOR}/s3mover",
        "ANCHOR_RETENTION": "24h",
        "ANCHOR_ACCESS__ACCESS_KEY": key.access_key,
        "ANCHOR_ACCESS__SECRET_KEY": key.secret_key,
        "ANCHOR_ACCESS__REGION": world.s3.region,
        "ANCHOR_ACCESS__ENDPOINT_URL": world.s3.endpoint,
        "SIGNING_KEY_FILE": "key",
    }
    yield {**world.environment, **{f"S3MOVER_AUDIT__{name}": value for name, value in anchor.items()}}
    world.s3.remove_bucket(ANCHOR)


def change(folder: Path, *statements: str) -> None:
    """Change the embedded trail as somebody with its password would."""
    with closing(sqlite3.connect(folder / "s3mover.db", isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def test_a_sweep_is_sealed_signed_and_anchored(
    world: World, anchored: dict[str, str], tmp_path: Path
) -> None:
    """The hash stands in the log and the summary; removing the newest sweep is noticed by the anchor only."""
    run_program(["sweep"], anchored, tmp_path)
    done = run_program(["sweep", "--no-progress"], {**anchored, "S3MOVER_LOG__FORMAT": "json"}, tmp_path)
    [(number, root, seal_hash)] = rows(tmp_path, NEWEST)
    written = [json.loads(line) for line in done.stdout.splitlines() if '"seal.written"' in line]
    assert [(one["number"], one["root"], one["hash"], one["signed"]) for one in written] == [
        (number, root, seal_hash, True)
    ]
    [(summary,)] = rows(tmp_path, "SELECT summary_file FROM migration_batches ORDER BY id DESC LIMIT 1")
    assert f"- Hash: {seal_hash}" in (tmp_path / summary).read_text()
    objects = world.s3.objects(ANCHOR)
    assert [one["key"].rpartition("/")[2][:13] for one in objects] == ["000000000001-", "000000000002-"]
    [(content,)] = rows(tmp_path, "SELECT content FROM audit_seals WHERE number = 2")
    assert world.s3.read_object(ANCHOR, objects[1]["key"]).decode().startswith(f"{content}\n")
    assert objects[1]["lock"]["mode"] == "COMPLIANCE"

    verify = ["audit", "verify", "--anchor", "--public-key", "key.pub"]
    said = run_program(verify, anchored, tmp_path).stdout
    assert "2 seals, 2 sweeps, 3 rows: intact" in said
    assert "the seals in the anchor" in said
    change(
        tmp_path,
        "DELETE FROM audit_seals WHERE number = 2",
        "DELETE FROM migration_batches WHERE id = 2",
    )
    assert "intact" in run_program(["audit", "verify"], anchored, tmp_path).stdout
    said = run_program(verify, anchored, tmp_path, expect=1).stdout
    assert f"anchor: seal 2: the anchor has it ({seal_hash}" in said


def test_an_anchor_that_fails_does_not_stop_the_moving(
    world: World, anchored: dict[str, str], tmp_path: Path
) -> None:
    """It is announced; the next run writes what is missing."""
    world.s3.remove_bucket(ANCHOR)
    done = run_program(["sweep", "--no-progress"], {**anchored, "S3MOVER_LOG__FORMAT": "json"}, tmp_path)
    failed = [json.loads(line) for line in done.stdout.splitlines() if '"anchor.failed"' in line]
    assert failed[0]["code"] == "NoSuchBucket"
    assert failed[0]["waiting"] == 1
    assert world.s3.count(DESTINATION) == 3
    world.s3.create_bucket(ANCHOR, AUDITOR, object_lock=True)
    run_program(["sweep"], anchored, tmp_path)
    assert rows(tmp_path, "SELECT COUNT(*) FROM audit_seals WHERE anchored_at IS NULL") == [(0,)]
    assert world.s3.count(ANCHOR) == 2
