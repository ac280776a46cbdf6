"""Both methods on the simulator: every key, small and in parts, arrives byte- and property-equal."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from s3mover.errors import S3Error, VerificationError
from s3mover.model import BucketAddress, Credentials, Order
from s3mover.s3.bucket import Bucket, Timeouts
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
from testkit.report_tables import ARRIVED

ACCOUNT = "111111111111"
PART = 5 * MIB
POLICY = TransferPolicy(method="auto", part_size=PART, max_attempts=1, largest_copy=PART)

STATUSES = {"AccessDenied": 403, "PreconditionFailed": 412, "NoSuchKey": 404}
Properties = dict[str, Any]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


class Stores:
    """Two buckets, and both methods between them."""

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

    def transfer_method(
        self, method: str, policy: TransferPolicy = POLICY, retry: Retry = no_retry
    ) -> TransferMethod:
        if method == "streaming":
            return Streaming(self.source, self.destination, policy, one_by_one, self.features, retry)
        return ServerSideCopy(
            self.source, [self.destination], policy, one_by_one, self.features, lambda _: True, retry
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

    def transfer_all(self, transfer_method: TransferMethod) -> list[TransferResult]:
        """Transfer every object, several at once."""

        def transfer(order: Order) -> TransferResult:
            try:
                return transfer_method.transfer(order)
            finally:
                self.close()

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(transfer, self.orders()))

    def close(self) -> None:
        self.source.close_thread()
        self.destination.close_thread()


@pytest.fixture
def stores(simulator: Simulator) -> Iterator[Stores]:
    simulator.create_bucket("from", ACCOUNT)
    simulator.create_bucket("to", ACCOUNT)
    fresh = Stores(simulator, simulator.add_key(ACCOUNT))
    yield fresh
    fresh.close()
    simulator.clear_faults()
    simulator.remove_bucket("from")
    simulator.remove_bucket("to")


def small(number: int) -> Properties:
    return {"body": b"content %d" % number}


def in_parts(number: int) -> Properties:
    return {"size": PART + number, "seed": number}


def properties(number: int) -> Properties:
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
    stores: Stores,
    method: str,
    content: Callable[[int], Properties],
    record_property: Callable[[str, object], None],
) -> None:
    """More than a hundred odd keys, each with properties of its own: bytes and properties are the same."""
    contents = [{"key": key, **content(n), **properties(n)} for n, key in enumerate(ODD_KEYS)]
    stores.s3.put_objects("from", contents)
    results = stores.transfer_all(stores.transfer_method(method))
    assert len(results) == len(ODD_KEYS) > 100
    differences = stores.s3.differences("from", "to", limit=len(ODD_KEYS))
    different = {one["key"] for one in differences}
    record_property(ARRIVED, [f"{method} {content.__name__}", [key not in different for key in ODD_KEYS]])
    assert differences == []
    assert {result.note for result in results} == {""}
    assert stores.s3.uploads("to") == []


@pytest.mark.parametrize("size", [3, PART + 3])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
@pytest.mark.parametrize("sides", [("kms", ""), ("", "kms"), ("kms", "kms")])
def test_objects_of_encrypted_buckets_are_verified(
    stores: Stores, method: str, size: int, sides: tuple[str, str]
) -> None:
    """With KMS keys ETags are not MD5s; the checksum proves the copy."""
    keys = [stores.s3.add_kms_key(ACCOUNT) if side else "" for side in sides]
    if keys[1]:
        stores.s3.configure_bucket("to", default_kms_key=keys[1])
    stores.s3.put_objects("from", [{"key": "k", "size": size, **({"kms_key": keys[0]} if keys[0] else {})}])
    [result] = stores.transfer_all(stores.transfer_method(method))
    assert stores.s3.differences("from", "to", ignoring=["encryption"]) == []
    assert result.note == ""


def transferred_after(
    stores: Stores, transfer_method: TransferMethod, max_errors: int
) -> tuple[TransferResult, list[str]]:
    """Transfer the one object, again after temporary errors; return the result and the errors' codes."""
    codes: list[str] = []
    while True:
        try:
            return stores.transfer_all(transfer_method)[0], codes
        except (S3Error, VerificationError) as error:
            codes.append(error.code if isinstance(error, S3Error) else "VerificationError")
            if not error.temporary or len(codes) > max_errors:
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
def test_stores_without_framing_get_plain_bodies(
    stores: Stores, quirk: str, attempts: int, size: int
) -> None:
    """A store that refuses trailers or signed chunks, or stores their frames, costs one attempt for each."""
    stores.s3.configure_bucket("to", quirks=[quirk])
    stores.s3.put_object("from", "k", size=size)
    transfer_method = stores.transfer_method("streaming")
    _, codes = transferred_after(stores, transfer_method, attempts)
    assert len(codes) == attempts
    stores.transfer_all(transfer_method)
    assert stores.s3.differences("from", "to") == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_property_that_the_store_refuses_is_left_out_and_noted(stores: Stores, method: str) -> None:
    """A class that the store does not know is left out, and the copy's note says so."""
    stores.s3.configure_bucket("to", quirks=["standard_class_only"])
    stores.s3.put_object("from", "k", b"x", storage_class="STANDARD_IA")
    transfer_method = stores.transfer_method(method)
    with pytest.raises(S3Error, match="InvalidStorageClass") as refused:
        stores.transfer_all(transfer_method)
    assert refused.value.temporary
    [result] = stores.transfer_all(transfer_method)
    assert "the storage class" in result.note
    assert result.unkept == ("storage_class",)


