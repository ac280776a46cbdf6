"""Chunk signatures: the documentation's examples are accepted, what anyone changed afterwards is not."""

import hmac
from hashlib import sha256

import pytest

from simulator import Simulator
from simulator.chunked import ChunkDecoder
from simulator.refusals import Refusal
from simulator.signature import ChunkSignatures
from simulator.wire import Request
from tests.simulator.conftest import MakeBucket
from tests.simulator.raw import EVERYONE, ask

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BODY = [b"a" * 65536, b"a" * 1024, b""]
# S3 API Reference, chunked uploads: the signature of the head, then those of the chunks.
PLAIN = (
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ],
)
# S3 API Reference, trailing headers.
TRAILED = (
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ],
)
TRAILER = "x-amz-checksum-crc32c:sOO8/Q=="
TRAILER_SIGNATURE = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"


def chain(seed: str) -> ChunkSignatures:
    headers = {"x-amz-date": "20130524T000000Z", "authorization": f"AWS4-HMAC-SHA256 ..., Signature={seed}"}
    return ChunkSignatures(Request("PUT", b"/examplebucket/chunkObject.txt", headers), SECRET, "us-east-1")


def signed_first(chunk: bytes) -> str:
    """Sign a chunk as the first one after the head of the plain example."""
    key = f"AWS4{SECRET}".encode()
    for step in ("20130524", "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    hashes = "\n".join(sha256(data).hexdigest() for data in (b"", chunk))
    place = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request"
    return hmac.digest(
        key, f"AWS4-HMAC-SHA256-PAYLOAD\n{place}\n{PLAIN[0]}\n{hashes}".encode(), "sha256"
    ).hex()


def framed(signatures: list[str], chunks: list[bytes], end: str = "") -> bytes:
    out = b""
    for chunk, signature in zip(chunks, signatures, strict=True):
        out += f"{len(chunk):x};chunk-signature={signature}\r\n".encode()
        out += chunk + b"\r\n" if chunk else end.encode()
    return out + b"\r\n"


def signed_trailer(signature: str = TRAILER_SIGNATURE, trailer: str = TRAILER) -> str:
    return f"{trailer}\r\nx-amz-trailer-signature:{signature}\r\n"


@pytest.mark.parametrize(
    ("example", "end", "trailers"),
    [(PLAIN, "", {}), (TRAILED, signed_trailer(), {"x-amz-checksum-crc32c": "sOO8/Q=="})],
)
def test_the_documented_bodies_are_accepted(
    example: tuple[str, list[str]], end: str, trailers: dict[str, str]
) -> None:
    """Both examples of the documentation, in pieces of any length."""
    got = bytearray()
    decoder = ChunkDecoder(got.extend, chain(example[0]))
    data = framed(example[1], BODY, end)
    for offset in range(0, len(data), 1000):
        decoder.feed(data[offset : offset + 1000])
    assert decoder.done
    assert (bytes(got), decoder.trailers) == (b"".join(BODY), trailers)


@pytest.mark.parametrize(
    ("chunks", "end"),
    [
        ([b"b" + BODY[0][1:], *BODY[1:]], signed_trailer()),
        ([BODY[0], b"b" + BODY[1][1:], b""], signed_trailer()),
        (BODY, signed_trailer(trailer="x-amz-checksum-crc32c:sOO8/g==")),
        (BODY, signed_trailer(signature="0" * 64)),
        (BODY, f"{TRAILER}\r\n"),
    ],
)
def test_what_was_changed_is_refused(chunks: list[bytes], end: str) -> None:
    """Another byte in a chunk, another trailer, or none of the trailer's signature."""
    decoder = ChunkDecoder(lambda _: None, chain(TRAILED[0]))
    with pytest.raises(Refusal) as refused:
        decoder.feed(framed(TRAILED[1], chunks, end))
    assert refused.value.code == "SignatureDoesNotMatch"


def test_a_body_for_another_head_is_refused() -> None:
    """The chain begins with the signature of the head."""
    with pytest.raises(Refusal, match="signature"):
        ChunkDecoder(lambda _: None, chain(PLAIN[0])).feed(framed(TRAILED[1], BODY))


def test_only_the_last_chunk_may_be_small() -> None:
    """S3 asks for 8 KiB at least."""
    small = signed_first(b"small")
    decoder = ChunkDecoder(lambda _: None, chain(PLAIN[0]))
    with pytest.raises(Refusal) as refused:
        decoder.feed(f"5;chunk-signature={small}\r\nsmall\r\n5;chunk-signature=x\r\n".encode())
    assert refused.value.code == "InvalidChunkSizeError"


def test_nobody_can_sign_chunks_without_a_key(simulator: Simulator, make_bucket: MakeBucket) -> None:
    """A request without a signature has none to go on from."""
    opened = make_bucket(policy=EVERYONE)
    headers = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "0",
    }
    body = b"0;chunk-signature=x\r\n\r\n"
    answer = ask(simulator.endpoint, "PUT", f"/{opened}/a", body=body, headers=headers)
    assert answer.code == "AccessDenied"
