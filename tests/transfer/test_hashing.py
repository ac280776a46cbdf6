"""Computing S3's checksums, against the values that the algorithms' authors publish and against each other."""

import zlib
from base64 import b64decode
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.transfer.checksums import Algorithm, base64_text
from s3mover.transfer.hashing import base64_length, combine, hasher

JOINING = [algorithm for algorithm in Algorithm if algorithm.is_combinable]


@pytest.mark.parametrize(
    ("algorithm", "check"),
    [
        # The value of "123456789" in the catalogue of parametrised CRC algorithms.
        (Algorithm.CRC64NVME, "ae8b14860a799888"),
        (Algorithm.CRC32C, "e3069283"),
        (Algorithm.CRC32, "cbf43926"),
        (Algorithm.SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        (Algorithm.SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_the_published_check_values_hold(algorithm: Algorithm, check: str) -> None:
    """Each algorithm is the one that its name says."""
    computed = hasher(algorithm)
    computed.update(memoryview(b"1234"))
    computed.update(memoryview(b"56789"))
    assert computed.digest().hex() == check


@given(content=st.binary(max_size=500), cuts=st.lists(st.integers(0, 500), max_size=5))
def test_checksums_of_parts_combine_to_that_of_the_object(content: bytes, cuts: list[int]) -> None:
    """However an object is cut, the checksums of its parts give that of the object."""
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [content[first:last] for first, last in pairwise(edges)]
    for algorithm in JOINING:
        whole = hasher(algorithm)
        whole.update(memoryview(content))
        parts = []
        for piece in pieces:
            part = hasher(algorithm)
            part.update(memoryview(piece))
            parts.append((part.digest(), len(piece)))
        assert combine(algorithm, parts) == whole.digest()


@given(content=st.binary())
def test_a_checksum_is_base64_of_its_bytes_most_significant_first(content: bytes) -> None:
    """As S3 writes it."""
    crc = hasher(Algorithm.CRC32)
    crc.update(memoryview(content))
    assert b64decode(base64_text(crc.digest())) == zlib.crc32(content).to_bytes(4, "big")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_length_in_base64_is_known_beforehand(algorithm: Algorithm) -> None:
    """A trailer's length is sent before its checksum is computed."""
    computed = hasher(algorithm)
    computed.update(memoryview(b"content"))
    assert len(base64_text(computed.digest())) == base64_length(algorithm)