@pytest.mark.parametrize("size", [3, PART + 3])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_tags_that_the_destination_does_not_take_are_left_out_and_noted(
    stores: Stores, method: str, size: int
) -> None:
    """A store without tagging gets the object without its tags; the framing that protects the bytes is used again."""
    stores.s3.put_object("from", "k", size=size, tags={"a": "b"})
    stores.s3.configure_bucket("to", quirks=["no_tagging"])
    transfer_method = stores.transfer_method(method)
    if (method, size) == ("server_side_copy", 3):
        with pytest.raises(S3Error, match="NotImplemented"):
            stores.transfer_all(transfer_method)
        return
    result, _ = transferred_after(stores, transfer_method, 4)
    assert result.unkept == ("tags",)
    assert "the tags" in result.note
    lacking = [feature for feature in Feature if not stores.features.has(feature)]
    assert lacking == [Feature.TAG_HEADER, Feature.TAGS]
    [difference] = stores.s3.differences("from", "to")
    assert difference["field"] == "tags"


LONG_TAGS = {f"schlüssel {number}": "ü" * 256 for number in range(10)}


@pytest.mark.parametrize(("tags", "quirks"), [(LONG_TAGS, []), ({"a": "b"}, ["no_tag_header"])])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_tags_that_no_header_carries_are_written_afterwards(
    stores: Stores, method: str, tags: dict[str, str], quirks: list[str]
) -> None:
    """Ten long tags do not fit beside the other headers, and some stores take none in a header."""
    stores.s3.put_object("from", "k", size=PART + 3, tags=tags)
    stores.s3.configure_bucket("to", quirks=quirks)
    result, _ = transferred_after(stores, stores.transfer_method(method), 3 if quirks else 0)
    assert (result.note, result.unkept) == ("", ())
    assert stores.s3.differences("from", "to") == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_copy_whose_tags_cannot_be_written_is_removed(stores: Stores, method: str) -> None:
    """It would pass for a whole one in the next sweep."""
    stores.s3.put_object("from", "k", size=PART + 3, tags=LONG_TAGS)
    stores.s3.add_fault("access_denied", operation="PutObjectTagging")
    with pytest.raises(S3Error, match="PutObjectTagging on to: AccessDenied"):
        stores.transfer_all(stores.transfer_method(method))
    assert stores.s3.count("to") == 0


