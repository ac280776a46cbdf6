"""Multipart uploads by S3's rules: ranges, sizes, order, ETags, checksums."""

import base64
import hashlib
import zlib
from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.refusal import refused

Client = Any
MIB = 1024**2
FIVE = 5 * MIB


class Upload:
    """One upload under way."""

    def __init__(self, client: Client, bucket: str, **told: Any) -> None:
        self.client = client
        self.name = {"Bucket": bucket, "Key": "made"}
        self.name["UploadId"] = client.create_multipart_upload(**self.name, **told)["UploadId"]
        self.parts: list[dict[str, Any]] = []

    def copy(self, source: str, first: int, last: int) -> None:
        """Copy the next part from a range."""
        answer = self.client.upload_part_copy(**self.copying(source, f"bytes={first}-{last}"))
        self.parts.append({"PartNumber": len(self.parts) + 1, "ETag": answer["CopyPartResult"]["ETag"]})

    def copying(self, source: str, extent: str) -> dict[str, Any]:
        """Return the arguments of the next part's copy."""
        number = len(self.parts) + 1
        return self.name | {"PartNumber": number, "CopySource": source, "CopySourceRange": extent}

    def send(self, body: bytes, **told: Any) -> None:
        """Send the next part."""
        number = len(self.parts) + 1
        answer = self.client.upload_part(PartNumber=number, Body=body, **self.name, **told)
        sums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        self.parts.append({"PartNumber": number, "ETag": answer["ETag"], **sums})

    def completing(self, **told: Any) -> dict[str, Any]:
        """Return the arguments of the completion."""
        return self.name | {"MultipartUpload": {"Parts": self.parts}} | told


@pytest.mark.parametrize(
    ("size", "extent", "code"),
    [
        (FIVE - 1, "bytes=0-9", "InvalidRequest"),
        (FIVE, f"bytes=0-{FIVE}", "InvalidArgument"),
        (FIVE, "bytes=9-0", "InvalidArgument"),
        (FIVE, "bytes=-5", "InvalidArgument"),
        (6 * 1024 * MIB, f"bytes=0-{5 * 1024 * MIB}", "InvalidRequest"),
    ],
)
def test_ranges_that_cannot_be_copied_are_refused(
    simulator: Simulator, owner: Client, bucket: str, size: int, extent: str, code: str
) -> None:
    """Small sources, ranges beyond the end, ranges that are none, and parts over 5 GiB."""
    simulator.put_object(bucket, "a", size=size)
    upload = Upload(owner, bucket)
    assert refused(owner.upload_part_copy, **upload.copying(f"{bucket}/a", extent)) == code


def test_parts_in_the_wrong_order_are_refused(owner: Client, bucket: str) -> None:
    """Parts are named in ascending order, each once."""
    upload = Upload(owner, bucket)
    upload.send(b"1" * FIVE)
    upload.send(b"2" * FIVE)
    upload.parts.reverse()
    assert refused(owner.complete_multipart_upload, **upload.completing()) == "InvalidPartOrder"


def test_only_the_last_part_may_be_small(owner: Client, bucket: str) -> None:
    """5 MiB is the least for every part but the last; part numbers may have gaps."""
    upload = Upload(owner, bucket)
    upload.send(b"1" * (FIVE - 1))
    upload.send(b"2")
    assert refused(owner.complete_multipart_upload, **upload.completing()) == "EntityTooSmall"
    upload.parts = upload.parts[1:]
    owner.complete_multipart_upload(**upload.completing())


def test_the_etag_is_the_md5_of_the_parts_md5s(owner: Client, bucket: str) -> None:
    """And of nothing else: `md5-of-md5s-N`."""
    upload = Upload(owner, bucket)
    bodies = [b"1" * FIVE, b"2"]
    for body in bodies:
        upload.send(body)
    digests = b"".join(hashlib.md5(body, usedforsecurity=False).digest() for body in bodies)
    expected = f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-2"'
    assert owner.complete_multipart_upload(**upload.completing())["ETag"] == expected


