"""Stores that are not quite S3: s3mover works on them, or says what they cannot do; it never believes them blindly."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import Simulator
from simulator.faults import QUIRKS
from testkit.program import run_program
from testkit.trail_rows import assert_counted, assert_settled, rows
from testkit.world import DESTINATION, DESTINATION_ACCOUNT, EVERYTHING, SOURCE, SOURCE_ACCOUNT, World, grant

MIB = 1024 * 1024
# What each says of itself, where it cannot be worked with.
UNLISTABLE = {
    "unordered_pages": "the listing of company-documents",
    "no_continuation_token": "company-documents: a page of a listing is truncated, but has no token for the next page",
    "repeats_page": "the listing of company-documents",
}
LESS = {"standard_class_only", "no_tagging", "stores_less", "unusable_keys", "half_listings"}
JSON = {"S3MOVER_LOG__FORMAT": "json"}
SETTINGS = ["--set", "transfer.part_size=5MiB"]


@pytest.fixture(params=["permitted", "denied"])
def store(request: pytest.FixtureRequest, world: World) -> World:
    """Two buckets that lie with the same store; server-side copies are permitted or not."""
    if request.param == "denied":
        world.forbid_copies()
    return world


def make_odd(world: World, quirk: str) -> None:
    for bucket in (SOURCE, DESTINATION):
        world.s3.configure_bucket(bucket, quirks=[quirk])


def put_documents(world: World) -> None:
    """Put objects that are a day old: one that changed in the second of its copy would be copied once more."""
    documents: list[dict[str, object]] = [
        *({"key": f"many/{number:08}", "size": 100, "seed": number} for number in range(40)),
        {"key": "empty", "body": b""},
        {"key": "large", "size": 11 * MIB},
        {"key": "large and tagged", "size": 6 * MIB, "tags": {"a": "b"}},
        {"key": "plus+ %20 ümlaut", "body": b"x", "metadata": {"a": "b"}},
        {"key": "rare", "body": b"x", "storage_class": "STANDARD_IA"},
        {"key": "tagged", "body": b"x", "tags": {"a": "b"}},
    ]
    world.s3.put_objects(SOURCE, [{**document, "age": 86_400} for document in documents])


@pytest.mark.parametrize("quirk", sorted(QUIRKS.keys() - UNLISTABLE.keys() - LESS))
def test_it_works_all_the_same(store: World, tmp_path: Path, quirk: str) -> None:
    """The oddity is got round: everything arrives whole, and a second sweep finds nothing to do."""
    put_documents(store)
    make_odd(store, quirk)
    run_program([*SETTINGS, "sweep"], store.environment, tmp_path)
    assert_settled(store.s3, SOURCE, DESTINATION, tmp_path)
    asked = sum(store.s3.counts().values())
    run_program([*SETTINGS, "sweep"], store.environment, tmp_path)
    assert rows(tmp_path, "SELECT planned FROM migration_batches WHERE id = 2") == [(0,)]
    assert sum(store.s3.counts().values()) <= asked + 10


@pytest.mark.parametrize("quirk", sorted(UNLISTABLE))
def test_a_listing_that_contradicts_itself_fails_the_sweep(store: World, tmp_path: Path, quirk: str) -> None:
    """The sweep does not end as completed; exit code 3 and a sentence that names the bucket."""
    store.s3.fill(SOURCE, 1200, size=20)
    make_odd(store, quirk)
    done = run_program(["sweep"], store.environment, tmp_path, expect=3)
    assert UNLISTABLE[quirk] in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "completed" not in [status for (status,) in rows(tmp_path, "SELECT status FROM migration_batches")]
    assert_counted(tmp_path)


def test_a_class_that_the_store_does_not_know_is_said(store: World, tmp_path: Path) -> None:
    """The object arrives in the store's own class, its row says so, and it is not moved again for that."""
    put_documents(store)
    make_odd(store, "standard_class_only")
    for _ in range(2):
        run_program([*SETTINGS, "sweep"], store.environment, tmp_path)
    [difference] = store.s3.differences(SOURCE, DESTINATION)
    assert (difference["key"], difference["field"]) == ("rare", "storage_class")
    [(message,)] = rows(tmp_path, "SELECT message FROM document_logs WHERE file_key = 'rare'")
    assert "not kept, as the destination refuses it: the storage class" in message
    assert_counted(tmp_path)


