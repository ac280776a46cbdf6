"""Server-side copies that are permitted here and denied there."""

from pathlib import Path

from tests.endtoend.conftest import DESTINATION, DESTINATION_ACCOUNT, SOURCE, World
from tests.support.program import run_program
from tests.support.settled import assert_settled, rows

ACCOUNTS, PROCESSES = 2, 2


def deny(world: World, *prefixes: str) -> None:
    """Let the destination's account read the source, save for some prefixes."""
    bucket, everyone = f"arn:aws:s3:::{SOURCE}", {"AWS": DESTINATION_ACCOUNT}
    actions = ["s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket"]
    allowed = {
        "Effect": "Allow",
        "Principal": everyone,
        "Action": actions,
        "Resource": [bucket, f"{bucket}/*"],
    }
    below = [f"{bucket}/{prefix}*" for prefix in prefixes]
    denied = {"Effect": "Deny", "Principal": everyone, "Action": "s3:GetObject", "Resource": below}
    world.s3.configure_bucket(SOURCE, policy={"Statement": [allowed, denied]})


def test_only_the_denied_prefix_streams(world: World, tmp_path: Path) -> None:
    """A denial concerns its prefix alone; it is met once per folder and account in each worker, not per object."""
    for prefix in ("open/", "secret/", "zoo/"):
        world.s3.fill(SOURCE, 300, size=100, prefix=prefix)
    deny(world, "secret/")

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
    deny(world, "secret/")
    run_program(["sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    assert rows(tmp_path, "SELECT DISTINCT method FROM document_logs") == [("streaming",)]