def test_a_completed_upload_is_gone(owner: Client, bucket: str) -> None:
    """A second completion, a part, an abort: no such upload."""
    upload = Upload(owner, bucket)
    upload.send(b"1")
    owner.complete_multipart_upload(**upload.completing())
    assert refused(owner.complete_multipart_upload, **upload.completing()) == "NoSuchUpload"
    assert refused(owner.abort_multipart_upload, **upload.name) == "NoSuchUpload"


def test_an_upload_keeps_only_what_it_is_told(simulator: Simulator, owner: Client, bucket: str) -> None:
    """Nothing of the source's properties comes along with copied parts."""
    simulator.put_object(
        bucket, "a", size=FIVE, tags={"a": "b"}, metadata={"a": "b"}, storage_class="STANDARD_IA"
    )
    upload = Upload(owner, bucket)
    upload.copy(f"{bucket}/a", 0, FIVE - 1)
    owner.complete_multipart_upload(**upload.completing())
    source, made = simulator.objects(bucket)
    assert (made["tags"], made["metadata"], made["storage_class"]) == ({}, {}, "STANDARD")
    assert made["content"] == source["content"]


def test_a_full_object_checksum_is_of_the_whole(owner: Client, bucket: str) -> None:
    """The parts' CRCs combine to the whole's, which the client may demand."""
    upload = Upload(owner, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    body = bytes(range(256)) * 4 * 1024 * 6
    upload.send(body[:FIVE])
    upload.send(body[FIVE:])
    right = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    complete = owner.complete_multipart_upload
    wrong = upload.completing(ChecksumCRC32="AAAAAA==", ChecksumType="FULL_OBJECT")
    assert refused(complete, **wrong) == "BadDigest"
    assert refused(complete, **upload.completing(MpuObjectSize=5)) == "InvalidRequest"
    answer = complete(**upload.completing(ChecksumCRC32=right, ChecksumType="FULL_OBJECT"))
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (right, "FULL_OBJECT")


def test_a_composite_checksum_is_of_the_parts_checksums(owner: Client, bucket: str) -> None:
    """Base64 of the hash of the parts' hashes, and the number of parts."""
    upload = Upload(owner, bucket, ChecksumAlgorithm="SHA256")
    bodies = [b"1" * FIVE, b"2"]
    for body in bodies:
        upload.send(body, ChecksumAlgorithm="SHA256")
    digest = hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)).digest()
    answer = owner.complete_multipart_upload(**upload.completing())
    assert answer["ChecksumSHA256"] == f"{base64.b64encode(digest).decode()}-2"


def test_a_part_with_a_foreign_checksum_is_refused(owner: Client, bucket: str) -> None:
    """The upload's algorithm is its parts' algorithm."""
    upload = Upload(owner, bucket, ChecksumAlgorithm="SHA256")
    part = upload.name | {"PartNumber": 1, "Body": b"x", "ChecksumAlgorithm": "CRC32"}
    assert refused(owner.upload_part, **part) == "InvalidRequest"


def test_lists_of_parts_and_uploads_come_in_pages(owner: Client, bucket: str) -> None:
    """Paginators of boto3 find every part and every upload."""
    upload = Upload(owner, bucket)
    for body in (b"1", b"2", b"3"):
        upload.send(body)
    Upload(owner, bucket)
    pages = {"PaginationConfig": {"PageSize": 1}}
    parts = owner.get_paginator("list_parts").paginate(**upload.name, **pages)
    assert [one["PartNumber"] for page in parts for one in page["Parts"]] == [1, 2, 3]
    uploads = owner.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, **pages)
    assert sum(len(page["Uploads"]) for page in uploads) == 2


def test_a_part_can_be_read_by_its_number(owner: Client, bucket: str) -> None:
    """GET and HEAD with a part number show that part and how many there are."""
    upload = Upload(owner, bucket)
    upload.send(b"1" * FIVE)
    upload.send(b"22")
    owner.complete_multipart_upload(**upload.completing())
    answer = owner.get_object(Bucket=bucket, Key="made", PartNumber=2)
    assert (answer["Body"].read(), answer["PartsCount"]) == (b"22", 2)
