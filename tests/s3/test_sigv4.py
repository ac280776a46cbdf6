"""Signatures: equal to botocore's for any request."""

import calendar
import time
from urllib.parse import unquote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from s3mover.model import Credentials
from s3mover.s3.sigv4 import (
    EMPTY_PAYLOAD,
    UNSIGNED_PAYLOAD,
    ChunkSigner,
    quote_key,
    quote_query,
    signed_headers,
)
from tests.s3.samples import KEYS, NOW, ODD_KEYS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = (
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20).map("x-amz-{}".format)
    | st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8).map("content-{}".format)
    | st.sampled_from(["range", "if-match"])
).filter(
    lambda name: name not in {"content-length", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}
)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from(" \t"), max_size=40)


def botocore_signs(
    method: str, path: str, query: str, headers: dict[str, str], keys: Credentials, region: str
) -> tuple[str, float]:
    """Return botocore's Authorization header for a request, and when it signed."""
    request = AWSRequest(method, f"http://{headers['host']}{path}{'?' * bool(query)}{query}", headers, b"")
    signer = S3SigV4Auth(
        BotoCredentials(keys.access_key, keys.secret_key, keys.session_token or None), "s3", region
    )
    signer.add_auth(request)
    stamp = time.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    return request.headers["Authorization"], float(calendar.timegm(stamp))


@settings(max_examples=700)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]),
    key=TEXT | st.sampled_from(ODD_KEYS),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    headers=st.dictionaries(NAMES, VALUES, max_size=6),
    token=st.sampled_from(["", "FwoGZXIvYXdzE/+=="]),
)
def test_a_signature_is_botocores(
    method: str, key: str, query: list[tuple[str, str]], headers: dict[str, str], token: str
) -> None:
    """For any key, query and headers, runs of blanks included, we sign as botocore does."""
    keys = KEYS._replace(session_token=token)
    path, encoded = f"/bucket/{quote_key(key)}", quote_query(query)
    wanted = {"host": "127.0.0.1:9000", "x-amz-content-sha256": EMPTY_PAYLOAD, **headers}
    for region in ("us-east-1", "eu-central-1", "cn-north-1"):
        theirs, when = botocore_signs(method, path, encoded, dict(wanted), keys, region)
        ours = signed_headers(method, path, encoded, wanted, credentials=keys, region=region, now=when)
        assert ours["authorization"] == theirs


def test_raw_utf8_in_a_header_is_signed_byte_by_byte() -> None:
    """A value read as latin-1 is signed as the bytes it stands for, 0xA0 within a character included."""
    text = "à  déjà vu"
    theirs, when = botocore_signs(
        "PUT",
        "/b/k",
        "",
        {"host": "h", "x-amz-meta-t": text, "x-amz-content-sha256": EMPTY_PAYLOAD},
        KEYS,
        "r",
    )
    wire = {
        "host": "h",
        "x-amz-meta-t": text.encode().decode("latin-1"),
        "x-amz-content-sha256": EMPTY_PAYLOAD,
    }
    ours = signed_headers("PUT", "/b/k", "", wire, credentials=KEYS, region="r", now=when)
    assert ours["authorization"] == theirs


def test_the_example_of_the_documentation_comes_out() -> None:
    """The GET example of S3's API reference gives the signature printed there."""
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": EMPTY_PAYLOAD,
    }
    now = float(calendar.timegm((2013, 5, 24, 0, 0, 0)))
    signed = signed_headers("GET", "/test.txt", "", headers, credentials=KEYS, region="us-east-1", now=now)
    assert signed["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_what_machines_on_the_way_may_rewrite_is_not_signed() -> None:
    """A changed user agent or length spoils no signature."""
    wanted = {"host": "h", "x-amz-content-sha256": UNSIGNED_PAYLOAD}
    extra = {"user-agent": "x", "content-length": "3", "accept-encoding": "identity"}
    bare = signed_headers("PUT", "/k", "", wanted, credentials=KEYS, region="r", now=NOW)
    full = signed_headers("PUT", "/k", "", wanted | extra, credentials=KEYS, region="r", now=NOW)
    assert bare["authorization"] == full["authorization"]


@given(key=TEXT | st.sampled_from(ODD_KEYS))
def test_a_quoted_key_is_plain_ascii_and_comes_back(key: str) -> None:
    """Quoting loses nothing and keeps slashes."""
    quoted = quote_key(key)
    assert unquote(quoted) == key
    assert quoted.isascii()
    assert not set(quoted) & set(" ?#+\"'<>\r\n")
    assert quoted.count("/") == key.count("/")


@pytest.mark.parametrize(
    ("seed", "chunks"),
    [
        (
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
            [
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ],
        ),
        (
            "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
            [
                "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
                "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
            ],
        ),
    ],
)
def test_chunks_are_signed_as_amazon_documents_it(seed: str, chunks: list[str]) -> None:
    """The examples of the S3 API Reference: 65 KiB in two chunks, the empty one, and a trailer in the second."""
    head = {"x-amz-date": "20130524T000000Z", "authorization": f"AWS4-HMAC-SHA256 ..., Signature={seed}"}
    signer = ChunkSigner(head, KEYS, "us-east-1")
    signed = [signer.chunk(b"a" * 65536), signer.chunk(memoryview(b"a" * 1024)), signer.chunk(b"")]
    if len(chunks) > len(signed):
        signed.append(signer.trailer(b"x-amz-checksum-crc32c:sOO8/Q==\n"))
    assert signed == chunks


def test_chunks_go_on_from_the_signature_of_the_head() -> None:
    """The first chunk is signed together with the head's own signature, time and region."""
    wanted = {"host": "h", "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    head = signed_headers("PUT", "/k", "", wanted, credentials=KEYS, region="eu-west-1", now=NOW)
    seed = head["authorization"][-64:]
    bare = {"x-amz-date": head["x-amz-date"], "authorization": f"Signature={seed}"}
    assert ChunkSigner(head, KEYS, "eu-west-1").chunk(b"x") == ChunkSigner(bare, KEYS, "eu-west-1").chunk(
        b"x"
    )
    assert ChunkSigner(head, KEYS, "eu-west-1").chunk(b"x") != ChunkSigner(head, KEYS, "eu-west-2").chunk(
        b"x"
    )
