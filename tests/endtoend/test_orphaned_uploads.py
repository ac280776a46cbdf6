"""Multipart uploads of ours that will never be completed are aborted, and nobody else's."""

from pathlib import Path

from testkit.program import daemon, run_program
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World

MIB = 2**20
IN_PARTS = {"S3MOVER_TRANSFER__METHOD": "streaming", "S3MOVER_TRANSFER__PART_SIZE": "5MiB"}


def test_what_a_killed_run_left_is_aborted(world: World, tmp_path: Path) -> None:
    """After a kill in the middle of parts the next run aborts the upload and moves the object anew."""
    world.s3.put_object(SOURCE, "large", size=22 * MIB)
    world.s3.add_fault("hang", operation="UploadPart", nth=[3])
    with daemon({**world.environment, **IN_PARTS, "S3MOVER_HTTP__PORT": "0"}, tmp_path) as running:
        wait_until(
            lambda: world.s3.counts(DESTINATION).get("UploadPart", 0) >= 2, "parts are sent", running.tail
        )
        wait_until(world.s3.hits, "one hangs", running.tail)
        running.process.kill()
        running.process.wait()
    assert len(world.s3.uploads(DESTINATION)) == 1
    world.s3.clear_faults()

    run_program(["sweep"], {**world.environment, **IN_PARTS}, tmp_path)

    assert world.s3.uploads(DESTINATION) == []
    assert world.s3.differences(SOURCE, DESTINATION) == []


def test_a_failed_transfer_leaves_nothing_behind(world: World, tmp_path: Path) -> None:
    """Where the parts cannot be completed the upload is aborted at once, also when the first abort fails."""
    world.s3.put_object(SOURCE, "large", size=12 * MIB)
    world.s3.add_fault("refusal", operation="CompleteMultipartUpload", code="InvalidRequest", status=400)
    world.s3.add_fault("internal_error", operation="AbortMultipartUpload", times=1)
    run_program(["sweep"], {**world.environment, **IN_PARTS}, tmp_path, expect=1)
    assert world.s3.uploads(DESTINATION) == []
