"""Content and checksums: virtual and plain bytes can't be told apart, except by their cost."""

import base64
import hashlib
import zlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import Simulator
from simulator.checksums import CRCS, RunningChecksum
from simulator.content import Content, Gatherer, joined
from simulator.virtual import PERIOD, Stretch, stretch_of
from tests.simulator.refusal import refused

TIB = 1024**4
SIZE = 3 * PERIOD + 12_345
WHOLE = Content((stretch_of(5, SIZE),))
BYTES = b"".join(WHOLE.chunks())


@pytest.mark.parametrize(
    ("algorithm", "check"),
    [("CRC32", 0xCBF43926), ("CRC32C", 0xE3069283), ("CRC64NVME", 0xAE8B14860A799888)],
)
def test_crcs_have_their_check_values(algorithm: str, check: int) -> None:
    """The catalogue's value for `123456789`, in one piece, in two, and combined."""
    crc = CRCS[algorithm]
    assert crc.update(b"123456789") == check
    assert crc.update(b"6789", crc.update(b"12345")) == check
    assert crc.combine(crc.update(b"1234"), crc.update(b"56789"), 5) == check


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_arithmetic_and_bytes_agree(one: int, two: int) -> None:
    """The CRC and the bytes of any stretch of virtual content are those of its bytes."""
    start, end = sorted((one, two))
    part = WHOLE.cut(start, end)
    assert part.crc("CRC32") == zlib.crc32(BYTES[start:end])
    assert b"".join(part.chunks(100_000)) == BYTES[start:end]


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
@pytest.mark.parametrize("length", [0, 1, 4095, 4097, PERIOD + 1])
def test_every_crc_of_the_tape_is_exact(algorithm: str, length: int) -> None:
    """Laps, marks and tails come out as if the bytes had been read."""
    stretch = Stretch(PERIOD - 7, length)
    read = CRCS[algorithm].update(b"".join(stretch.chunks(PERIOD)))
    assert stretch.crc(algorithm) == read


@given(st.lists(st.integers(0, SIZE), max_size=5))
def test_parts_of_virtual_content_become_whole_again(places: list[int]) -> None:
    """However it was cut, put together in order it is one stretch."""
    edges = [0, *sorted(places), SIZE]
    parts = [WHOLE.cut(start, end) for start, end in pairwise(edges)]
    assert joined(parts).pieces == WHOLE.pieces


def test_swapped_parts_are_other_content() -> None:
    """No part size is a multiple of the period, so that parts are distinguishable by their content."""
    huge = Content((stretch_of(1, TIB),))
    part = 64 * 1024**2
    first, second = huge.cut(0, part), huge.cut(part, 2 * part)
    assert first.identity != second.identity
    assert len(joined([second, first]).pieces) == 2
    assert joined([second, first]).identity != joined([first, second]).identity


@pytest.mark.parametrize("step", [1000, 65_536, 262_144])
def test_uploaded_virtual_bytes_are_recognised(step: int) -> None:
    """Bytes of the tape that come back are a stretch again; one changed byte is kept as it came."""
    gatherer, changed = Gatherer(SIZE), Gatherer(SIZE)
    for start in range(0, SIZE, step):
        piece = BYTES[start : start + step]
        gatherer.add(piece)
        changed.add(piece if start else b"\x00" + piece[1:])
    assert gatherer.content().pieces == WHOLE.pieces
    altered = changed.content()
    assert altered.identity == Content((b"\x00" + BYTES[1:],)).identity
    assert altered.identity != WHOLE.identity


def test_a_change_in_the_middle_is_kept() -> None:
    """Where an upload leaves the tape, what follows is stored as bytes."""
    gatherer = Gatherer(SIZE)
    changed = BYTES[:500_000] + b"!" + BYTES[500_001:]
    for start in range(0, SIZE, 100_000):
        gatherer.add(changed[start : start + 100_000])
    assert b"".join(gatherer.content().chunks()) == changed


