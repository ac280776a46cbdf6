"""Both ways on the simulator: every key, small and in parts, arrives byte- and property-equal."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from s3mover.errors import S3Error, VerificationError
from s3mover.model import BucketAddress, Credentials, Order
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry, no_retry, retry_policy
from s3mover.transfer.method import TransferMethod, TransferResult
from s3mover.transfer.parts import MIB
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.server_side import ServerSideCopy
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.streaming import Streaming
from simulator import Simulator, SimulatorKey
from testkit.keys import ODD_KEYS
from testkit.parts import one_by_one
from testkit.table import ARRIVED

ACCOUNT = "111111111111"
PART = 5 * MIB
POLICY = TransferPolicy(method="auto", part_size=PART, max_attempts=1, largest_copy=PART)

STATUSES = {"AccessDenied": 403, "PreconditionFailed": 412, "NoSuchKey": 404}
Told = dict[str, Any]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


class Field:
    """Two buckets, and both ways between them."""

    def __init__(self, s3: Simulator, key: SimulatorKey) -> None:
        self.s3 = s3
        self._key = key
        self.source, self.destination = self.bucket("from"), self.bucket("to")
        self.features = StoreFeatures(lambda: 0.0)

    def bucket(self, name: str) -> Bucket:
        port = int(self.s3.endpoint.rpartition(":")[2])
        address = BucketAddress(name, "http", "127.0.0.1", port, f"/{name}", self.s3.region)
        credentials = Credentials(self._key.access_key, self._key.secret_key)
        return Bucket(address, lambda: credentials, lambda *_: None)

    def way(self, method: str, policy: TransferPolicy = POLICY, retry: Retry = no_retry) -> TransferMethod:
        if method == "streaming":
            return Streaming(self.source, self.destination, policy, one_by_one, self.features, retry)
        return ServerSideCopy(
            self.source, [self.destination], policy, one_by_one, self.features, lambda: True, retry
        )

    def orders(self) -> list[Order]:
        return [
            Order(
                1,
                number,
                entry.key,
                entry.key,
                entry.size,
                entry.etag,
                entry.last_modified,
                entry.storage_class,
            )
            for page in self.source.list_objects("")
            for number, entry in enumerate(page, 1)
        ]

    def carry_all(self, way: TransferMethod) -> list[TransferResult]:
        """Carry every object, several at once."""

        def transfer(order: Order) -> TransferResult:
            try:
                return way.transfer(order)
            finally:
                self.close()

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(transfer, self.orders()))

    def close(self) -> None:
        self.source.close_thread()
        self.destination.close_thread()


@pytest.fixture
def field(simulator: Simulator) -> Iterator[Field]:
    simulator.create_bucket("from", ACCOUNT)
    simulator.create_bucket("to", ACCOUNT)
    fresh = Field(simulator, simulator.add_key(ACCOUNT))
    yield fresh
    fresh.close()
    simulator.clear_faults()
    simulator.remove_bucket("from")
    simulator.remove_bucket("to")


def small(number: int) -> Told:
    return {"body": b"content %d" % number}


def in_parts(number: int) -> Told:
    return {"size": PART + number, "seed": number}


def adorned(number: int) -> Told:
    """Properties that differ from object to object."""
    return {
        "metadata": {"owner": f"me {number}", "umlaut": "Gr\u00c3\u00bc\u00c3\u009fe"},
        "tags": {"team": f"a&b={number}", "schlüssel": "wert ü"} if number % 3 else {},
        "headers": {"content-type": "text/csv", "content-encoding": "gzip", "cache-control": "no-cache"},
        "storage_class": ("STANDARD", "STANDARD_IA", "GLACIER_IR")[number % 3],
        "redirect": "/elsewhere" if number % 5 == 0 else "",
    }


@pytest.mark.parametrize("content", [small, in_parts])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_every_key_arrives_equal(
    field: Field,
    method: str,
    content: Callable[[int], Told],
    record_property: Callable[[str, object], None],
) -> None:
    """More than a hundred odd keys, each with properties of its own: bytes and properties are the same."""
    told = [{"key": key, **content(n), **adorned(n)} for n, key in enumerate(ODD_KEYS)]
    field.s3.put_objects("from", told)
    arrivals = field.carry_all(field.way(method))
    assert len(arrivals) == len(ODD_KEYS) > 100
    differences = field.s3.differences("from", "to", limit=len(ODD_KEYS))
    different = {one["key"] for one in differences}
    record_property(ARRIVED, [f"{method} {content.__name__}", [key not in different for key in ODD_KEYS]])
    assert differences == []
    assert {arrival.note for arrival in arrivals} == {""}
    assert field.s3.uploads("to") == []


@pytest.mark.parametrize("size", [3, PART + 3])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
@pytest.mark.parametrize("sides", [("kms", ""), ("", "kms"), ("kms", "kms")])
def test_encrypted_buckets_are_no_obstacle(
    field: Field, method: str, size: int, sides: tuple[str, str]
) -> None:
    """With KMS keys ETags tell nothing; the checksum proves the copy."""
    keys = [field.s3.add_kms_key(ACCOUNT) if side else "" for side in sides]
    if keys[1]:
        field.s3.configure_bucket("to", default_kms_key=keys[1])
    field.s3.put_objects("from", [{"key": "k", "size": size, **({"kms_key": keys[0]} if keys[0] else {})}])
    [arrival] = field.carry_all(field.way(method))
    assert field.s3.differences("from", "to", ignoring=["encryption"]) == []
    assert arrival.note == ""


def carried_after(field: Field, way: TransferMethod, most: int) -> tuple[TransferResult, list[str]]:
    """Carry the one object, again after temporary errors; return its arrival and the errors' codes."""
    codes: list[str] = []
    while True:
        try:
            return field.carry_all(way)[0], codes
        except (S3Error, VerificationError) as error:
            codes.append(error.code if isinstance(error, S3Error) else "VerificationError")
            if not error.temporary or len(codes) > most:
                raise


