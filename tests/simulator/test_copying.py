"""What a copy keeps and what it does not, and what can't be copied."""

from typing import Any

from simulator import Simulator
from tests.simulator.conftest import MakeBucket
from tests.simulator.refusal import refused

Client = Any
GIB = 1024**3


def test_a_copy_keeps_metadata_and_tags_and_nothing_else(
    simulator: Simulator, owner: Client, bucket: str
) -> None:
    """Storage class, ACL, lock and redirect are S3's defaults again; `differences` names them."""
    kept = {
        "metadata": {"a": "b"},
        "tags": {"c": "d"},
        "headers": {"content-type": "a/b", "cache-control": "x"},
    }
    lost = {
        "storage_class": "STANDARD_IA",
        "acl": "public-read",
        "redirect": "/x",
        "lock": {"legal_hold": True},
    }
    simulator.put_object(bucket, "from/a", b"x", **kept, **lost)
    owner.copy_object(Bucket=bucket, Key="to/a", CopySource=f"{bucket}/from/a")
    found = simulator.differences(bucket, bucket, first_prefix="from/", second_prefix="to/")
    assert {one["field"] for one in found} == {"storage_class", "acl", "redirect", "lock"}
    options = {"first_prefix": "from/", "second_prefix": "to/", "ignoring": list(lost)}
    assert simulator.differences(bucket, bucket, **options) == []


def test_more_than_five_gib_is_not_copied_at_once(simulator: Simulator, owner: Client, bucket: str) -> None:
    """5 GiB are copied, a byte more is refused."""
    simulator.put_object(bucket, "most", size=5 * GIB)
    simulator.put_object(bucket, "more", size=5 * GIB + 1)
    owner.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/most")
    assert refused(owner.copy_object, Bucket=bucket, Key="b", CopySource=f"{bucket}/more") == "InvalidRequest"


def test_the_copy_of_a_multipart_object_has_a_plain_etag(
    simulator: Simulator, owner: Client, bucket: str
) -> None:
    """The ETag changes its kind, the content does not."""
    simulator.put_object(bucket, "a", size=GIB)
    copied = owner.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")["CopyObjectResult"]["ETag"]
    first, second = simulator.objects(bucket)
    assert (first["etag"].endswith("-128"), len(copied.strip('"'))) == (True, 32)
    assert first["content"] == second["content"]


def test_what_is_archived_is_restored_before_it_is_read(
    simulator: Simulator, owner: Client, bucket: str
) -> None:
    """GET and copies of archived objects are refused, HEAD is not; a restore makes them readable."""
    simulator.put_object(bucket, "a", b"cold", storage_class="GLACIER")
    copy = {"Bucket": bucket, "Key": "b", "CopySource": f"{bucket}/a"}
    assert refused(owner.get_object, Bucket=bucket, Key="a") == "InvalidObjectState"
    assert refused(owner.copy_object, **copy) == "InvalidObjectState"
    assert owner.head_object(Bucket=bucket, Key="a")["StorageClass"] == "GLACIER"
    owner.restore_object(Bucket=bucket, Key="a", RestoreRequest={"Days": 1})
    assert owner.get_object(Bucket=bucket, Key="a")["Body"].read() == b"cold"
    owner.copy_object(**copy)


def test_a_version_can_be_copied(owner: Client, make_bucket: MakeBucket) -> None:
    """The copy source may name a version, also one that is no longer current."""
    versioned = make_bucket(versioning="Enabled")
    old = owner.put_object(Bucket=versioned, Key="a", Body=b"old")["VersionId"]
    owner.put_object(Bucket=versioned, Key="a", Body=b"new")
    source = {"Bucket": versioned, "Key": "a", "VersionId": old}
    answer = owner.copy_object(Bucket=versioned, Key="b", CopySource=source)
    assert answer["CopySourceVersionId"] == old
    assert owner.get_object(Bucket=versioned, Key="b")["Body"].read() == b"old"


def test_a_locked_version_is_not_removed(owner: Client, make_bucket: MakeBucket) -> None:
    """Object Lock lets a marker be set, but the version stays."""
    locked = make_bucket(versioning="Enabled", object_lock=True)
    put = {"Bucket": locked, "Key": "a", "Body": b"x"}
    version = owner.put_object(**put, ObjectLockLegalHoldStatus="ON")["VersionId"]
    owner.delete_object(Bucket=locked, Key="a")
    assert refused(owner.delete_object, Bucket=locked, Key="a", VersionId=version) == "AccessDenied"
    assert owner.get_object(Bucket=locked, Key="a", VersionId=version)["ObjectLockLegalHoldStatus"] == "ON"


def test_a_lock_needs_a_bucket_that_has_locks(owner: Client, bucket: str) -> None:
    """Object Lock headers are refused elsewhere."""
    put = {"Bucket": bucket, "Key": "a", "Body": b"x"}
    assert refused(owner.put_object, **put, ObjectLockLegalHoldStatus="ON") == "InvalidRequest"


def test_a_copy_can_be_given_another_checksum(owner: Client, bucket: str) -> None:
    """The algorithm asked for wins over the source's."""
    owner.put_object(Bucket=bucket, Key="a", Body=b"123456789", ChecksumAlgorithm="CRC32")
    copy = {"Bucket": bucket, "Key": "b", "CopySource": f"{bucket}/a"}
    assert owner.copy_object(**copy)["CopyObjectResult"]["ChecksumCRC32"] == "y/Q5Jg=="
    answer = owner.copy_object(**copy, ChecksumAlgorithm="CRC64NVME")
    assert answer["CopyObjectResult"]["ChecksumCRC64NVME"] == "rosUhgp5mIg="