def test_identity_does_not_depend_on_how_bytes_lie() -> None:
    """Plain and virtual bytes that are equal are equal, above and below the limit of exact hashing."""
    small = stretch_of(3, 1000)
    plain = b"".join(small.chunks(PERIOD))
    assert (
        Content((small,)).identity == Content((plain,)).identity == Content((plain[:9], plain[9:])).identity
    )
    assert Content((small,)).md5 == hashlib.md5(plain, usedforsecurity=False).hexdigest()
    long = stretch_of(3, 17 * PERIOD)
    laid = b"".join(long.chunks(PERIOD))
    assert Content((long,)).crc("CRC32") == Content((laid,)).crc("CRC32")


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256"])
def test_hashes_are_base64(algorithm: str) -> None:
    """SHA checksums are written as S3 writes them."""
    running = RunningChecksum(algorithm)
    running.update(b"x")
    expected = hashlib.new(algorithm.lower(), b"x").digest()
    assert running.text == base64.b64encode(expected).decode()


def test_five_tebibytes_cost_nothing(simulator: Simulator, owner: Any, bucket: str) -> None:
    """An object of 5 TiB is shown with its checksum, and read at any place."""
    simulator.put_object(bucket, "huge", size=5 * TIB)
    head = owner.head_object(Bucket=bucket, Key="huge", ChecksumMode="ENABLED")
    assert (head["ContentLength"], head["ETag"][-7:]) == (5 * TIB, '-10000"')
    assert head["ChecksumCRC64NVME"]
    place = 4 * TIB + 99
    read = owner.get_object(Bucket=bucket, Key="huge", Range=f"bytes={place}-{place + 9}")["Body"].read()
    assert read == b"".join(stretch_of(1, 5 * TIB).cut(place, place + 10).chunks(10))


def test_parts_of_a_huge_object_make_it_again(simulator: Simulator, owner: Any, bucket: str) -> None:
    """150 GiB copied in thirty parts are the same content, and still cost nothing."""
    part, count = 5 * 1024**3, 30
    simulator.put_object(bucket, "huge", size=count * part)
    upload = {"Bucket": bucket, "Key": "made"}
    upload["UploadId"] = owner.create_multipart_upload(**upload)["UploadId"]
    parts = []
    for number in range(count):
        extent = f"bytes={number * part}-{(number + 1) * part - 1}"
        told = upload | {"PartNumber": number + 1, "CopySource": f"{bucket}/huge", "CopySourceRange": extent}
        parts.append(
            {"PartNumber": number + 1, "ETag": owner.upload_part_copy(**told)["CopyPartResult"]["ETag"]}
        )
    owner.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    huge, made = simulator.objects(bucket)
    assert (huge["content"], huge["size"]) == (made["content"], made["size"])


def test_a_streamed_virtual_object_stays_virtual(simulator: Simulator, owner: Any, bucket: str) -> None:
    """Its bytes, read and sent again, have their true MD5 and the same content."""
    simulator.put_object(bucket, "a", size=20 * 1024**2, seed=9)
    body = owner.get_object(Bucket=bucket, Key="a")["Body"].read()
    etag = owner.put_object(Bucket=bucket, Key="b", Body=body)["ETag"]
    assert etag == f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    first, second = simulator.objects(bucket)
    assert first["content"] == second["content"]


@pytest.mark.parametrize(
    "told",
    [
        {"ContentMD5": base64.b64encode(bytes(16)).decode()},
        {"ChecksumCRC32": "AAAAAA=="},
        {"ChecksumCRC64NVME": "AAAAAAAAAAA="},
        {"ChecksumSHA256": base64.b64encode(bytes(32)).decode()},
    ],
)
def test_a_body_that_is_not_what_was_promised_is_refused(
    owner: Any,
    bucket: str,
    told: dict[str, str],
) -> None:
    """MD5 and every checksum header are verified, and nothing is stored."""
    assert refused(owner.put_object, Bucket=bucket, Key="a", Body=b"x", **told) == "BadDigest"
    assert refused(owner.head_object, Bucket=bucket, Key="a") == "404"
