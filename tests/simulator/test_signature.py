"""Signatures: what botocore signs is accepted, what anyone changed afterwards is not."""

import http.client
import time
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from simulator import Simulator, SimulatorKey
from simulator.accounts import AccessKey, make_access_key
from simulator.refusals import Refusal
from simulator.signature import MAX_SKEW, authenticate
from simulator.wire import Request
from testkit.waiting import TOO_LONG
from tests.simulator.conftest import OWNER, MakeBucket, MakeClient
from tests.simulator.refusal import refused

KEY = make_access_key(OWNER, access_key="AKIATEST", secret_key="secret/with+signs")
TEMPORARY = make_access_key(OWNER, session=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)


def signed(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], key: AccessKey = KEY
) -> Request:
    """Let botocore sign a request and return it as our server would see it."""
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    url = f"http://localhost:9000{quote(path, safe='/~')}" + (f"?{pairs}" if pairs else "")
    request = AWSRequest(method, url, headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD", **headers})
    request.context["client_config"] = None
    S3SigV4Auth(Credentials(key.id, key.secret, key.token or None), "s3", "eu-west-1").add_auth(request)
    split = urlsplit(url)
    target = split.path + (f"?{split.query}" if split.query else "")
    seen = {name.lower(): value for name, value in request.headers.items()}
    return Request(method, target.encode(), {"host": "localhost:9000"} | seen)


def code_of(
    request: Request, now: float | None = None, keys: tuple[AccessKey, ...] = (KEY, TEMPORARY)
) -> str:
    """Return the code by which a request is refused."""
    with pytest.raises(Refusal) as caught:
        authenticate(request, {key.id: key for key in keys}, time.time() if now is None else now)
    return caught.value.code


@given(
    path=TEXT, query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3), value=st.text("ab c", max_size=9)
)
def test_what_botocore_signs_is_accepted(path: str, query: dict[str, str], value: str) -> None:
    """Any key, query and header that botocore can sign is signed the same here."""
    request = signed("PUT", f"/bucket/{path}", query, {"x-amz-meta-a": value})
    assert authenticate(request, {KEY.id: KEY}, time.time()) == (KEY, "eu-west-1")


@pytest.mark.parametrize("change", ["method", "path", "query", "header", "payload"])
def test_a_request_changed_after_signing_is_refused(change: str) -> None:
    """Every part of a request is covered by its signature."""
    request = signed("PUT", "/bucket/key", {"a": "b"}, {"x-amz-meta-a": "v"})
    match change:
        case "method":
            request.method = "DELETE"
        case "path":
            request.raw_path = "/bucket/other"
        case "query":
            request.query["a"] = "c"
        case "header":
            request.headers["x-amz-meta-a"] = "w"
        case _:
            request.headers["x-amz-content-sha256"] = "0" * 64
    assert code_of(request) == "SignatureDoesNotMatch"


def test_a_header_of_amazon_must_be_signed() -> None:
    """An x-amz- header added after signing is refused by S3, not ignored."""
    request = signed("GET", "/bucket/key", {}, {})
    request.headers["x-amz-copy-source"] = "other/key"
    assert code_of(request) == "AccessDenied"


def test_an_unknown_key_is_refused() -> None:
    """A key that nobody has is named as such."""
    assert code_of(signed("GET", "/b/k", {}, {}), keys=()) == "InvalidAccessKeyId"


@pytest.mark.parametrize("skew", [MAX_SKEW + 60, -MAX_SKEW - 60])
def test_a_request_of_another_time_is_refused(skew: float) -> None:
    """A clock that is more than a quarter of an hour off is told so."""
    assert code_of(signed("GET", "/b/k", {}, {}), now=time.time() + skew) == "RequestTimeTooSkewed"


def test_a_temporary_key_needs_its_token() -> None:
    """A missing or foreign session token is invalid, an expired one has expired."""
    assert authenticate(signed("GET", "/b/k", {}, {}, TEMPORARY), {TEMPORARY.id: TEMPORARY}, time.time())
    bare = AccessKey(TEMPORARY.id, TEMPORARY.secret, TEMPORARY.principal)
    assert code_of(signed("GET", "/b/k", {}, {}, bare)) == "InvalidToken"
    expired = make_access_key(OWNER, expires_at=time.time() - 1)
    assert code_of(signed("GET", "/b/k", {}, {}, expired), keys=(expired,)) == "ExpiredToken"


@pytest.mark.parametrize("header", ["AWS AKIATEST:abc", "AWS4-HMAC-SHA256 Credential=x", ""])
def test_an_authorization_that_is_none_is_malformed(header: str) -> None:
    """Other schemes and fragments are refused."""
    request = signed("GET", "/b/k", {}, {})
    request.headers["authorization"] = header
    assert code_of(request) == "AuthorizationHeaderMalformed"


def test_a_wrong_secret_is_refused_over_the_wire(
    simulator: Simulator, client_of: MakeClient, owner_key: SimulatorKey, bucket: str
) -> None:
    """A client with the wrong secret gets nowhere."""
    wrong = owner_key._replace(secret_key="wrong")
    assert refused(client_of(wrong).list_objects_v2, Bucket=bucket) == "SignatureDoesNotMatch"
    assert simulator.log("ListObjectsV2", bucket)[-1]["principal"] == "anonymous"


def test_an_expired_key_is_refused_over_the_wire(
    simulator: Simulator, client_of: MakeClient, bucket: str
) -> None:
    """A session works until it expires."""
    session = simulator.add_key(OWNER, expires_in=3600)
    client: Any = client_of(session)
    client.list_objects_v2(Bucket=bucket)
    simulator.expire_key(session)
    assert refused(client.list_objects_v2, Bucket=bucket) == "ExpiredToken"


def test_the_scope_must_name_the_buckets_region(
    simulator: Simulator,
    owner: Any,
    make_bucket: MakeBucket,
) -> None:
    """A bucket elsewhere is answered with the region to sign for, by which boto3 finds its way."""
    for quirks, code in ([], "AuthorizationHeaderMalformed"), (["redirects_regions"], "PermanentRedirect"):
        elsewhere = make_bucket(region="eu-west-1", quirks=quirks)
        owner.put_object(Bucket=elsewhere, Key="a", Body=b"")
        assert [entry["code"] for entry in simulator.log("PutObject", elsewhere)] == [code, ""]


def test_the_servers_clock_can_be_wrong(simulator: Simulator, owner: Any, bucket: str) -> None:
    """A shifted server clock refuses honest requests and says its time in the Date header."""
    simulator.set_clock(3600)
    assert refused(owner.list_objects_v2, Bucket=bucket) == "RequestTimeTooSkewed"


def test_an_unsigned_request_is_nobody(simulator: Simulator, bucket: str) -> None:
    """Without a signature only what a policy opens to everyone is allowed."""
    simulator.put_object(bucket, "a", b"open")
    assert _get(simulator, f"/{bucket}/a") == (403, b"AccessDenied")
    opened = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    simulator.configure_bucket(bucket, policy={"Statement": opened})
    assert _get(simulator, f"/{bucket}/a") == (200, b"open")


def _get(simulator: Simulator, path: str) -> tuple[int, bytes]:
    """Return status and body (or the error's code) of an unsigned GET."""
    connection = http.client.HTTPConnection(urlsplit(simulator.endpoint).netloc, timeout=TOO_LONG)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body.partition(b"<Code>")[2].partition(b"<")[0] or body