@pytest.mark.parametrize("size", [3, PART + 3])
def test_tags_that_the_source_does_not_give_are_left_out_and_noted(stores: Stores, size: int) -> None:
    """The source counts tags in its headers, and does not know GetObjectTagging."""
    stores.s3.put_object("from", "k", size=size, tags={"a": "b"})
    stores.s3.configure_bucket("from", quirks=["no_tagging"])
    result, codes = transferred_after(stores, stores.transfer_method("streaming"), 1)
    assert (codes, result.unkept) == (["NotImplemented"], ("tags",))


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_an_acl_that_the_bucket_does_not_take_is_left_out_and_noted(stores: Stores, method: str) -> None:
    """A bucket that enforces its owner's ownership has no ACLs."""
    stores.s3.put_object("from", "k", b"x")
    transfer_method = stores.transfer_method(method, policy=replace(POLICY, acl="public-read"))
    result, codes = transferred_after(stores, transfer_method, 1)
    assert (codes, result.unkept) == (["AccessControlListNotSupported"], ("acl",))
    assert result.note == "not kept, as the destination refuses it: the ACL"


def test_altered_bytes_are_refused_where_nothing_but_an_md5_is_known(stores: Stores) -> None:
    """A destination with KMS has no MD5, and the source no checksum: Content-MD5 is sent."""
    stores.s3.configure_bucket("from", quirks=["no_checksums"])
    stores.s3.configure_bucket("to", default_kms_key=stores.s3.add_kms_key(ACCOUNT))
    stores.s3.put_object("from", "k", b"0123456789")
    transfer_method = stores.transfer_method("streaming")
    stores.s3.add_fault("corrupted_body", operation="GetObject")
    with pytest.raises(S3Error, match="BadDigest") as refused:
        stores.transfer_all(transfer_method)
    assert refused.value.temporary
    assert stores.s3.count("to") == 0
    stores.s3.clear_faults()
    stores.transfer_all(transfer_method)
    assert stores.s3.differences("from", "to", ignoring=["encryption"]) == []


def test_a_copy_that_differs_is_removed(stores: Stores) -> None:
    """A store that checks nothing kept altered bytes: they are removed, and the next attempt succeeds."""
    stores.s3.configure_bucket("to", quirks=["no_checksums"])
    stores.s3.put_object("from", "k", b"0123456789")
    stores.s3.add_fault("corrupted_body", operation="PutObject", times=1)
    transfer_method = stores.transfer_method("streaming")
    with pytest.raises(VerificationError, match="the content differs"):
        stores.transfer_all(transfer_method)
    assert stores.s3.count("to") == 0
    stores.transfer_all(transfer_method)
    assert stores.s3.differences("from", "to") == []


@pytest.mark.parametrize(
    ("code", "said"), [("AccessDenied", "remove it by hand"), ("PreconditionFailed", ""), ("NoSuchKey", "")]
)
def test_a_copy_that_cannot_be_removed_is_reported(stores: Stores, code: str, said: str) -> None:
    """A refused removal is part of the error; an object that is gone or replaced by now needs none."""
    stores.s3.configure_bucket("to", quirks=["no_checksums"])
    stores.s3.put_object("from", "k", b"0123456789")
    stores.s3.add_fault("corrupted_body", operation="PutObject", times=1)
    stores.s3.add_fault("refusal", operation="DeleteObject", code=code, status=STATUSES[code])
    with pytest.raises(VerificationError, match="the content differs") as wrong:
        stores.transfer_all(stores.transfer_method("streaming"))
    assert said in str(wrong.value)
    assert ("could not be removed" in str(wrong.value)) == bool(said)


