"""Bodies that end with their checksum."""

import re
from base64 import b64encode
from collections.abc import Iterator
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.bucket import Bucket
from s3mover.s3.trailer import CHUNK_SIZE, Trailer, with_trailer
from tests.simulator import Simulator

ACCOUNT = "111111111111"


class Content:
    """A body whose checksum is known once it was read, `altered` where the checksum is to be another one's."""

    def __init__(self, content: bytes, step: int = 10**9, altered: bytes = b"") -> None:
        self._left = memoryview(content)
        self._step = step
        self._read = bytearray(altered)

    def read(self, view: memoryview) -> int:
        count = min(len(view), len(self._left), self._step)
        view[:count], self._left = self._left[:count], self._left[count:]
        self._read += view[:count]
        return count

    def crc(self) -> str:
        return b64encode(crc32(self._read).to_bytes(4, "big")).decode()

    @property
    def trailer(self) -> Trailer:
        return Trailer("x-amz-checksum-crc32", 8, self.crc)


@given(
    length=st.sampled_from([0, 1, 100, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE + 7]),
    step=st.integers(1, 200_000),
    view_length=st.integers(1000, 300_000),
)
def test_the_body_is_framed_and_its_length_is_known(length: int, step: int, view_length: int) -> None:
    """However it is read and taken, the frames hold the body, the trailer its checksum, and the length is as told."""
    body = bytes(n % 251 for n in range(1000)) * (length // 1000 + 1)
    content = Content(body[:length], max(step, length // 50 + 1))
    stream, _ = with_trailer(content.read, length, {}, content.trailer)
    sent, view = bytearray(), memoryview(bytearray(view_length))
    while count := stream.read(view):
        sent += view[:count]
    assert len(sent) == stream.length
    unframed = bytearray()
    while frame := re.match(rb"([0-9a-f]+)\r\n", sent):
        size = int(frame[1], 16)
        if not size:
            break
        unframed += sent[frame.end() : frame.end() + size]
        del sent[: frame.end() + size + 2]
    assert unframed == body[:length]
    assert sent == f"0\r\nx-amz-checksum-crc32:{content.crc()}\r\n\r\n".encode()


def test_the_encoding_of_the_object_is_kept() -> None:
    """The chunks' own encoding is named after the object's."""
    _, headers = with_trailer(Content(b"").read, 0, {"content-encoding": "gzip"}, Content(b"").trailer)
    assert headers["content-encoding"] == "gzip,aws-chunked"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        running.create_bucket("to", ACCOUNT)
        yield running


@pytest.fixture
def bucket(simulator: Simulator) -> Iterator[Bucket]:
    key = simulator.add_key(ACCOUNT)
    port = int(simulator.endpoint.rpartition(":")[2])
    address = BucketAddress("to", "http", "127.0.0.1", port, "/to", simulator.region)
    fresh = Bucket(address, lambda: Credentials(key.access_key, key.secret_key), lambda *_: None)
    yield fresh
    fresh.close_thread()


@pytest.mark.parametrize("length", [0, 5, CHUNK_SIZE, 5 * CHUNK_SIZE + 3])
def test_what_arrives_is_what_was_sent(bucket: Bucket, simulator: Simulator, length: int) -> None:
    """The server takes the body out of its frames, checks it, and keeps the object's own encoding."""
    content = Content(b"x" * length)
    stored = bucket.put("a", content.read, length, {"content-encoding": "gzip"}, content.trailer)
    assert stored.headers["x-amz-checksum-crc32"] == content.crc()
    assert simulator.read_object("to", "a") == b"x" * length
    assert bucket.head("a").headers["content-encoding"] == "gzip"


def test_altered_bytes_are_refused(bucket: Bucket, simulator: Simulator) -> None:
    """Where the checksum is not that of the body, nothing is stored."""
    content = Content(b"altered", altered=b"!")
    with pytest.raises(S3Error, match="BadDigest"):
        bucket.put("b", content.read, 7, {}, content.trailer)
    assert simulator.objects("to", "b") == []


def test_a_part_is_checked_as_well(bucket: Bucket) -> None:
    """Parts carry trailers, too."""
    upload = bucket.create_upload("c", {"x-amz-checksum-algorithm": "CRC32"})
    content = Content(b"part")
    stored = bucket.upload_part("c", upload, 1, content.read, 4, content.trailer)
    assert stored.headers["x-amz-checksum-crc32"] == content.crc()
    bucket.complete_upload("c", upload, [(1, stored.etag)], {})
    with bucket.get("c") as body:
        assert body.read_all() == b"part"
