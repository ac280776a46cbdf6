"""Signatures: equal to botocore's for whatever can be asked."""

import calendar
import time
from urllib.parse import unquote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from s3mover.model import Credentials
from s3mover.s3.sigv4 import EMPTY_PAYLOAD, UNSIGNED_PAYLOAD, quote_key, quote_query, signed_headers
from tests.s3.samples import KEYS, NOW, ODD_KEYS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.from_regex(r"x-amz-[a-z0-9-]{1,20}|content-[a-z]{1,8}|range|if-match", fullmatch=True).filter(
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


@settings(max_examples=700, deadline=None)
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
