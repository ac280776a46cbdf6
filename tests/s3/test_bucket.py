"""Each operation against moto's server, compared with the same call of boto3."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from s3mover.errors import S3Error
from s3mover.s3.bucket import Bucket
from testkit.scripted_server import Peer, answer
from testkit.waiting import TOO_LONG
from tests.s3.conftest import MakeBucket
from tests.s3.samples import ODD_KEYS, bucket_on

PART = 5 * 1024 * 1024
# moto's router finds no object whose key has a line break; the wire is tested with all keys on a scripted server.
MOTO_KEYS = [key for key in ODD_KEYS if not set(key) & {"\n", "\r"}]


def whole(data: bytes) -> tuple[Callable[[memoryview], int], int]:
    return io.BytesIO(data).readinto, len(data)


def name(bucket: Bucket) -> str:
    return bucket.address.bucket


@pytest.mark.parametrize("key", MOTO_KEYS, ids=range(len(MOTO_KEYS)))
def test_an_odd_key_goes_round(bucket: Bucket, make_bucket: MakeBucket, boto: Any, key: str) -> None:
    """Written, listed, read, copied and deleted under exactly its name, which boto3 sees as well."""
    other = make_bucket()
    bucket.put(key, *whole(b"hello"), {})
    assert boto.get_object(Bucket=name(bucket), Key=key)["Body"].read() == b"hello"
    assert [entry.key for entry in bucket.list_page("").entries] == [key]
    assert bucket.head(key).size == 5
    other.copy(key, source_bucket=name(bucket), source_key=key, if_match="", headers={})
    with other.get(key) as body:
        assert body.read_all() == b"hello"
    bucket.delete(key)
    assert not bucket.list_page("").entries


@pytest.mark.parametrize("key", ODD_KEYS, ids=range(len(ODD_KEYS)))
def test_a_key_is_on_the_wire_byte_for_byte(key: str) -> None:
    """Percent-encoded once, with no path cleaned and no character normalised."""
    with bucket_on(lambda peer: peer.answer(answer(b""))) as (bucket, heard, _):
        bucket.delete(key)
    target = heard[0].split(b" ")[1]
    assert target.startswith(b"/b/")
    assert percent_decoded(target[3:]) == key.encode()


def percent_decoded(target: bytes) -> bytes:
    first, *rest = target.split(b"%")
    return first + b"".join(bytes.fromhex(piece[:2].decode()) + piece[2:] for piece in rest)


def test_a_listing_is_boto3s(bucket: Bucket, boto: Any) -> None:
    """Keys, sizes, ETags and classes of all pages, in the same order."""
    for key in MOTO_KEYS:
        boto.put_object(Bucket=name(bucket), Key=key, Body=key.encode())
    theirs = boto.list_objects_v2(Bucket=name(bucket))["Contents"]
    first = bucket.list_page("", limit=4)
    rest = bucket.list_page("", token=first.next_token)
    ours = [*first.entries, *rest.entries]
    assert [(e.key, e.size, e.etag, e.storage_class) for e in ours] == [
        (o["Key"], o["Size"], o["ETag"].strip('"'), o["StorageClass"]) for o in theirs
    ]
    assert ours[0].last_modified.startswith(theirs[0]["LastModified"].strftime("%Y-%m-%dT%H:%M:%S"))


def test_a_listing_keeps_to_prefix_and_start(bucket: Bucket, boto: Any) -> None:
    """Only what begins with the prefix and comes after the start."""
    for key in ("a/1", "a/2", "a/3", "b/1"):
        boto.put_object(Bucket=name(bucket), Key=key)
    assert [e.key for page in bucket.list_objects("a/", "a/1") for e in page] == ["a/2", "a/3"]
    assert list(bucket.list_objects("none/")) == []


def test_is_listed_returns_whether_a_key_is_there(bucket: Bucket, boto: Any) -> None:
    """Exactly that key, not one that begins with it."""
    boto.put_object(Bucket=name(bucket), Key="a/b")
    assert [bucket.is_listed(key) for key in ("a/b", "a/", "a/b/c", "z")] == [True, False, False, False]


def test_a_head_is_boto3s(bucket: Bucket, boto: Any) -> None:
    """Size, ETag, date, metadata and checksum."""
    boto.put_object(
        Bucket=name(bucket), Key="k", Body=b"hello", ContentType="text/x", Metadata={"colour": "red"}
    )
    theirs, ours = boto.head_object(Bucket=name(bucket), Key="k", ChecksumMode="ENABLED"), bucket.head("k")
    assert (ours.size, ours.etag) == (theirs["ContentLength"], theirs["ETag"].strip('"'))
    assert ours.last_modified == theirs["LastModified"].strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert (ours.headers["content-type"], ours.headers["x-amz-meta-colour"]) == ("text/x", "red")
    assert ours.headers["x-amz-checksum-crc32"] == theirs["ChecksumCRC32"]


def test_an_object_is_read_whole_or_in_part(bucket: Bucket, boto: Any) -> None:
    """Both ends of a range are included; the head has the whole size either way."""
    boto.put_object(Bucket=name(bucket), Key="k", Body=b"0123456789")
    for first, last, expected in [
        (None, None, b"0123456789"),
        (2, 4, b"234"),
        (7, None, b"789"),
        (0, 0, b"0"),
    ]:
        with bucket.get("k", first=first, last=last) as body:
            assert (body.length, body.head.size) == (len(expected), 10)
            assert body.read_all() == expected
    with bucket.get("k") as body:
        view = memoryview(bytearray(4))
        assert [bytes(view[: body.read_into(view)]) for _ in range(4)] == [b"0123", b"4567", b"89", b""]


def test_a_read_may_be_pinned_to_an_etag(bucket: Bucket, boto: Any) -> None:
    """Another version than the one listed is refused."""
    etag = boto.put_object(Bucket=name(bucket), Key="k", Body=b"one")["ETag"].strip('"')
    with bucket.get("k", if_match=etag) as body:
        assert body.read_all() == b"one"
    boto.put_object(Bucket=name(bucket), Key="k", Body=b"two")
    with pytest.raises(S3Error, match="PreconditionFailed"):
        bucket.get("k", if_match=etag)


def test_pins_are_sent_with_quotes() -> None:
    """On reads, copies, copies of parts and deletions."""

    def play(peer: Peer) -> None:
        for said in (
            b"",
            b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>",
            b"<CopyPartResult><ETag>e</ETag></CopyPartResult>",
            b"",
        ):
            peer.answer(answer(said))

    source = {"source_bucket": "s", "source_key": "a b/é", "if_match": "abc"}
    with bucket_on(play) as (bucket, heard, _):
        bucket.get("k", if_match="abc").read_all()
        bucket.copy("k", headers={"x-amz-storage-class": "GLACIER_IR"}, **source)
        bucket.copy_part("k", "u/1+", 3, first=5, last=9, **source)  # type: ignore[arg-type]
        bucket.delete("k", if_match="abc")
    assert b'\r\nif-match: "abc"\r\n' in heard[0]
    assert b'\r\nx-amz-copy-source-if-match: "abc"\r\n' in heard[1]
    assert b"\r\nx-amz-copy-source: s/a%20b/%C3%A9\r\n" in heard[1]
    assert b"\r\nx-amz-storage-class: GLACIER_IR\r\n" in heard[1]
    assert b'\r\nx-amz-copy-source-if-match: "abc"\r\n' in heard[2]
    assert b"\r\nx-amz-copy-source-range: bytes=5-9\r\n" in heard[2]
    assert heard[2].startswith(b"PUT /b/k?partNumber=3&uploadId=u%2F1%2B HTTP/1.1\r\n")
    assert b'\r\nif-match: "abc"\r\n' in heard[3]


def test_an_access_point_has_its_own_spelling_as_a_source() -> None:
    """An ARN is followed by `/object/`."""
    said = answer(b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>")
    arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/ap"
    with bucket_on(lambda peer: peer.answer(said)) as (bucket, heard, _):
        bucket.copy("k", source_bucket=arn, source_key="k", if_match="", headers={})
    assert (
        b"\r\nx-amz-copy-source: arn%3Aaws%3As3%3Aeu-west-1%3A123456789012%3Aaccesspoint/ap/object/k\r\n"
        in heard[0]
    )


@pytest.mark.parametrize(
    "said",
    [
        answer(b"whole object"),
        answer(b"xyz", "206 Partial Content", "Content-Range: bytes 0-2/10"),
        answer(b"xyz", "206 Partial Content"),
        answer(b"xyz", "200 OK", "Content-Range: bytes 0-2/10"),
        answer(b"whole object", "200 OK", "Content-Range: bytes 3-5/10"),
        answer(b"xyz", "200 OK", "Content-Range: bytes 3-x/10"),
    ],
)
def test_other_bytes_than_those_asked_for_are_refused(said: bytes) -> None:
    """A store that ignores ranges would give every part the same bytes."""
    with (
        bucket_on(lambda peer: peer.answer(said)) as (bucket, _, _),
        pytest.raises(S3Error, match="other bytes"),
    ):
        bucket.get("k", first=3, last=5)


@pytest.mark.parametrize("status", ["206 Partial Content", "200 OK"])
def test_a_range_is_known_by_its_content_range(status: str) -> None:
    """Some stores answer 200, and still send the range."""
    said = answer(b"xyz", status, "Content-Range: bytes 3-5/10")
    with (
        bucket_on(lambda peer: peer.answer(said)) as (bucket, _, _),
        bucket.get("k", first=3, last=5) as body,
    ):
        assert body.read_all() == b"xyz"


def test_another_version_than_the_one_asked_for_is_refused() -> None:
    """A store that ignores the condition of a GET is detected by its ETag, if it returns one."""
    for etag, refused in (("def", True), ("abc", False), ("", False)):
        told = f'ETag: "{etag}"' if etag else "x-amz-request-id: r7"
        with bucket_on(lambda peer, told=told: peer.answer(answer(b"xyz", "200 OK", told))) as (bucket, _, _):  # type: ignore[misc]
            if refused:
                with pytest.raises(S3Error, match="PreconditionFailed"):
                    bucket.get("k", if_match="abc")
            else:
                assert bucket.get("k", if_match="abc").read_all() == b"xyz"


def test_a_part_of_an_object_is_not_taken_for_the_whole() -> None:
    """A 206 to a request without a range is an error."""
    said = answer(b"xyz", "206 Partial Content", "Content-Range: bytes 0-2/10")
    with bucket_on(lambda peer: peer.answer(said)) as (bucket, _, _), pytest.raises(S3Error, match="206"):
        bucket.get("k")


def test_a_part_without_an_etag_is_refused() -> None:
    """Without it the upload could not be completed."""
    with (
        bucket_on(lambda peer: peer.answer(answer(b""))) as (bucket, _, _),
        pytest.raises(S3Error, match="no ETag"),
    ):
        bucket.upload_part("k", "u", 1, *whole(b"x"))


def test_a_write_is_boto3s(bucket: Bucket, boto: Any) -> None:
    """Bytes, type and metadata arrive; the ETag is the one that boto3 sees."""
    data = bytes(range(256)) * 3000
    stored = bucket.put(
        "k", *whole(data), {"content-type": "text/x", "x-amz-meta-a": "b", "x-amz-tagging": "t=1"}
    )
    theirs = boto.get_object(Bucket=name(bucket), Key="k")
    assert theirs["Body"].read() == data
    assert (theirs["ContentType"], theirs["Metadata"]) == ("text/x", {"a": "b"})
    assert stored.etag == theirs["ETag"].strip('"')
    assert bucket.tags("k") == [("t", "1")]


def test_an_empty_object_is_written_and_read(bucket: Bucket) -> None:
    """Nothing is something."""
    bucket.put("k", *whole(b""), {})
    with bucket.get("k") as body:
        assert (body.length, body.read_all()) == (0, b"")


def test_a_copy_is_boto3s(bucket: Bucket, make_bucket: MakeBucket, boto: Any) -> None:
    """Bytes and metadata come along; headers are given on."""
    boto.put_object(Bucket=name(bucket), Key="a", Body=b"hello", Metadata={"x": "y"})
    other = make_bucket()
    headers = {"x-amz-storage-class": "STANDARD_IA"}
    stored = other.copy("b", source_bucket=name(bucket), source_key="a", if_match="", headers=headers)
    theirs = boto.head_object(Bucket=name(other), Key="b")
    assert stored.etag == theirs["ETag"].strip('"')
    assert (theirs["Metadata"], theirs["StorageClass"]) == ({"x": "y"}, "STANDARD_IA")


def test_tags_are_boto3s(bucket: Bucket, boto: Any) -> None:
    """Any characters, and none at all."""
    boto.put_object(Bucket=name(bucket), Key="k")
    assert bucket.tags("k") == []
    tags = [{"Key": "a b", "Value": "é=+/"}, {"Key": "empty", "Value": ""}]
    boto.put_object_tagging(Bucket=name(bucket), Key="k", Tagging={"TagSet": tags})
    assert bucket.tags("k") == [("a b", "é=+/"), ("empty", "")]


def test_a_multipart_upload_is_boto3s(bucket: Bucket, make_bucket: MakeBucket, boto: Any) -> None:
    """Parts written and parts copied make one object."""
    boto.put_object(Bucket=name(bucket), Key="source", Body=b"s" * PART + b"tail")
    target = make_bucket()
    upload = target.create_upload("big é", {"x-amz-meta-a": "b"})
    assert [(u.key, u.upload_id) for u in target.list_uploads("big")] == [("big é", upload)]
    first = target.upload_part("big é", upload, 1, *whole(b"f" * PART)).etag
    second = target.copy_part(
        "big é",
        upload,
        2,
        source_bucket=name(bucket),
        source_key="source",
        first=PART,
        last=PART + 3,
        if_match="",
    )
    parts = list(target.list_parts("big é", upload))
    assert [(part.number, part.etag, part.size) for part in parts] == [(1, first, PART), (2, second, 4)]
    stored = target.complete_upload("big é", upload, [(1, first), (2, second)], {})
    theirs = boto.get_object(Bucket=name(target), Key="big é")
    assert theirs["Body"].read() == b"f" * PART + b"tail"
    assert (stored.etag, theirs["Metadata"]) == (theirs["ETag"].strip('"'), {"a": "b"})


def test_an_upload_can_be_given_up(bucket: Bucket) -> None:
    """Afterwards it is unknown."""
    upload = bucket.create_upload("k", {})
    bucket.abort_upload("k", upload)
    assert list(bucket.list_uploads("")) == []
    with pytest.raises(S3Error, match="NoSuchUpload"):
        list(bucket.list_parts("k", upload))


def test_a_missing_object_is_an_error_by_code(bucket: Bucket, counts: list[tuple[str, str]]) -> None:
    """By code, and counted under it."""
    for call in (bucket.head, bucket.get, bucket.tags):
        with pytest.raises(S3Error, match=r"NotFound|NoSuchKey") as caught:
            call("missing")
        assert (caught.value.status, caught.value.temporary) == (404, False)
    assert counts == [
        ("HeadObject", "NotFound"),
        ("GetObject", "NoSuchKey"),
        ("GetObjectTagging", "NoSuchKey"),
    ]


def test_a_bucket_says_where_it_is(bucket: Bucket, boto: Any) -> None:
    """Its region comes with HeadBucket; a bucket that is none is an error."""
    assert bucket.head_bucket() == "us-east-1"
    boto.delete_bucket(Bucket=name(bucket))
    with pytest.raises(S3Error, match="NotFound"):
        bucket.head_bucket()


def test_a_body_left_early_spoils_nothing(bucket: Bucket, boto: Any) -> None:
    """The next request has a connection of its own."""
    boto.put_object(Bucket=name(bucket), Key="k", Body=b"x" * 1_000_000)
    with bucket.get("k") as body:
        body.read_into(memoryview(bytearray(10)))
    assert bucket.head("k").size == 1_000_000


def test_a_body_left_early_ends_its_connection() -> None:
    """The server need not send the rest."""
    ended = threading.Event()

    def play(peer: Peer) -> None:
        peer.answer(answer(b"0123456789")[:-5])
        peer.wait_for_end()
        ended.set()

    with bucket_on(play) as (bucket, _, _):
        with bucket.get("k") as body:
            body.read_into(memoryview(bytearray(1)))
        assert ended.wait(TOO_LONG)


def test_a_body_that_breaks_off_names_the_operation() -> None:
    """Its error names operation and bucket, as that of a refusal does."""
    with (
        bucket_on(lambda peer: peer.answer(answer(b"0123456789")[:-3])) as (bucket, _, _),
        bucket.get("k") as body,
        pytest.raises(S3Error, match=r"GetObject on \S+: IncompleteBody: .* 3 bytes early"),
    ):
        body.read_all()


def test_one_may_ask_more_while_a_body_is_read() -> None:
    """Another connection serves it; afterwards each is used again."""

    def first(peer: Peer) -> None:
        peer.hear()
        peer.say(answer(b"0123456789")[:-10])
        asked.wait(TOO_LONG)
        peer.say(b"0123456789")
        peer.answer(answer(b"later"))
        peer.wait_for_end()

    def second(peer: Peer) -> None:
        peer.answer(answer(b"<Tagging/>"))
        peer.wait_for_end()

    asked = threading.Event()
    with bucket_on(first, second) as (bucket, _, _):
        with bucket.get("k") as body:
            assert bucket.tags("k") == []
            asked.set()
            assert body.read_all() == b"0123456789"
        assert bucket.get("k").read_all() == b"later"


def test_threads_do_not_share_connections(bucket: Bucket, boto: Any) -> None:
    """Many threads read many objects of one bucket at the same time, and none gets another's."""
    for number in range(8):
        boto.put_object(Bucket=name(bucket), Key=str(number), Body=str(number).encode() * 50_000)
    wrong: list[int] = []

    def read(number: int) -> None:
        for _ in range(5):
            with bucket.get(str(number)) as body:
                if body.read_all() != str(number).encode() * 50_000:
                    wrong.append(number)
        bucket.close_thread()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
