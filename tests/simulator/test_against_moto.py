"""The same boto3 requests to the simulator and to moto: same fields, same codes, same ETags."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from simulator import SimulatorKey
from tests.simulator.conftest import MakeBucket, boto_client

Client = Any
Answers = list[Any]
Scenario = Callable[["Talk"], None]

VARYING = {
    "LastModified", "UploadId", "VersionId", "CopySourceVersionId", "Location", "Bucket", "Name", "Initiated",
    "Initiator", "Owner", "ResponseMetadata", "Body", "NextContinuationToken", "ContinuationToken",
    "NextVersionIdMarker",
}  # fmt: skip
"""Different in every run, or worded differently."""
NOT_IN_MOTO = {
    "ServerSideEncryption",  # moto encrypts nothing unless asked
    "ChecksumType",  # moto tells it for multipart objects only
    "ChecksumCRC32",  # moto keeps checksums in some operations only
    "AccessPointAlias",
    "EncodingType",
}
"""What moto does not tell, or not always."""


class Talk:
    """A conversation with one server: every answer is kept in a form that can be compared."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self.bucket = bucket
        self.answers: Answers = []

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Make one request in the bucket and keep the answer."""
        try:
            response = getattr(self._client, operation)(**{"Bucket": self.bucket} | arguments)
        except ClientError as error:
            response = error.response
            self.answers.append((operation, response["Error"]["Code"], _status(response)))
            return response
        if "Body" in response:
            response["Bytes"] = response["Body"].read()
        self.answers.append((operation, _status(response), comparable(response)))
        return response


def _status(response: Any) -> int:
    status: int = response["ResponseMetadata"]["HTTPStatusCode"]
    return status


def comparable(value: Any) -> Any:
    """Return an answer without what varies or what moto lacks."""
    if isinstance(value, dict):
        kept = {name: comparable(one) for name, one in value.items() if name not in VARYING | NOT_IN_MOTO}
        return {name: one for name, one in kept.items() if one not in (None, "", [], {})}
    if isinstance(value, list):
        return [comparable(one) for one in value]
    return value


def writing_and_reading(talk: Talk) -> None:
    told = {
        "ContentType": "text/plain",
        "CacheControl": "no-cache",
        "ContentLanguage": "de",
        "Metadata": {"a": "b"},
    }
    talk.ask("put_object", Key="a", Body=b"hello world", Tagging="x=y", **told)
    talk.ask("put_object", Key="empty", Body=b"")
    talk.ask("head_object", Key="a")
    talk.ask("get_object", Key="a")
    talk.ask("get_object", Key="empty")
    talk.ask("get_object", Key="a", Range="bytes=2-4")
    talk.ask("get_object", Key="a", Range="bytes=6-")
    talk.ask("get_object", Key="a", Range="bytes=-3")
    talk.ask("get_object", Key="a", Range="bytes=50-60")
    talk.ask("head_object", Key="missing")
    talk.ask("get_object", Key="missing")


def keys_of_every_kind(talk: Talk) -> None:
    for key in ("a b", "ü/ß", "a+b", "//", "./x", "a//b", "%41", "x&<>\"'", "tab\t", "😀", "folder/"):
        talk.ask("put_object", Key=key, Body=key.encode())
        talk.ask("get_object", Key=key)
        talk.ask("copy_object", Key=f"copy of {key}", CopySource={"Bucket": talk.bucket, "Key": key})
    talk.ask("list_objects_v2")


def conditional_reading(talk: Talk) -> None:
    etag = talk.ask("put_object", Key="a", Body=b"1")["ETag"]
    talk.ask("get_object", Key="a", IfMatch=etag)
    talk.ask("get_object", Key="a", IfMatch='"other"')
    talk.ask("get_object", Key="a", IfNoneMatch=etag)
    talk.ask("get_object", Key="a", IfNoneMatch='"other"')
    talk.ask("head_object", Key="a", IfMatch='"other"')


def conditional_writing(talk: Talk) -> None:
    talk.ask("put_object", Key="a", Body=b"1", IfNoneMatch="*")
    talk.ask("put_object", Key="a", Body=b"2", IfNoneMatch="*")
    talk.ask("get_object", Key="a")


def listing(talk: Talk) -> None:
    for number in range(5):
        talk.ask("put_object", Key=f"p/{number}", Body=b"x" * number)
    talk.ask("put_object", Key="q", Body=b"")
    talk.ask("list_objects_v2")
    talk.ask("list_objects_v2", Prefix="p/")
    talk.ask("list_objects_v2", Prefix="none")
    talk.ask("list_objects_v2", StartAfter="p/2")
    first = talk.ask("list_objects_v2", MaxKeys=2)
    second = talk.ask("list_objects_v2", MaxKeys=2, ContinuationToken=first["NextContinuationToken"])
    talk.ask("list_objects_v2", MaxKeys=2, ContinuationToken=second["NextContinuationToken"])


def tagging(talk: Talk) -> None:
    talk.ask("put_object", Key="a", Body=b"")
    talk.ask("get_object_tagging", Key="a")
    talk.ask("put_object_tagging", Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "v ü"}]})
    talk.ask("get_object_tagging", Key="a")
    talk.ask("delete_object_tagging", Key="a")
    talk.ask("get_object_tagging", Key="a")
    talk.ask("get_object_tagging", Key="missing")


def copying(talk: Talk) -> None:
    source = {"Bucket": talk.bucket, "Key": "a"}
    talk.ask("put_object", Key="a", Body=b"bytes", Metadata={"a": "b"}, Tagging="x=y", ContentType="text/css")
    talk.ask("copy_object", Key="kept", CopySource=source)
    talk.ask("head_object", Key="kept")
    talk.ask("get_object_tagging", Key="kept")
    talk.ask("copy_object", Key="new", CopySource=source, MetadataDirective="REPLACE", Metadata={"c": "d"})
    talk.ask("head_object", Key="new")
    talk.ask("copy_object", Key="tagged", CopySource=source, TaggingDirective="REPLACE", Tagging="n=m")
    talk.ask("get_object_tagging", Key="tagged")
    talk.ask("copy_object", Key="a", CopySource=source)
    talk.ask("copy_object", Key="b", CopySource={"Bucket": talk.bucket, "Key": "missing"})
    talk.ask("copy_object", Key="b", CopySource={"Bucket": f"{talk.bucket}-none", "Key": "missing"})


def deleting(talk: Talk) -> None:
    for key in "ab":
        talk.ask("put_object", Key=key, Body=b"")
    talk.ask("delete_object", Key="a")
    talk.ask("delete_object", Key="a")
    talk.ask("delete_objects", Delete={"Objects": [{"Key": "b"}, {"Key": "missing"}]})
    talk.ask("list_objects_v2")


def multipart(talk: Talk) -> None:
    upload = {
        "Key": "big",
        "UploadId": talk.ask("create_multipart_upload", Key="big", ContentType="a/b")["UploadId"],
    }
    first = talk.ask("upload_part", PartNumber=1, Body=b"1" * 5 * 1024**2, **upload)
    second = talk.ask("upload_part", PartNumber=2, Body=b"2", **upload)
    talk.ask("list_parts", **upload)
    talk.ask("list_multipart_uploads")
    named = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    wrong = [named[0], {"PartNumber": 2, "ETag": '"0123456789abcdef0123456789abcdef"'}]
    talk.ask("complete_multipart_upload", MultipartUpload={"Parts": wrong}, **upload)
    talk.ask("complete_multipart_upload", MultipartUpload={"Parts": named}, **upload)
    talk.ask("head_object", Key="big")
    talk.ask("copy_object", Key="plain", CopySource={"Bucket": talk.bucket, "Key": "big"})
    talk.ask("list_parts", **upload)


def part_copying(talk: Talk) -> None:
    source = {"Bucket": talk.bucket, "Key": "a"}
    talk.ask("put_object", Key="a", Body=bytes(range(256)) * 4 * 5 * 1024)
    upload = {"Key": "big", "UploadId": talk.ask("create_multipart_upload", Key="big")["UploadId"]}
    etags = [
        talk.ask("upload_part_copy", PartNumber=1, CopySource=source, **upload)["CopyPartResult"]["ETag"],
        talk.ask("upload_part_copy", PartNumber=2, CopySource=source, CopySourceRange="bytes=3-99", **upload)[
            "CopyPartResult"
        ]["ETag"],
    ]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    talk.ask("complete_multipart_upload", MultipartUpload={"Parts": parts}, **upload)
    talk.ask("get_object", Key="big", Range="bytes=5242870-5242900")


def parts_too_small(talk: Talk) -> None:
    upload = {"Key": "big", "UploadId": talk.ask("create_multipart_upload", Key="big")["UploadId"]}
    etags = [talk.ask("upload_part", PartNumber=number, Body=b"x", **upload)["ETag"] for number in (1, 2)]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    talk.ask("complete_multipart_upload", MultipartUpload={"Parts": parts}, **upload)
    talk.ask("abort_multipart_upload", **upload)
    talk.ask("list_multipart_uploads")


def the_bucket_itself(talk: Talk) -> None:
    talk.ask("head_bucket")
    talk.ask("get_bucket_location")
    talk.ask("get_bucket_versioning")
    talk.ask("get_bucket_website")
    talk.ask("get_object_lock_configuration")
    missing = f"{talk.bucket}-none"
    talk.ask("head_bucket", Bucket=missing)
    talk.ask("list_objects_v2", Bucket=missing)
    talk.ask("put_object", Bucket=missing, Key="a", Body=b"")


SCENARIOS: list[Scenario] = [
    writing_and_reading, keys_of_every_kind, conditional_reading, conditional_writing, listing, tagging, copying,
    deleting, multipart, part_copying, parts_too_small, the_bucket_itself,
]  # fmt: skip


@pytest.fixture(scope="module")
def moto(moto_url: str) -> Iterator[Client]:
    """Moto as a boto3 client."""
    client = boto_client(moto_url, SimulatorKey("AKIAMOTO", "secret", "", "123456789012", "", None))
    yield client
    client.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_simulator_answers_as_moto_does(
    scenario: Scenario, owner: Client, moto: Client, make_bucket: MakeBucket
) -> None:
    """Every answer of a conversation has the same fields, values, codes and statuses."""
    ours, theirs = Talk(owner, make_bucket()), Talk(moto, f"moto-{uuid4()}")
    moto.create_bucket(Bucket=theirs.bucket)
    for talk in (ours, theirs):
        scenario(talk)
    assert ours.answers == theirs.answers


def test_versions_are_told_as_moto_tells_them(owner: Client, moto: Client, make_bucket: MakeBucket) -> None:
    """Versions, delete markers and their removal have the same shape."""
    ours, theirs = Talk(owner, make_bucket(versioning="Enabled")), Talk(moto, f"moto-{uuid4()}")
    moto.create_bucket(Bucket=theirs.bucket)
    moto.put_bucket_versioning(Bucket=theirs.bucket, VersioningConfiguration={"Status": "Enabled"})
    for talk in (ours, theirs):
        first = talk.ask("put_object", Key="a", Body=b"1")["VersionId"]
        talk.ask("put_object", Key="a", Body=b"22")
        talk.ask("get_object", Key="a", VersionId=first)
        talk.ask("delete_object", Key="a")
        talk.ask("get_object", Key="a")
        talk.ask("list_object_versions")
        talk.ask("delete_object", Key="a", VersionId=first)
        talk.ask("list_object_versions")
        talk.ask("get_object", Key="a", VersionId=first)
    assert ours.answers == theirs.answers


def test_a_bucket_that_locks_or_serves_is_told_as_moto_tells_it(
    owner: Client, moto: Client, make_bucket: MakeBucket
) -> None:
    """Object Lock and website settings, where there are any."""
    ours, theirs = Talk(owner, make_bucket(object_lock=True, website=True)), Talk(moto, f"moto-{uuid4()}")
    moto.create_bucket(Bucket=theirs.bucket, ObjectLockEnabledForBucket=True)
    website = {"IndexDocument": {"Suffix": "index.html"}}
    moto.put_bucket_website(Bucket=theirs.bucket, WebsiteConfiguration=website)
    for talk in (ours, theirs):
        talk.ask("get_bucket_website")
        talk.ask("get_object_lock_configuration")
    assert ours.answers == theirs.answers