@pytest.mark.parametrize("size", [3, PART + 3])
@pytest.mark.parametrize(
    ("quirk", "attempts"),
    [
        ("trailers_411", 1),
        ("trailers_400", 1),
        ("chunks_501", 2),
        ("stores_chunked_raw", 2),
        ("no_checksums", 0),
    ],
)
def test_stores_without_frames_get_none(field: Field, quirk: str, attempts: int, size: int) -> None:
    """A store that refuses trailers or signed chunks, or stores their frames, is understood after an attempt each."""
    field.s3.configure_bucket("to", quirks=[quirk])
    field.s3.put_object("from", "k", size=size)
    way = field.way("streaming")
    _, codes = carried_after(field, way, attempts)
    assert len(codes) == attempts
    field.carry_all(way)
    assert field.s3.differences("from", "to") == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_what_the_store_cannot_keep_is_said(field: Field, method: str) -> None:
    """A class that the store does not know is left out, and the copy's note says so."""
    field.s3.configure_bucket("to", quirks=["standard_class_only"])
    field.s3.put_object("from", "k", b"x", storage_class="STANDARD_IA")
    way = field.way(method)
    with pytest.raises(S3Error, match="InvalidStorageClass") as refused:
        field.carry_all(way)
    assert refused.value.temporary
    [arrival] = field.carry_all(way)
    assert "the storage class" in arrival.note
    assert arrival.unkept == ("storage_class",)


@pytest.mark.parametrize("size", [3, PART + 3])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_tags_that_the_destination_does_not_take_are_left_out_and_said(
    field: Field, method: str, size: int
) -> None:
    """A store without tagging gets the object without its tags; what protects the bytes is used again."""
    field.s3.put_object("from", "k", size=size, tags={"a": "b"})
    field.s3.configure_bucket("to", quirks=["no_tagging"])
    way = field.way(method)
    if (method, size) == ("server_side_copy", 3):
        with pytest.raises(S3Error, match="NotImplemented"):
            field.carry_all(way)
        return
    arrival, _ = carried_after(field, way, 3)
    assert arrival.unkept == ("tags",)
    assert "the tags" in arrival.note
    assert [feature for feature in Feature if not field.features.has(feature)] == [Feature.TAGS]
    [difference] = field.s3.differences("from", "to")
    assert difference["field"] == "tags"


@pytest.mark.parametrize("size", [3, PART + 3])
def test_tags_that_the_source_does_not_give_are_left_out_and_said(field: Field, size: int) -> None:
    """It says that there are some, and does not know the operation that shows them."""
    field.s3.put_object("from", "k", size=size, tags={"a": "b"})
    field.s3.configure_bucket("from", quirks=["no_tagging"])
    arrival, codes = carried_after(field, field.way("streaming"), 1)
    assert (codes, arrival.unkept) == (["NotImplemented"], ("tags",))


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_an_acl_that_the_bucket_does_not_take_is_left_out_and_said(field: Field, method: str) -> None:
    """A bucket that enforces its owner's ownership has no ACLs."""
    field.s3.put_object("from", "k", b"x")
    way = field.way(method, policy=replace(POLICY, acl="public-read"))
    arrival, codes = carried_after(field, way, 1)
    assert (codes, arrival.unkept) == (["AccessControlListNotSupported"], ("acl",))
    assert arrival.note == "not kept, as the destination refuses it: the ACL"


