"""Conditional requests, where moto is of no help: copies, conditional deletes, conditional completion."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.conftest import MakeBucket
from tests.simulator.refusal import refused

Client = Any
OTHER = '"0123456789abcdef0123456789abcdef"'
HELLO = '"5d41402abc4b2a76b9719d911017c592"'
LATER, EARLIER = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def hello(simulator: Simulator, bucket: str) -> str:
    """A bucket with one object `a`."""
    simulator.put_object(bucket, "a", b"hello")
    return bucket


@pytest.mark.parametrize(
    ("condition", "passes"),
    [
        ({"CopySourceIfMatch": HELLO}, True),
        ({"CopySourceIfMatch": HELLO.strip('"')}, True),
        ({"CopySourceIfMatch": OTHER}, False),
        ({"CopySourceIfNoneMatch": OTHER}, True),
        ({"CopySourceIfNoneMatch": HELLO}, False),
        ({"CopySourceIfUnmodifiedSince": LATER}, True),
        ({"CopySourceIfUnmodifiedSince": EARLIER}, False),
        ({"CopySourceIfModifiedSince": EARLIER}, True),
        ({"CopySourceIfModifiedSince": LATER}, False),
        ({"CopySourceIfMatch": HELLO, "CopySourceIfUnmodifiedSince": EARLIER}, True),
        ({"CopySourceIfNoneMatch": HELLO, "CopySourceIfModifiedSince": EARLIER}, False),
        ({"CopySourceIfNoneMatch": OTHER, "CopySourceIfModifiedSince": LATER}, True),
        ({"IfNoneMatch": "*"}, True),
        ({"IfMatch": HELLO}, False),
    ],
)
def test_a_copy_keeps_its_conditions(
    owner: Client, hello: str, condition: dict[str, Any], passes: bool
) -> None:
    """A pinned source that is another is refused with 412, on CopyObject and on UploadPartCopy."""
    copy = {"Bucket": hello, "Key": "b", "CopySource": f"{hello}/a", **condition}
    part = {name: value for name, value in copy.items() if name not in ("IfMatch", "IfNoneMatch")}
    upload = owner.create_multipart_upload(Bucket=hello, Key="b")["UploadId"]
    part |= {"UploadId": upload, "PartNumber": 1}
    if passes:
        owner.copy_object(**copy)
        owner.upload_part_copy(**part)
    elif "IfMatch" in condition:
        assert refused(owner.copy_object, **copy) == "NoSuchKey"
    else:
        assert refused(owner.copy_object, **copy) == "PreconditionFailed"
        assert refused(owner.upload_part_copy, **part) == "PreconditionFailed"


def test_a_copy_does_not_replace_what_must_not_be_there(owner: Client, hello: str) -> None:
    """If-None-Match on CopyObject is judged by the destination."""
    copy = {"Bucket": hello, "Key": "b", "CopySource": f"{hello}/a"}
    owner.copy_object(**copy, IfNoneMatch="*")
    assert refused(owner.copy_object, **copy, IfNoneMatch="*") == "PreconditionFailed"
    owner.copy_object(**copy, IfMatch=HELLO)
    assert refused(owner.copy_object, **copy, IfMatch=OTHER) == "PreconditionFailed"


def test_an_upload_completes_only_under_its_condition(owner: Client, hello: str) -> None:
    """If-None-Match on CompleteMultipartUpload leaves the upload and the object as they were."""
    upload = {"Bucket": hello, "Key": "a"}
    upload["UploadId"] = owner.create_multipart_upload(**upload)["UploadId"]
    etag = owner.upload_part(PartNumber=1, Body=b"x", **upload)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    complete = owner.complete_multipart_upload
    assert refused(complete, MultipartUpload=parts, IfNoneMatch="*", **upload) == "PreconditionFailed"
    owner.complete_multipart_upload(MultipartUpload=parts, IfMatch=HELLO, **upload)


def test_only_the_named_object_is_deleted(owner: Client, hello: str) -> None:
    """If-Match on DeleteObject spares an object that has changed."""
    assert refused(owner.delete_object, Bucket=hello, Key="a", IfMatch=OTHER) == "PreconditionFailed"
    assert refused(owner.delete_object, Bucket=hello, Key="none", IfMatch=OTHER) == "NoSuchKey"
    owner.delete_object(Bucket=hello, Key="a", IfMatch=HELLO)
    assert refused(owner.head_object, Bucket=hello, Key="a") == "404"


def test_a_mass_deletion_judges_each_etag(simulator: Simulator, owner: Client, hello: str) -> None:
    """An ETag per key of DeleteObjects spares the changed ones and says so."""
    simulator.put_object(hello, "b", b"hello")
    objects = [{"Key": "a", "ETag": HELLO}, {"Key": "b", "ETag": OTHER}, {"Key": "c", "ETag": OTHER}]
    answer = owner.delete_objects(Bucket=hello, Delete={"Objects": objects})
    assert [one["Key"] for one in answer["Deleted"]] == ["a"]
    said = {one["Key"]: one["Code"] for one in answer["Errors"]}
    assert said == {"b": "PreconditionFailed", "c": "NoSuchKey"}
    assert [one["key"] for one in simulator.objects(hello)] == ["b"]


def test_a_mass_deletion_takes_a_thousand_keys(owner: Client, bucket: str) -> None:
    """1,001 keys are refused whole; quiet answers name failures only."""
    objects = [{"Key": str(number)} for number in range(1001)]
    delete = owner.delete_objects
    assert refused(delete, Bucket=bucket, Delete={"Objects": objects}) == "MalformedXML"
    answer = delete(Bucket=bucket, Delete={"Objects": objects[:1000], "Quiet": True})
    assert "Deleted" not in answer
    assert "Errors" not in answer


@pytest.mark.parametrize(
    ("quirk", "request_", "arguments"),
    [
        ("ignores_copy_source_if_match", "copy_object", {"CopySource": "{}/a", "CopySourceIfMatch": OTHER}),
        ("ignores_write_conditions", "put_object", {"Body": b"", "IfMatch": OTHER}),
        ("ignores_delete_conditions", "delete_object", {"IfMatch": OTHER}),
    ],
)
def test_a_store_can_ignore_conditions(
    simulator: Simulator,
    owner: Client,
    make_bucket: MakeBucket,
    quirk: str,
    request_: str,
    arguments: dict[str, Any],
) -> None:
    """The quirks do what stores in the field do: as if nothing had been asked."""
    odd = make_bucket(quirks=[quirk])
    simulator.put_object(odd, "a", b"hello")
    simulator.put_object(odd, "b", b"hello")
    told = {name: one.format(odd) if isinstance(one, str) else one for name, one in arguments.items()}
    getattr(owner, request_)(Bucket=odd, Key="b", **told)