@pytest.mark.parametrize("size", [1000, PART + 1000])
def test_bytes_altered_on_the_way_never_arrive(stores: Stores, size: int) -> None:
    """A bit that is inverted in what is read, or in what is written, is detected by the checksum."""
    stores.s3.put_object("from", "k", size=size)
    transfer_method = stores.transfer_method("streaming")
    for operation in ("GetObject", "PutObject", "UploadPart"):
        # The first GetObject of a large object is for the number of its tags: its byte goes nowhere.
        nth = (2,) if operation == "GetObject" and size > PART else ()
        fault = stores.s3.add_fault("corrupted_body", operation=operation, times=1, nth=nth)
        if operation == ("UploadPart" if size < PART else "PutObject"):
            stores.s3.clear_faults(fault)
            continue
        with pytest.raises((S3Error, VerificationError)):
            stores.transfer_all(transfer_method)
        stores.s3.clear_faults(fault)
        assert stores.s3.count("to") == 0
    stores.transfer_all(transfer_method)
    assert stores.s3.differences("from", "to") == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_an_upload_whose_creation_got_no_response_is_aborted(stores: Stores, method: str) -> None:
    """Its id is unknown; an upload that has parts belongs to another process and stays."""
    stores.s3.put_object("from", "k", size=PART + 10)
    foreign = stores.destination.create_upload("k", {})
    stores.destination.upload_part("k", foreign, 1, io.BytesIO(b"x").readinto, 1)
    other = stores.destination.create_upload("k2", {})
    stores.s3.add_fault("reset_after", operation="CreateMultipartUpload", times=1)
    with pytest.raises(S3Error, match="ConnectionError"):
        stores.transfer_all(stores.transfer_method(method))
    assert {upload["id"] for upload in stores.s3.uploads("to")} == {foreign, other}


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_an_upload_whose_completion_got_no_response_begins_again(stores: Stores, method: str) -> None:
    """Asked again, the store no longer knows the upload: that is a temporary error and proves nothing."""
    stores.s3.put_object("from", "k", size=PART + 10)
    stores.s3.add_fault("reset_after", operation="CompleteMultipartUpload", times=1)
    transfer_method = stores.transfer_method(method, retry=retry_policy(2, lambda _: True))
    with pytest.raises(S3Error, match="NoSuchUpload") as lost:
        stores.transfer_all(transfer_method)
    assert lost.value.temporary
    stores.transfer_all(transfer_method)
    assert stores.s3.differences("from", "to") == []
    assert stores.s3.uploads("to") == []


@pytest.mark.parametrize(("method", "size"), [("server_side_copy", PART + 10), ("streaming", 10)])
def test_a_copy_that_is_not_there_is_neither_a_success_nor_a_vanished_source(
    stores: Stores, method: str, size: int
) -> None:
    """A destination that accepted an object and does not have it is not trusted."""
    stores.s3.configure_bucket("to", quirks=["no_checksums"], default_kms_key=stores.s3.add_kms_key(ACCOUNT))
    stores.s3.put_object("from", "k", size=size)
    stores.s3.add_fault("refusal", operation="HeadObject", bucket="to", code="NoSuchKey", status=404)
    with pytest.raises(VerificationError, match="does not have it"):
        stores.transfer_all(stores.transfer_method(method))


@pytest.mark.parametrize("size", [10, PART + 10])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_changed_source_is_not_copied(stores: Stores, method: str, size: int) -> None:
    """What changed since it was listed is refused with 412 by every method, and nothing is left behind."""
    stores.s3.put_object("from", "k", size=size, seed=1)
    [order] = stores.orders()
    stores.s3.put_object("from", "k", size=size, seed=2)
    with pytest.raises(S3Error, match="PreconditionFailed"):
        stores.transfer_method(method).transfer(order)
    assert stores.s3.count("to") == 0
    assert stores.s3.uploads("to") == []