@pytest.mark.parametrize("method", ["auto", "streaming"])
def test_tags_that_the_store_does_not_keep_are_said_and_counted(
    store: World, tmp_path: Path, method: str
) -> None:
    """A tagged object arrives without its tags; its row, a warning and the summary say so; all others are whole."""
    put_documents(store)
    make_odd(store, "no_tagging")
    done = run_program(
        [*SETTINGS, "--set", f"transfer.method={method}", "sweep"], JSON | store.environment, tmp_path
    )
    lost = {one["key"] for one in store.s3.differences(SOURCE, DESTINATION)}
    assert {one["field"] for one in store.s3.differences(SOURCE, DESTINATION)} <= {"tags"}
    assert lost <= {"tagged", "large and tagged"}
    assert lost or method == "auto"
    told = [
        event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "object.reduced"
    ]
    assert {(event["key"], *event["properties"]) for event in told} == {(key, "tags") for key in lost}
    assert {event["level"] for event in told} <= {"warning"}
    messages = "SELECT file_key FROM document_logs WHERE message LIKE '%destination refuses it: the tags%'"
    assert {key for (key,) in rows(tmp_path, messages)} == lost
    [summary] = (tmp_path / "logs").glob("*.log")
    assert (f"- Property not preserved (tags): {len(lost)} files" in summary.read_text()) == bool(lost)
    assert_counted(tmp_path)


def test_control_characters_in_keys_are_read_from_a_store_that_does_not_encode_them(
    store: World, tmp_path: Path
) -> None:
    """XML cannot carry them, and some stores write them all the same: the objects arrive under their own keys."""
    keys = ["bell\x07", "a", "carriage\rreturn", "tab\tand\nline", "\ufffe", "private\ue000"]
    store.s3.put_objects(SOURCE, [{"key": key, "body": key.encode(), "age": 86_400} for key in keys])
    make_odd(store, "no_url_encoding")
    for _ in range(2):
        run_program(["sweep"], store.environment, tmp_path)
    assert not store.s3.differences(SOURCE, DESTINATION)
    assert rows(tmp_path, "SELECT planned FROM migration_batches") == [(len(keys),), (0,)]


@pytest.mark.parametrize("more_quirks", [[], ["no_url_encoding"]])
def test_a_key_that_no_request_can_name_stops_no_other_object(
    world: World, tmp_path: Path, more_quirks: list[str]
) -> None:
    """It is skipped with its reason, in log, summary and exit code, until a filter leaves it out; in both listings."""
    world.s3.fill(SOURCE, 40, size=100)
    for bucket in (SOURCE, DESTINATION):
        world.s3.configure_bucket(bucket, quirks=["unusable_keys", *more_quirks])
    done = run_program(["sweep"], JSON | world.environment, tmp_path, expect=1)
    told = [
        event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "object.skipped"
    ]
    assert [(event["key"][:8], event["code"]) for event in told] == [
        ("\\xff\\xfe", "unusable_key"),
        ("zzzzzzzz", "unusable_key"),
    ]
    assert not world.s3.differences(SOURCE, DESTINATION)
    assert rows(tmp_path, "SELECT listed, skipped, succeeded, status FROM migration_batches") == [
        (42, 2, 40, "completed")
    ]
    [summary] = (tmp_path / "logs").glob("*.log")
    assert "Skipped (unusable_key): 2" in summary.read_text()
    excluded = ["--set", "filter.exclude=['zzz*', '*xfe']"]
    run_program([*excluded, "sweep"], world.environment, tmp_path)


