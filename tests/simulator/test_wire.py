"""HTTP as clients speak it: framing, expectations, pipelines, names of buckets, keys of every kind."""

import base64
import socket
import zlib
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import Simulator
from simulator.chunked import ChunkDecoder
from simulator.refusals import Refusal
from testkit.waiting import TOO_LONG
from tests.simulator.conftest import MakeBucket
from tests.simulator.raw import EVERYONE, ask

Client = Any
TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.fixture
def opened(make_bucket: MakeBucket) -> str:
    """A bucket that is open to everyone."""
    return make_bucket(policy=EVERYONE)


def framed(body: bytes, sizes: list[int], trailers: str) -> bytes:
    """Return a body in chunks of the given sizes, repeated."""
    out, offset, number = b"", 0, 0
    while offset < len(body):
        chunk = body[offset : offset + sizes[number % len(sizes)]]
        out += f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
        offset, number = offset + len(chunk), number + 1
    return out + f"0\r\n{trailers}\r\n".encode()


@given(
    st.binary(max_size=200),
    st.lists(st.integers(1, 50), min_size=1),
    st.lists(st.integers(1, 40), min_size=1),
)
def test_chunks_are_decoded_however_they_arrive(body: bytes, sizes: list[int], steps: list[int]) -> None:
    """The decoder does not care where the network cuts."""
    got = bytearray()
    decoder = ChunkDecoder(got.extend)
    data, offset, number = framed(body, sizes, "x-a: b\r\n"), 0, 0
    while offset < len(data):
        assert not decoder.done
        step = steps[number % len(steps)]
        decoder.feed(data[offset : offset + step])
        offset, number = offset + step, number + 1
    assert decoder.done
    assert (bytes(got), decoder.trailers) == (body, {"x-a": "b"})


@pytest.mark.parametrize("data", [b"x\r\n", b"1\r\nab\r\n", b"0\r\n\r\n!", b"1" * 5000])
def test_framing_that_is_none_is_refused(data: bytes) -> None:
    """No size, too many bytes, bytes after the end, a line without end."""
    decoder = ChunkDecoder(bytearray().extend)
    with pytest.raises(Refusal):
        decoder.feed(data)


@pytest.mark.parametrize(
    ("said", "code"),
    [("", ""), ("AAAAAA==", "BadDigest"), (None, "MalformedTrailerError")],
)
def test_a_trailer_is_verified(simulator: Simulator, opened: str, said: str | None, code: str) -> None:
    """A right trailer is stored as the object's checksum; a wrong or missing one refuses the body."""
    body = b"hello" * 1000
    right = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    trailers = "" if said is None else f"x-amz-checksum-crc32:{said or right}\r\n"
    headers = {
        "x-amz-content-sha256": TRAILER,
        "x-amz-decoded-content-length": str(len(body)),
        "x-amz-trailer": "x-amz-checksum-crc32",
        "Content-Encoding": "aws-chunked",
    }
    answer = ask(
        simulator.endpoint, "PUT", f"/{opened}/a", body=framed(body, [999], trailers), headers=headers
    )
    assert answer.code == code
    if not code:
        assert answer.headers["x-amz-checksum-crc32"] == right
        assert simulator.read_object(opened, "a") == body
        assert simulator.objects(opened)[0]["headers"] == {"content-type": "binary/octet-stream"}


def test_a_body_shorter_than_announced_is_refused(simulator: Simulator, opened: str) -> None:
    """The decoded length is a promise too."""
    headers = {"x-amz-content-sha256": TRAILER, "x-amz-decoded-content-length": "9"}
    answer = ask(simulator.endpoint, "PUT", f"/{opened}/a", body=framed(b"1234", [4], ""), headers=headers)
    assert answer.code == "IncompleteBody"


def talk(simulator: Simulator, sent: bytes, until: bytes) -> bytes:
    """Send bytes on a bare socket and read until some bytes have come."""
    split = urlsplit(simulator.endpoint)
    with socket.create_connection((split.hostname, split.port), timeout=TOO_LONG) as sock:
        sock.sendall(sent)
        got = b""
        while until not in got:
            data = sock.recv(65536)
            if not data:
                break
            got += data
    return got