@pytest.mark.parametrize("size", [10, PART + 10])
@pytest.mark.parametrize("quirk", ["ignores_copy_source_if_match", "ignores_part_copy_if_match"])
def test_a_store_that_ignores_the_pin_is_detected(stores: Stores, quirk: str, size: int) -> None:
    """The copy of another version fails verification."""
    stores.s3.configure_bucket("to", quirks=[quirk])
    stores.s3.configure_bucket("from", quirks=[quirk])
    stores.s3.put_object("from", "k", size=size, seed=1)
    [order] = stores.orders()
    stores.s3.put_object("from", "k", size=size, seed=2)
    with pytest.raises((S3Error, VerificationError)):
        stores.transfer_method("server_side_copy").transfer(order)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("CopyObject", "error_in_200"),
        ("UploadPartCopy", "error_in_200"),
        ("CompleteMultipartUpload", "error_in_200"),
    ],
)
def test_a_200_with_an_error_is_not_a_success(stores: Stores, operation: str, kind: str) -> None:
    """The body decides, not the status; an upload in progress is aborted."""
    stores.s3.put_object("from", "k", size=10 if operation == "CopyObject" else PART + 10)
    stores.s3.add_fault(kind, operation=operation, times=1)
    transfer_method = stores.transfer_method("server_side_copy")
    with pytest.raises(S3Error) as error:
        stores.transfer_all(transfer_method)
    assert error.value.temporary
    assert stores.s3.uploads("to") == []
    stores.transfer_all(transfer_method)
    assert stores.s3.differences("from", "to") == []


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_object_lock_settings_are_kept_where_permitted(stores: Stores, method: str) -> None:
    """A retention is kept in a bucket with Object Lock; elsewhere the copy is made without, and its note says so."""
    stores.s3.create_bucket("locked", ACCOUNT, object_lock=True, versioning="Enabled")
    try:
        lock = {"mode": "GOVERNANCE", "until": "2100-01-01T00:00:00Z", "legal_hold": True}
        stores.s3.put_object("locked", "k", b"x", lock=lock)
        stores.source = stores.bucket("locked")
        transfer_method = stores.transfer_method(method)
        result, _ = transferred_after(stores, transfer_method, 3)
        assert "the Object Lock settings" in result.note
        assert result.unkept == ("object_lock",)
        # Framing was suspected first, and is used again.
        assert [feature for feature in Feature if not stores.features.has(feature)] == [Feature.OBJECT_LOCK]
        stores.s3.create_bucket("locked-too", ACCOUNT, object_lock=True, versioning="Enabled")
        stores.destination, stores.features = stores.bucket("locked-too"), StoreFeatures(lambda: 0.0)
        [result] = stores.transfer_all(stores.transfer_method(method))
        assert result.note == ""
        assert stores.s3.differences("locked", "locked-too") == []
    finally:
        stores.s3.remove_bucket("locked")
        stores.s3.remove_bucket("locked-too")


def test_a_store_with_a_smaller_limit_gets_parts(stores: Stores) -> None:
    """The refused object is copied in parts at once, and the next one without a refusal; nothing is lost of either."""
    stores.s3.configure_bucket("to", quirks=["copy_limit_5e9"])
    for key in "ab":
        stores.s3.put_object("from", key, size=5_000_000_001, metadata={"a": "b"}, tags={"t": "u"})
    policy = replace(POLICY, part_size=1024 * MIB, largest_copy=5 * 1024 * MIB)
    transfer_method = stores.transfer_method("server_side_copy", policy)
    stores.s3.clear_log()
    for order in stores.orders():
        transfer_method.transfer(order)
    assert stores.s3.differences("from", "to") == []
    assert stores.s3.counts("to")["CopyObject:InvalidRequest"] <= 2  # with and without the directive
    assert "CopyObject" not in stores.s3.counts("to")