def test_a_store_that_stores_less_than_it_was_sent_is_not_believed(world: World, tmp_path: Path) -> None:
    """Streamed objects end as errors though each write was answered with 200, and no short copy is left."""
    put_documents(world)
    world.forbid_copies()
    world.s3.configure_bucket(DESTINATION, quirks=["stores_less", "no_checksums"])
    attempts = ["--set", "transfer.max_attempts=2"]
    run_program([*SETTINGS, *attempts, "sweep"], world.environment, tmp_path, expect=1)
    assert {one["size"] for one in world.s3.objects(DESTINATION)} == {0}
    codes = rows(tmp_path, "SELECT DISTINCT error_code FROM document_logs WHERE size_bytes > 0")
    assert codes == [("VerificationError",)]
    assert_counted(tmp_path)


def test_a_store_that_confirms_what_it_does_not_keep_is_noticed(world: World, tmp_path: Path) -> None:
    """At some objects only: by the size in the next listing. From then on it is asked about each object."""
    world.forbid_copies()
    world.s3.fill(SOURCE, 40, size=100)
    world.s3.add_fault("keeps_less", key="0000002*")
    # One after the other: the first object is looked at in any case, and is kept whole.
    one_thread = ["--set", "transfer.processes=1", "--set", "transfer.threads=1"]
    more = [*one_thread, "--set", "sweep.retry_wait=0s", "--set", "transfer.max_attempts=1"]
    run_program([*SETTINGS, *more, "sweep"], world.environment, tmp_path)
    world.s3.put_objects(SOURCE, [{"key": key, "body": b"new"} for key in ("0", "0000002x")])
    run_program([*SETTINGS, *more, "sweep"], world.environment, tmp_path, expect=1)
    errors = "SELECT error_code, COUNT(*) FROM document_logs WHERE status = 'error' GROUP BY 1"
    assert rows(tmp_path, errors) == [("VerificationError", 11)]
    assert_counted(tmp_path)
    world.s3.clear_faults()
    run_program([*SETTINGS, *more, "sweep"], world.environment, tmp_path)
    assert world.s3.differences(SOURCE, DESTINATION) == []


@pytest.fixture(scope="module")
def other_store() -> Iterator[Simulator]:
    """A second store, with an endpoint of its own."""
    with Simulator() as running:
        yield running


@pytest.fixture
def apart(world: World, other_store: Simulator) -> Iterator[dict[str, str]]:
    """The environment with the destination in the second store, which has a bucket of the source's name, too."""
    key = other_store.add_key(DESTINATION_ACCOUNT, "user/mover", [{"Statement": EVERYTHING}])
    for name in (SOURCE, DESTINATION):
        other_store.create_bucket(name, DESTINATION_ACCOUNT)
    yield world.environment | {
        "DST_ENDPOINT_URL": other_store.endpoint,
        "DST_ACCESS_KEY": key.access_key,
        "DST_SECRET_KEY": key.secret_key,
    }
    other_store.clear_log()
    for name in (SOURCE, DESTINATION):
        other_store.remove_bucket(name)


def contents(store: Simulator, bucket: str) -> dict[str, object]:
    """Return what must arrive of each object."""
    return {one["key"]: (one["content"], one["headers"], one["metadata"]) for one in store.objects(bucket)}


@pytest.mark.parametrize("method", ["auto", "streaming"])
def test_between_two_stores_objects_are_streamed(
    world: World, other_store: Simulator, apart: dict[str, str], tmp_path: Path, method: str
) -> None:
    """No copy is tried, whose names could mean another bucket's objects; it is said once."""
    put_documents(world)
    other_store.put_objects(
        SOURCE, [{"key": "empty", "body": b""}, {"key": "tagged", "body": b"x", "metadata": {"not": "ours"}}]
    )
    done = run_program([*SETTINGS, "--set", f"transfer.method={method}", "sweep"], JSON | apart, tmp_path)
    assert contents(other_store, DESTINATION) == contents(world.s3, SOURCE)
    assert "CopyObject" not in {name.partition(":")[0] for name in other_store.counts()}
    assert rows(tmp_path, "SELECT DISTINCT method, status FROM document_logs") == [("streaming", "success")]
    told = [json.loads(line) for line in done.stdout.splitlines() if '"object.fallback"' in line]
    assert [event["code"] for event in told] == (["DifferentStores"] if method == "auto" else [])