def test_altered_bytes_are_refused_where_nothing_but_an_md5_is_known(field: Field) -> None:
    """A destination with KMS tells no MD5, and the source no checksum: the destination is told what to expect."""
    field.s3.configure_bucket("from", quirks=["no_checksums"])
    field.s3.configure_bucket("to", default_kms_key=field.s3.add_kms_key(ACCOUNT))
    field.s3.put_object("from", "k", b"0123456789")
    way = field.way("streaming")
    field.s3.add_fault("corrupted_body", operation="GetObject")
    with pytest.raises(S3Error, match="BadDigest") as refused:
        field.carry_all(way)
    assert refused.value.temporary
    assert field.s3.count("to") == 0
    field.s3.clear_faults()
    field.carry_all(way)
    assert field.s3.differences("from", "to", ignoring=["encryption"]) == []


def test_a_copy_that_is_found_to_be_another_object_is_removed(field: Field) -> None:
    """A store that checks nothing kept altered bytes: they do not stay, and the next attempt is made."""
    field.s3.configure_bucket("to", quirks=["no_checksums"])
    field.s3.put_object("from", "k", b"0123456789")
    field.s3.add_fault("corrupted_body", operation="PutObject", times=1)
    way = field.way("streaming")
    with pytest.raises(VerificationError, match="the content differs"):
        field.carry_all(way)
    assert field.s3.count("to") == 0
    field.carry_all(way)
    assert field.s3.differences("from", "to") == []


@pytest.mark.parametrize(
    ("code", "said"), [("AccessDenied", "remove it by hand"), ("PreconditionFailed", ""), ("NoSuchKey", "")]
)
def test_what_cannot_be_removed_is_said(field: Field, code: str, said: str) -> None:
    """A refused removal stands in the error; an object that is gone or another one by now needs none."""
    field.s3.configure_bucket("to", quirks=["no_checksums"])
    field.s3.put_object("from", "k", b"0123456789")
    field.s3.add_fault("corrupted_body", operation="PutObject", times=1)
    field.s3.add_fault("refusal", operation="DeleteObject", code=code, status=STATUSES[code])
    with pytest.raises(VerificationError, match="the content differs") as wrong:
        field.carry_all(field.way("streaming"))
    assert said in str(wrong.value)
    assert ("could not be removed" in str(wrong.value)) == bool(said)


@pytest.mark.parametrize("size", [1000, PART + 1000])
def test_bytes_altered_on_the_way_never_arrive(field: Field, size: int) -> None:
    """A bit that is inverted in what is read, or in what is written, is noticed by the checksum."""
    field.s3.put_object("from", "k", size=size)
    way = field.way("streaming")
    for operation in ("GetObject", "PutObject", "UploadPart"):
        fault = field.s3.add_fault("corrupted_body", operation=operation, times=1)
        if operation == ("UploadPart" if size < PART else "PutObject"):
            field.s3.clear_faults(fault)
            continue
        with pytest.raises((S3Error, VerificationError)):
            field.carry_all(way)
        field.s3.clear_faults(fault)
        assert field.s3.count("to") == 0
    field.carry_all(way)
    assert field.s3.differences("from", "to") == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_an_upload_whose_beginning_was_never_answered_is_given_up(field: Field, method: str) -> None:
    """Nobody knows its id; one that has parts is somebody else's and stays."""
    field.s3.put_object("from", "k", size=PART + 10)
    foreign = field.destination.create_upload("k", {})
    field.destination.upload_part("k", foreign, 1, io.BytesIO(b"x").readinto, 1)
    other = field.destination.create_upload("k2", {})
    field.s3.add_fault("reset_after", operation="CreateMultipartUpload", times=1)
    with pytest.raises(S3Error, match="ConnectionError"):
        field.carry_all(field.way(method))
    assert {upload["id"] for upload in field.s3.uploads("to")} == {foreign, other}


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_an_object_whose_completion_was_never_answered_is_made_anew(field: Field, method: str) -> None:
    """Asked again, the store no longer knows the upload: that is worth another attempt, and no proof of anything."""
    field.s3.put_object("from", "k", size=PART + 10)
    field.s3.add_fault("reset_after", operation="CompleteMultipartUpload", times=1)
    way = field.way(method, retry=retry_policy(2, lambda _: True))
    with pytest.raises(S3Error, match="NoSuchUpload") as lost:
        field.carry_all(way)
    assert lost.value.temporary
    field.carry_all(way)
    assert field.s3.differences("from", "to") == []
    assert field.s3.uploads("to") == []