def test_object_annotations_are_not_copied(stores: Stores) -> None:
    """No right is needed for them; a store that does not know the header gets it once."""
    stores.s3.configure_bucket("to", quirks=["no_annotations"])
    stores.s3.fill("from", 3, size=10)
    stores.s3.clear_log()
    transfer_method = stores.transfer_method("server_side_copy")
    for order in stores.orders():
        transfer_method.transfer(order)
    assert stores.s3.counts("to")["CopyObject:NotImplemented"] == 1
    assert stores.s3.counts("to")["CopyObject"] == 3
    assert stores.s3.differences("from", "to") == []


def test_annotations_are_copied_where_the_settings_say_so(stores: Stores) -> None:
    """The header is not sent."""
    stores.s3.configure_bucket("to", quirks=["no_annotations"])
    stores.s3.put_object("from", "k", b"x")
    stores.s3.clear_log()
    stores.transfer_all(stores.transfer_method("server_side_copy", replace(POLICY, copy_annotations=True)))
    assert "CopyObject:NotImplemented" not in stores.s3.counts("to")


def test_locks_that_a_copy_drops_are_said(stores: Stores) -> None:
    """A store may accept the headers, and not keep them."""
    stores.s3.create_bucket("locked", ACCOUNT, object_lock=True, versioning="Enabled")
    stores.s3.create_bucket(
        "dropping", ACCOUNT, object_lock=True, versioning="Enabled", quirks=["copies_drop_locks"]
    )
    try:
        stores.s3.put_object(
            "locked", "k", b"x", lock={"mode": "GOVERNANCE", "until": "2100-01-01T00:00:00Z"}
        )
        stores.source, stores.destination = stores.bucket("locked"), stores.bucket("dropping")
        [result] = stores.transfer_all(stores.transfer_method("server_side_copy"))
        assert "the Object Lock settings" in result.note
        assert result.unkept == ("object_lock",)
    finally:
        stores.s3.remove_bucket("locked")
        stores.s3.remove_bucket("dropping")


def server_side_copy(stores: Stores, policy: TransferPolicy = POLICY) -> ServerSideCopy:
    """Return the method itself, which can look for a copy."""
    made = stores.transfer_method("server_side_copy", policy)
    assert isinstance(made, ServerSideCopy)
    return made


def test_a_copy_that_was_made_without_an_answer_is_found(stores: Stores) -> None:
    """Made within the time, with the source's content."""
    stores.s3.put_object("from", "k", b"x")
    [order] = stores.orders()
    copies = server_side_copy(stores)
    assert copies.find_copy(order, 60.0) is None
    stores.s3.add_fault("reset_after", operation="CopyObject", times=2)  # sent twice on a kept connection
    with pytest.raises(S3Error):
        copies.transfer(order)
    found = copies.find_copy(order, 60.0)
    assert found is not None
    assert found.etag == order.etag


@pytest.mark.parametrize(
    "there", [{"body": b"x", "age": 3600}, {"body": b"y"}], ids=["older", "other content"]
)
def test_another_object_is_not_taken_for_the_copy(stores: Stores, there: Properties) -> None:
    """An older one may have other metadata."""
    stores.s3.put_object("from", "k", b"x")
    stores.s3.put_object("to", "k", **there)
    [order] = stores.orders()
    assert server_side_copy(stores).find_copy(order, 60.0) is None


def test_large_objects_are_copied_in_parts_after_a_silent_copy(stores: Stores) -> None:
    """A part takes less time."""
    stores.s3.put_object("from", "k", size=2 * PART)
    [order] = stores.orders()
    copies = server_side_copy(stores, replace(POLICY, largest_copy=3 * PART))
    stores.destination._client._timeouts = Timeouts(copy=0.2)
    stores.s3.add_fault("hang", operation="CopyObject")
    with pytest.raises(S3Error, match="Timeout"):
        copies.transfer(order)
    # A part has all the time that it takes on this machine.
    for connection in stores.destination._client._connections():
        connection._timeouts = Timeouts()
    copies.transfer(order)
    assert stores.s3.differences("from", "to") == []
    assert stores.s3.counts("to")["UploadPartCopy"] == 2
