"""What S3 does not copy is kept all the same, and looked for only where there may be any."""

import json
from pathlib import Path

import pytest

from testkit.program import run_program
from testkit.world import DESTINATION, SOURCE, World

OBJECTS = 40


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
    assert world.s3.counts(SOURCE).get("HeadObject", 0) == (OBJECTS if asked else 0)
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
