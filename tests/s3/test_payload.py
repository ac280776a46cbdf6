"""Bodies on their way out: framed, signed chunk by chunk, ended by their checksum."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.bucket import Bucket
from s3mover.s3.http import SEND_BUFFER
from s3mover.s3.payload import (
    CHUNK_SIZE,
    MAX_HASHED,
    SIGNED_CHUNK_SIZE,
    Outgoing,
    Trailer,
    body_headers,
    body_stream,
    buffered,
)
from s3mover.s3.sigv4 import UNSIGNED_PAYLOAD, ChunkSigner
from simulator import Simulator
from testkit.relay import Relay
from tests.s3.conftest import MakeBucket
from tests.s3.samples import KEYS

ACCOUNT = "111111111111"
SIGNED_HEAD = {"x-amz-date": "20250104T031709Z", "authorization": f"... Signature={'5' * 64}"}


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


def body_of(content: bytes, *, step: int = 10**9, trailer: bool = True, chunks: bool = True) -> Outgoing:
    told = Content(content, step)
    return Outgoing(told.read, len(content), told.trailer if trailer else None, chunks)


def sent(body: Outgoing, view_length: int, *, secure: bool) -> tuple[bytes, ChunkSigner]:
    """Return what goes over the wire, which must be as long as declared, and the signer of the same head."""
    headers = {**SIGNED_HEAD, **body_headers(body, "", secure=secure)}
    stream = body_stream(body, headers, lambda: ChunkSigner(headers, KEYS, "us-east-1"))
    out, view = bytearray(), memoryview(bytearray(view_length))
    while count := stream.read(view):
        out += view[:count]
    assert len(out) == stream.length == int(headers["content-length"])
    return bytes(out), ChunkSigner(headers, KEYS, "us-east-1")


LENGTHS = [
    size
    for whole in (CHUNK_SIZE, SIGNED_CHUNK_SIZE)
    for size in (whole - 1, whole, whole + 1, 3 * whole, 3 * whole + 7)
]


def some(length: int) -> bytes:
    return (bytes(n % 251 for n in range(1000)) * (length // 1000 + 1))[:length]


@given(
    length=st.sampled_from([0, 1, 100, *LENGTHS]),
    step=st.integers(1, 200_000),
    view_length=st.integers(1000, 300_000),
)
def test_the_body_is_framed_and_its_length_is_known(length: int, step: int, view_length: int) -> None:
    """However it is read and taken, the frames contain body and checksum, and the length is as declared."""
    body = body_of(some(length), step=max(step, length // 50 + 1))
    framed, _ = sent(body, view_length, secure=True)
    unframed, rest = b"", framed
    while (size := int(rest[: rest.index(b"\r\n")], 16)) > 0:
        _, _, rest = rest.partition(b"\r\n")
        unframed, rest = unframed + rest[:size], rest[size + 2 :]
    assert unframed == some(length)
    assert body.trailer is not None
    assert rest == f"0\r\nx-amz-checksum-crc32:{body.trailer.value()}\r\n\r\n".encode()


@given(
    length=st.sampled_from([0, 1, 100, *LENGTHS]),
    step=st.integers(1, 200_000),
    more_room=st.integers(0, 100_000),
    trailer=st.booleans(),
)
def test_over_plain_http_every_chunk_is_signed(length: int, step: int, more_room: int, trailer: bool) -> None:
    """Each chunk, the empty last one and the trailer carry the signature that the chain of them demands."""
    body = body_of(some(length), step=max(step, length // 50 + 1), trailer=trailer)
    framed, signer = sent(body, SEND_BUFFER + more_room, secure=False)
    unframed, size = b"", -1
    while size:
        line, _, framed = framed.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        chunk, framed = framed[:size], framed[size + 2 * bool(size) :]
        assert line.partition(b";")[2] == f"chunk-signature={signer.chunk(chunk)}".encode()
        assert size in {SIGNED_CHUNK_SIZE, length % SIGNED_CHUNK_SIZE, 0}
        unframed += chunk
    assert unframed == some(length)
    if body.trailer is not None:
        said = f"x-amz-checksum-crc32:{body.trailer.value()}"
        signature = signer.trailer(f"{said}\n".encode())
        assert framed == f"{said}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()
    else:
        assert framed == b"\r\n"


@pytest.mark.parametrize(
    ("secure", "trailer", "chunks", "payload"),
    [
        (True, False, True, UNSIGNED_PAYLOAD),
        (True, True, False, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        (False, True, True, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        (False, False, True, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        (False, False, False, UNSIGNED_PAYLOAD),
    ],
)
def test_what_is_declared(secure: bool, trailer: bool, chunks: bool, payload: str) -> None:
    """Over TLS nothing is hashed by us; over plain HTTP all is signed that the store can take signed."""
    body = body_of(b"abc", trailer=trailer, chunks=chunks)
    headers = body_headers(body, "gzip", secure=secure)
    assert headers["x-amz-content-sha256"] == payload
    framed = payload != UNSIGNED_PAYLOAD
    assert headers.get("x-amz-decoded-content-length") == ("3" if framed else None)
    assert headers.get("content-encoding") == ("gzip,aws-chunked" if framed else None)
    assert headers.get("x-amz-trailer") == ("x-amz-checksum-crc32" if trailer else None)
    assert headers.get("x-amz-sdk-checksum-algorithm") == ("CRC32" if trailer else None)


def test_what_nothing_else_protects_is_read_beforehand_if_it_is_small() -> None:
    """Over plain HTTP, to a store without chunks, small bodies are hashed; larger ones are not held in memory."""
    assert buffered(body_of(b"abc", step=2, trailer=False, chunks=False), secure=False) == b"abc"
    large = body_of(b"x" * (MAX_HASHED + 1), trailer=False, chunks=False)
    assert buffered(large, secure=False) is large
    for body, secure in (
        (body_of(b"abc", trailer=False, chunks=False), True),
        (body_of(b"abc", chunks=False), False),
        (body_of(b"abc", trailer=False), False),
    ):
        assert buffered(body, secure=secure) is body


@pytest.mark.parametrize("trailer", [True, False])
def test_a_body_that_ends_early_is_no_body(trailer: bool) -> None:
    """What was promised does not come: nothing is made up for it."""
    body = body_of(b"abc", trailer=trailer)._replace(length=5)
    with pytest.raises(S3Error, match="IncompleteBody"):
        sent(body, SEND_BUFFER, secure=False)
    with pytest.raises(S3Error, match="IncompleteBody"):
        buffered(body._replace(trailer=None, chunks=False), secure=False)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        running.create_bucket("to", ACCOUNT)
        yield running


@contextmanager
def bucket_at(simulator: Simulator, port: int) -> Iterator[Bucket]:
    """Give the bucket as it is reached by a port."""
    key = simulator.add_key(ACCOUNT)
    address = BucketAddress("to", "http", "127.0.0.1", port, "/to", simulator.region)
    fresh = Bucket(address, lambda: Credentials(key.access_key, key.secret_key), lambda *_: None)
    yield fresh
    fresh.close_thread()


@pytest.fixture
def bucket(simulator: Simulator) -> Iterator[Bucket]:
    with bucket_at(simulator, port_of(simulator)) as fresh:
        yield fresh


def port_of(simulator: Simulator) -> int:
    return int(simulator.endpoint.rpartition(":")[2])


# In signed chunks and with a trailer, in signed chunks alone, as it is.
MANNERS = pytest.mark.parametrize(("trailer", "chunks"), [(True, True), (False, True), (False, False)])


@MANNERS
@pytest.mark.parametrize("length", [0, 5, CHUNK_SIZE, 5 * SIGNED_CHUNK_SIZE + 3])
def test_what_arrives_is_what_was_sent(
    bucket: Bucket, simulator: Simulator, length: int, trailer: bool, chunks: bool
) -> None:
    """The server takes the body out of its frames, checks it, and keeps the object's own encoding."""
    content = Content(b"x" * length)
    told = content.trailer if trailer else None
    stored = bucket.put("a", content.read, length, {"content-encoding": "gzip"}, told, chunks=chunks)
    assert not trailer or stored.headers["x-amz-checksum-crc32"] == content.crc()
    assert simulator.read_object("to", "a") == b"x" * length
    assert bucket.head("a").headers["content-encoding"] == "gzip"