@pytest.mark.parametrize(
    ("method", "message"),
    [("auto", "not possible, so objects will be streamed"), ("streaming", "not needed: transfer.method is")],
)
def test_check_tries_no_copy_that_a_sweep_does_not_make(
    world: World, other_store: Simulator, apart: dict[str, str], tmp_path: Path, method: str, message: str
) -> None:
    """Between two stores, or under `streaming`, no permission to copy is missing."""
    put_documents(world)
    done = run_program(["--set", f"transfer.method={method}", "check"], apart, tmp_path)
    [line] = [one for one in done.stdout.splitlines() if "server-side copy" in one]
    assert message in line
    assert "CopyObject" not in {name.partition(":")[0] for name in other_store.counts()}


def test_a_copy_between_two_stores_cannot_be_demanded(apart: dict[str, str], tmp_path: Path) -> None:
    """`server_side_copy` with two stores is an error in the settings."""
    done = run_program(["--set", "transfer.method=server_side_copy", "sweep"], apart, tmp_path, expect=2)
    assert "transfer.method: server_side_copy is not possible between two stores" in done.stderr


@pytest.mark.parametrize(
    ("quirk", "code", "streamed"),
    [
        ("marker_copies_404", "NoSuchKey", {f"dir/{n}/" for n in range(6)}),
        ("multipart_copies_412", "PreconditionFailed", {f"parts/{n}" for n in range(6)}),
        ("copies_fail", "InternalError", None),
    ],
)
def test_what_a_store_cannot_copy_is_streamed(
    world: World, tmp_path: Path, quirk: str, code: str, streamed: set[str] | None
) -> None:
    """The source is asked whether the object is there: it is neither skipped nor failed, and others are copied."""
    world.s3.put_objects(SOURCE, [{"key": f"dir/{n}/", "body": b""} for n in range(6)])
    world.s3.put_objects(SOURCE, [{"key": f"plain/{n}", "body": b"x"} for n in range(6)])
    world.s3.put_objects(SOURCE, [{"key": f"parts/{n}", "size": 17 * MIB} for n in range(6)])
    make_odd(world, quirk)
    done = run_program(
        [*SETTINGS, "--set", "sweep.retry_wait=0s", "sweep"], JSON | world.environment, tmp_path
    )
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
    by_streaming = {
        key for (key,) in rows(tmp_path, "SELECT file_key FROM document_logs WHERE method = 'streaming'")
    }
    assert by_streaming == (streamed or {entry["key"] for entry in world.s3.objects(SOURCE)})
    events = [json.loads(line) for line in done.stdout.splitlines()]
    told = {(event["key"], event["code"]) for event in events if event["event"] == "object.fallback"}
    assert told == {(key, code) for key in by_streaming}
    assert "object.skipped" not in {event["event"] for event in events}


NAMES = ["documents", "other"]


@pytest.fixture(params=NAMES)
def tenants(request: pytest.FixtureRequest, simulator: Simulator) -> Iterator[tuple[World, dict[str, str]]]:
    """A store with a namespace per account, where both have buckets of both names; the destination is either."""
    policies = [{"Statement": EVERYTHING}]
    keys = [
        simulator.add_key(account, "user/u", policies) for account in (SOURCE_ACCOUNT, DESTINATION_ACCOUNT)
    ]
    for account in (SOURCE_ACCOUNT, DESTINATION_ACCOUNT):
        for name in NAMES:
            simulator.create_bucket(f"{account}:{name}", account)
    environment: dict[str, str] = {}
    for side, key, name in zip(("SRC", "DST"), keys, ("documents", request.param), strict=True):
        environment |= {
            f"{side}_BUCKET": name,
            f"{side}_ACCESS_KEY": key.access_key,
            f"{side}_SECRET_KEY": key.secret_key,
            f"{side}_REGION": simulator.region,
            f"{side}_ENDPOINT_URL": simulator.endpoint,
        }
    yield World(simulator, *keys), environment
    simulator.clear_log()
    for account in (SOURCE_ACCOUNT, DESTINATION_ACCOUNT):
        for name in NAMES:
            simulator.remove_bucket(f"{account}:{name}")


