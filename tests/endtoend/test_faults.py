"""`s3mover sweep` while S3 fails in every way it can: all arrives whole, each object once, nothing is left behind."""

from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.conftest import DESTINATION, SOURCE, World
from tests.support.program import run_program
from tests.support.settled import assert_settled

MIB = 1024 * 1024
GIB = 1024 * MIB
SMALL = 150

Rule = dict[str, Any]

# Each strikes one request in ten, unless it says otherwise.
ANYWHERE: list[Rule] = [
    {"kind": kind}
    for kind in (
        "slow_down",
        "internal_error",
        "service_unavailable",
        "request_timeout",
        "expired_token",
        "reset_before",
        "reset_after",
        "truncated_body",
        "bad_xml",
    )
]
ANYWHERE += [
    {"kind": "delay", "seconds": 0.2},
    # HEAD gives no reason for its 403, so that only a date that is far off would tell.
    {"kind": "time_skewed", "operation": "[!H]*"},
]
OF_COPIES: list[Rule] = [
    {"kind": "error_in_200", "operation": "CopyObject"},
    {"kind": "error_in_200", "operation": "UploadPartCopy", "nth": [2, 5, 6, 7]},
    {"kind": "error_in_200", "operation": "CompleteMultipartUpload", "nth": [1, 2]},
    {"kind": "reset_after", "operation": "CreateMultipartUpload", "nth": [1, 2]},
    {"kind": "reset_after", "operation": "CompleteMultipartUpload", "nth": [1]},
    {"kind": "slow_down", "operation": "UploadPartCopy", "probability": 0.5},
    {"kind": "slow_body", "operation": "CopyObject", "rate": 1000},
    {"kind": "wrong_region", "operation": "CopyObject", "region": "eu-west-3", "nth": [10]},
]
OF_STREAMS: list[Rule] = [
    {"kind": "corrupted_body", "operation": "GetObject"},
    {"kind": "corrupted_body", "operation": "PutObject"},
    {"kind": "corrupted_body", "operation": "UploadPart", "nth": [2, 4]},
    {"kind": "error_in_200", "operation": "CompleteMultipartUpload", "nth": [1, 2]},
    {"kind": "reset_after", "operation": "CreateMultipartUpload", "nth": [1, 2]},
    {"kind": "truncated_body", "operation": "GetObject", "probability": 0.5},
    {"kind": "slow_body", "operation": "GetObject", "key": "small/*", "rate": 10_000},
    {"kind": "wrong_region", "operation": "PutObject", "region": "eu-west-3", "nth": [10]},
]
COPIES = {"transfer.method": "server_side_copy", "transfer.part_size": "1GiB"}
STREAMS = {"transfer.method": "streaming", "transfer.part_size": "5MiB"}


def named(rule: Rule) -> str:
    return f"{rule['kind']}-{rule['operation']}" if "operation" in rule else str(rule["kind"])


def sweep_until_done(world: World, folder: Path, settings: dict[str, str], sweeps: int = 3) -> None:
    """Sweep, and again while objects fail; a later sweep moves what an earlier one could not."""
    options = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    codes: list[int] = []
    while len(codes) < sweeps and 0 not in codes:
        codes.append(run_program([*options, "sweep"], world.environment, folder, expect=None).returncode)
    assert codes[-1] == 0, codes


def strike(world: World, rule: Rule) -> None:
    world.s3.add_fault(**{"probability": 0.1, "seed": 7, **rule})


@pytest.mark.parametrize("rule", [*ANYWHERE, *OF_COPIES], ids=named)
def test_copies_outlive(world: World, tmp_path: Path, rule: Rule) -> None:
    """Small objects and some in parts are copied by S3, though some requests fail."""
    world.s3.fill(SOURCE, SMALL, size=2000, prefix="small/")
    world.s3.put_objects(SOURCE, [{"key": f"large/{n}", "size": 5 * GIB + 1 + n} for n in range(2)])
    strike(world, rule)
    sweep_until_done(world, tmp_path, COPIES)
    assert world.s3.faults()[0]["hits"] > 0
    world.s3.clear_faults()
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("rule", [*ANYWHERE, *OF_STREAMS], ids=named)
def test_streams_outlive(world: World, tmp_path: Path, rule: Rule) -> None:
    """Small objects and some in parts flow through us, though some requests fail."""
    world.s3.fill(SOURCE, SMALL, size=2000, prefix="small/")
    world.s3.fill(SOURCE, 2, size=11 * MIB, prefix="large/")
    strike(world, rule)
    sweep_until_done(world, tmp_path, STREAMS)
    assert world.s3.faults()[0]["hits"] > 0
    world.s3.clear_faults()
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