@MANNERS
@pytest.mark.parametrize("length", [5, 3 * SIGNED_CHUNK_SIZE + 3])
def test_moto_takes_every_manner(make_bucket: MakeBucket, length: int, trailer: bool, chunks: bool) -> None:
    """Another server, which knows the frames and does not judge the signatures."""
    moto_bucket, content = make_bucket(), Content(some(length))
    moto_bucket.put("a", content.read, length, {}, content.trailer if trailer else None, chunks=chunks)
    with moto_bucket.get("a") as body:
        assert body.read_all() == some(length)


@pytest.mark.parametrize("trailer", [True, False])
@pytest.mark.parametrize("at", [0, SIGNED_CHUNK_SIZE + 5000, 3 * SIGNED_CHUNK_SIZE])
def test_what_is_changed_on_the_way_is_refused(simulator: Simulator, at: int, trailer: bool) -> None:
    """A machine in between that changes one byte of any chunk makes its signature wrong."""
    length = 3 * SIGNED_CHUNK_SIZE + 3
    content = Content(b"x" * at + b"\0" + b"x" * (length - at - 1))
    told = content.trailer if trailer else None
    with (
        Relay(port_of(simulator), lambda data: data.replace(b"\0", b"x")) as relay,
        bucket_at(simulator, relay.port) as relayed,
        pytest.raises(S3Error, match="SignatureDoesNotMatch"),
    ):
        relayed.put("d", content.read, length, {}, told, chunks=True)
    assert simulator.objects("to", "d") == []


def test_altered_bytes_are_refused(bucket: Bucket, simulator: Simulator) -> None:
    """Where the checksum is not that of the body, nothing is stored."""
    content = Content(b"altered", altered=b"!")
    with pytest.raises(S3Error, match="BadDigest"):
        bucket.put("b", content.read, 7, {}, content.trailer)
    assert simulator.objects("to", "b") == []


@pytest.mark.parametrize("trailer", [True, False])
def test_a_part_is_checked_as_well(bucket: Bucket, trailer: bool) -> None:
    """Parts go in signed chunks and carry trailers, too."""
    upload = bucket.create_upload("c", {"x-amz-checksum-algorithm": "CRC32"} if trailer else {})
    content = Content(b"part")
    told = content.trailer if trailer else None
    stored = bucket.upload_part("c", upload, 1, content.read, 4, told, chunks=True)
    assert not trailer or stored.headers["x-amz-checksum-crc32"] == content.crc()
    bucket.complete_upload("c", upload, [(1, stored.etag)], {})
    with bucket.get("c") as body:
        assert body.read_all() == b"part"