@pytest.mark.parametrize(("method", "size"), [("server_side_copy", PART + 10), ("streaming", 10)])
def test_a_copy_that_is_not_there_is_no_success_and_no_vanished_source(
    field: Field, method: str, size: int
) -> None:
    """A destination that took an object and does not have it is not believed."""
    field.s3.configure_bucket("to", quirks=["no_checksums"], default_kms_key=field.s3.add_kms_key(ACCOUNT))
    field.s3.put_object("from", "k", size=size)
    field.s3.add_fault("refusal", operation="HeadObject", bucket="to", code="NoSuchKey", status=404)
    with pytest.raises(VerificationError, match="does not have it"):
        field.carry_all(field.way(method))


@pytest.mark.parametrize("size", [10, PART + 10])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_changed_source_is_not_copied(field: Field, method: str, size: int) -> None:
    """What changed since it was listed is refused with 412 on every way, and nothing is left behind."""
    field.s3.put_object("from", "k", size=size, seed=1)
    [order] = field.orders()
    field.s3.put_object("from", "k", size=size, seed=2)
    with pytest.raises(S3Error, match="PreconditionFailed"):
        field.way(method).transfer(order)
    assert field.s3.count("to") == 0
    assert field.s3.uploads("to") == []


@pytest.mark.parametrize("size", [10, PART + 10])
@pytest.mark.parametrize("quirk", ["ignores_copy_source_if_match", "ignores_part_copy_if_match"])
def test_a_store_that_ignores_the_pin_is_not_believed(field: Field, quirk: str, size: int) -> None:
    """Where the pin is ignored, the copy of another version is noticed."""
    field.s3.configure_bucket("to", quirks=[quirk])
    field.s3.configure_bucket("from", quirks=[quirk])
    field.s3.put_object("from", "k", size=size, seed=1)
    [order] = field.orders()
    field.s3.put_object("from", "k", size=size, seed=2)
    with pytest.raises((S3Error, VerificationError)):
        field.way("server_side_copy").transfer(order)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("CopyObject", "error_in_200"),
        ("UploadPartCopy", "error_in_200"),
        ("CompleteMultipartUpload", "error_in_200"),
    ],
)
def test_a_200_with_an_error_is_no_success(field: Field, operation: str, kind: str) -> None:
    """The body decides, not the status; an upload that was begun is aborted."""
    field.s3.put_object("from", "k", size=10 if operation == "CopyObject" else PART + 10)
    field.s3.add_fault(kind, operation=operation, times=1)
    way = field.way("server_side_copy")
    with pytest.raises(S3Error) as error:
        field.carry_all(way)
    assert error.value.temporary
    assert field.s3.uploads("to") == []
    field.carry_all(way)
    assert field.s3.differences("from", "to") == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_object_lock_settings_are_kept_where_permitted(field: Field, method: str) -> None:
    """A retention travels to a bucket with Object Lock; elsewhere the copy is made without, and says so."""
    field.s3.create_bucket("locked", ACCOUNT, object_lock=True, versioning="Enabled")
    try:
        lock = {"mode": "GOVERNANCE", "until": "2100-01-01T00:00:00Z", "legal_hold": True}
        field.s3.put_object("locked", "k", b"x", lock=lock)
        field.source = field.bucket("locked")
        way = field.way(method)
        arrival, _ = carried_after(field, way, 3)
        assert "the Object Lock settings" in arrival.note
        assert arrival.unkept == ("object_lock",)
        # What protects the bytes was suspected, and is used again.
        assert [feature for feature in Feature if not field.features.has(feature)] == [Feature.OBJECT_LOCK]
        field.s3.create_bucket("locked-too", ACCOUNT, object_lock=True, versioning="Enabled")
        field.destination, field.features = field.bucket("locked-too"), StoreFeatures(lambda: 0.0)
        [arrival] = field.carry_all(field.way(method))
        assert arrival.note == ""
        assert field.s3.differences("locked", "locked-too") == []
    finally:
        field.s3.remove_bucket("locked")
        field.s3.remove_bucket("locked-too")