@pytest.mark.parametrize("lookalike", [False, True])
def test_a_bucket_of_the_same_name_is_not_copied_from_or_into(
    tenants: tuple[World, dict[str, str]], tmp_path: Path, lookalike: bool
) -> None:
    """Objects of that name and content with other metadata are not taken; all arrive with their own, by streaming."""
    world, environment = tenants
    ours = f"{SOURCE_ACCOUNT}:documents"
    destination = f"{DESTINATION_ACCOUNT}:{environment['DST_BUCKET']}"
    bystanders = {f"{account}:{name}" for account in (SOURCE_ACCOUNT, DESTINATION_ACCOUNT) for name in NAMES}
    bystanders -= {ours, destination}
    keys = [f"k{n:02}" for n in range(40)]
    world.s3.put_objects(ours, [{"key": key, "body": b"x", "metadata": {"of": "us"}} for key in keys])
    if lookalike:
        for bucket in bystanders:
            world.s3.put_objects(
                bucket, [{"key": key, "body": b"x", "metadata": {"of": "them"}} for key in keys]
            )
    before = {bucket: contents(world.s3, bucket) for bucket in (ours, *bystanders)}
    checked = run_program(["check"], environment, tmp_path)
    assert "not possible, so objects will be streamed: under the bucket's name" in checked.stdout
    two = "✅ source and destination: two buckets, although they have one name" in checked.stdout
    assert two is (environment["DST_BUCKET"] == "documents")
    done = run_program(["--set", "transfer.processes=2", "sweep"], JSON | environment, tmp_path)
    assert contents(world.s3, destination) == before[ours]
    assert {bucket: contents(world.s3, bucket) for bucket in before} == before
    assert rows(tmp_path, "SELECT DISTINCT method, status FROM document_logs") == [("streaming", "success")]
    told = [json.loads(line) for line in done.stdout.splitlines() if '"object.fallback"' in line]
    # Once, and not by each worker.
    assert [event["code"] for event in told] == ["DifferentBucket"]


def test_one_bucket_by_two_credentials_is_not_moved_onto_itself(world: World, tmp_path: Path) -> None:
    """Settings cannot tell it from two buckets of one name; the sweep does, before it moves anything."""
    everything = grant(DESTINATION_ACCOUNT, SOURCE, "s3:*")
    world.s3.configure_bucket(SOURCE, policy=everything)
    world.s3.put_object(SOURCE, "k", b"x")
    environment = world.environment | {"DST_BUCKET": SOURCE, "DST_PREFIX": "copy/"}
    overlap = "source and destination overlap: both credentials see one bucket"
    assert overlap in run_program(["sweep"], environment, tmp_path, expect=2).stderr
    checked = run_program(["check"], environment, tmp_path, expect=3)
    assert f"❌ source and destination: {overlap}" in checked.stdout
    assert [entry["key"] for entry in world.s3.objects(SOURCE)] == ["k"]


def test_check_says_that_a_store_cannot_copy(world: World, tmp_path: Path) -> None:
    """It is a warning: the objects will be streamed."""
    world.s3.put_object(SOURCE, "dir/", b"")
    make_odd(world, "marker_copies_404")
    done = run_program(["check"], world.environment, tmp_path)
    [line] = [one for one in done.stdout.splitlines() if "server-side copy" in one]
    assert "although the source has the object, so objects will be streamed" in line