def test_an_expectation_is_answered_before_the_body(simulator: Simulator, opened: str) -> None:
    """100 where the body is wanted; the refusal itself, and the end of the connection, where it is not."""
    head = "PUT /{}/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    assert talk(simulator, head.format(opened).encode(), b"\r\n\r\n").startswith(b"HTTP/1.1 100 Continue")
    refusal = talk(simulator, head.format("no-such-bucket").encode(), b"</Error>")
    assert refusal.startswith(b"HTTP/1.1 404")
    assert b"Connection: close" in refusal


def test_requests_in_a_row_are_answered_in_order(simulator: Simulator, opened: str) -> None:
    """Pipelined requests are answered one after the other, on one connection, also when answers are delayed."""
    simulator.put_object(opened, "a", b"first")
    simulator.put_object(opened, "b", b"second")
    simulator.add_fault("delay", operation="GetObject", key="a", bucket=opened, seconds=0.05)
    sent = b"".join(f"GET /{opened}/{key} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for key in "ab")
    got = talk(simulator, sent, b"second")
    assert got.index(b"first") < got.index(b"second")


@pytest.mark.process
def test_large_answers_end_well(capfd: pytest.CaptureFixture[str]) -> None:
    """An answer longer than what a socket buffers is whole, and its connection ends without a complaint."""
    with Simulator() as simulator:
        simulator.create_bucket("open", "111111111111", policy=EVERYONE)
        simulator.put_object("open", "big", size=30_000_000)
        answer = ask(simulator.endpoint, "GET", "/open/big", headers={"Connection": "close"})
    assert len(answer.body) == 30_000_000
    assert not capfd.readouterr().err


def test_a_signed_body_is_verified(simulator: Simulator, opened: str) -> None:
    """A body that is not the one whose hash was sent is refused."""
    headers = {"x-amz-content-sha256": "0" * 64}
    assert (
        ask(simulator.endpoint, "PUT", f"/{opened}/a", body=b"x", headers=headers).code
        == "XAmzContentSHA256Mismatch"
    )
    assert simulator.count(opened) == 0


def test_what_is_no_http_is_refused(simulator: Simulator) -> None:
    """The connection is closed after a 400."""
    assert talk(simulator, b"NONSENSE\r\n\r\n", b"\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_bucket_can_be_named_by_the_host(simulator: Simulator, opened: str) -> None:
    """Virtual-hosted addressing finds the same object."""
    simulator.put_object(opened, "x/y", b"here")
    answer = ask(simulator.endpoint, "GET", "/x/y", headers={"Host": f"{opened}.s3.localhost:80"})
    assert answer.body == b"here"
    listed = ask(simulator.endpoint, "GET", "/?list-type=2", headers={"Host": f"{opened}.s3.localhost"})
    assert b"<Key>x/y</Key>" in listed.body


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)


@given(key=KEYS)
def test_every_key_keeps_its_bytes(simulator: Simulator, owner: Client, stored: str, key: str) -> None:
    """Put, listed, copied and read under exactly its name."""
    path = quote(key, safe="")
    assert ask(simulator.endpoint, "PUT", f"/{stored}/{path}", body=key.encode()).status == 200
    headers = {"x-amz-copy-source": f"{stored}/{path}", "Content-Length": "0"}
    copied = ask(simulator.endpoint, "PUT", f"/{stored}/copy/{path}", headers=headers)
    assert copied.status == 200
    assert simulator.read_object(stored, f"copy/{key}") == key.encode()
    found = owner.list_objects_v2(Bucket=stored, Prefix=f"copy/{key}")
    assert f"copy/{key}" in [one["Key"] for one in found["Contents"]]


@pytest.fixture(scope="module")
def stored(simulator: Simulator) -> str:
    """One open bucket for all keys."""
    simulator.create_bucket("every-key", "111111111111", policy=EVERYONE)
    return "every-key"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/a%ff", "InvalidURI"),
        ("/" + "k" * 1025, "KeyTooLongError"),
        ("/a?partNumber=x&uploadId=y", "InvalidArgument"),
        ("/a?acl", "NotImplemented"),
    ],
)
def test_requests_that_s3_refuses_are_refused(
    simulator: Simulator, opened: str, target: str, code: str
) -> None:
    """Keys that are none, numbers that are none, what the simulator does not know."""
    assert ask(simulator.endpoint, "PUT", f"/{opened}{target}", body=b"").code == code
