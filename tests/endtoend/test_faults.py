"""`s3mover sweep` while S3 fails in every way it can: all arrives whole, each object once, nothing is left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3mover.model import BucketAddress, Credentials, Order, Status
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retry_policy
from s3mover.s3.wire import Wire, to_s3_error
from s3mover.transfer.mover import Mover
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.server_side import ServerSideCopy
from s3mover.transfer.store_features import StoreFeatures
from s3mover.transfer.streaming import Streaming
from simulator import Simulator, SimulatorKey
from testkit.parts import one_by_one
from testkit.program import run_program
from testkit.trail_rows import assert_settled
from testkit.waiting import FIRST_POLL_SECONDS
from testkit.world import DESTINATION, SOURCE, World

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
    {"kind": "permanent_redirect", "operation": "CopyObject", "region": "eu-west-3", "nth": [10]},
]
OF_STREAMS: list[Rule] = [
    {"kind": "corrupted_body", "operation": "GetObject"},
    {"kind": "corrupted_body", "operation": "PutObject"},
    {"kind": "corrupted_body", "operation": "UploadPart", "nth": [2, 4]},
    {"kind": "error_in_200", "operation": "CompleteMultipartUpload", "nth": [1, 2]},
    {"kind": "reset_after", "operation": "CreateMultipartUpload", "nth": [1, 2]},
    {"kind": "truncated_body", "operation": "GetObject", "probability": 0.3},
    {"kind": "slow_body", "operation": "GetObject", "key": "small/*", "rate": 10_000},
    {"kind": "wrong_region", "operation": "PutObject", "region": "eu-west-3", "nth": [10]},
    {"kind": "temporary_redirect", "operation": "PutObject", "region": "eu-west-3", "nth": [10]},
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
    assert world.s3.hits() > 0
    world.s3.clear_faults()
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("rule", [*ANYWHERE, *OF_STREAMS], ids=named)
def test_streams_outlive(world: World, tmp_path: Path, rule: Rule) -> None:
    """Small objects and some in parts flow through us, though some requests fail."""
    world.s3.fill(SOURCE, SMALL, size=2000, prefix="small/")
    world.s3.fill(SOURCE, 2, size=11 * MIB, prefix="large/")
    strike(world, rule)
    sweep_until_done(world, tmp_path, STREAMS)
    assert world.s3.hits() > 0
    world.s3.clear_faults()
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_a_clock_that_is_an_hour_off_is_no_obstacle(world: World, tmp_path: Path) -> None:
    """Requests are signed at S3's time as soon as S3 tells it."""
    world.s3.fill(SOURCE, SMALL, size=2000)
    world.s3.set_clock(3600)
    try:
        sweep_until_done(world, tmp_path, {}, sweeps=1)
    finally:
        world.s3.set_clock(0)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


@pytest.mark.parametrize("quirks", [[], ["redirects_regions"]])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_region_that_is_not_the_buckets_is_no_obstacle(
    world: World, tmp_path: Path, method: str, quirks: list[str]
) -> None:
    """S3 names the right region, by a refusal or by a redirect, and requests are signed for it from then on."""
    world.s3.fill(SOURCE, SMALL, size=2000)
    for bucket in (SOURCE, DESTINATION):
        world.s3.configure_bucket(bucket, quirks=quirks)
    settings = {
        "SRC_REGION": "eu-west-3",
        "DST_REGION": "eu-west-1",
        "S3MOVER_TRANSFER__METHOD": method,
        "S3MOVER_TRANSFER__PROCESSES": "1",
        "S3MOVER_TRANSFER__THREADS": "20",
    }
    run_program(["sweep"], world.environment | settings, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    code = "PermanentRedirect" if quirks else "AuthorizationHeaderMalformed"
    refused = sum(count for name, count in world.s3.counts().items() if name.endswith(f":{code}"))
    # Every thread of the one worker may have had a request to each bucket under way when the first learnt of it.
    assert 0 < refused < SMALL


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
@pytest.mark.parametrize("size", [2000, 11 * MIB])
def test_an_answer_that_never_comes_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, method: str, size: int
) -> None:
    """Each request that writes hangs once; after its time-out it is tried again, and the object arrives."""
    time_out_where_the_store_hangs(world, monkeypatch)
    world.s3.put_object(SOURCE, "k", size=size)
    for operation in ("CopyObject", "PutObject", "UploadPart", "UploadPartCopy", "C*MultipartUpload"):
        world.s3.add_fault(kind, operation=operation, times=1)
    mover, close = mover_of(world, method)
    try:
        outcome = mover.move(order_of(world))
    finally:
        close()
    assert (outcome.status, outcome.message) == (Status.SUCCESS, "")
    assert world.s3.hits() == (1 if size == 2000 else 2)
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert world.s3.uploads(DESTINATION) == []


def time_out_where_the_store_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """End a wait for an answer once the store has done what it will, and withholds it, however fast this machine is."""
    withheld, sent = 0, sum(world.s3.counts().values())

    def wait(wire: Wire, _: float) -> None:
        nonlocal withheld, sent
        sent += 1
        while not wire._readable.poll(FIRST_POLL_SECONDS * 1000):
            # One request is under way at a time.
            if world.s3.hits() > withheld and sum(world.s3.counts().values()) >= sent:
                withheld += 1
                raise to_s3_error(TimeoutError())

    monkeypatch.setattr(Wire, "wait", wait)


def order_of(world: World) -> Order:
    [told] = world.s3.objects(SOURCE)
    return Order(1, 1, told["key"], told["key"], told["size"], told["etag"], "", "STANDARD")


def mover_of(world: World, method: str) -> tuple[Mover, Callable[[], None]]:
    """Build what a worker's thread uses, and what closes its connections."""
    policy = TransferPolicy(method=method, part_size=5 * MIB, max_attempts=4, largest_copy=5 * MIB)

    def bucket(name: str, key: SimulatorKey) -> Bucket:
        address = BucketAddress(name, "http", "127.0.0.1", port_of(world.s3), f"/{name}", world.s3.region)
        credentials = Credentials(key.access_key, key.secret_key)
        return Bucket(address, lambda: credentials, lambda *_: None)

    source, destination = bucket(SOURCE, world.source_key), bucket(DESTINATION, world.destination_key)
    features, retry = StoreFeatures(lambda: 0.0), retry_policy(4, lambda _: True)
    copies = ServerSideCopy(source, [destination], policy, one_by_one, features, lambda _: False, retry)
    streams = Streaming(source, destination, policy, one_by_one, features, retry)

    def close() -> None:
        source.close_thread()
        destination.close_thread()

    return Mover(source, destination, copies, streams, policy, lambda _: True), close


def port_of(s3: Simulator) -> int:
    return int(s3.endpoint.rpartition(":")[2])
