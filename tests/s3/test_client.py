"""One request from beginning to end: errors, counts, and corrections by a second request."""

import re
from email.utils import formatdate

import pytest

from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.bucket import Bucket
from testkit.scripted_server import Peer, Play, answer, chunked, scripted
from tests.s3.samples import KEYS, NOW, bucket_on

COPIED = b'<?xml version="1.0"?>\n<CopyObjectResult><ETag>"abc"</ETag></CopyObjectResult>'
PART_SIZE = 5 * 2**20


def error_body(code: str, message: str = "Said so.", more: str = "") -> bytes:
    said = (
        f"<Code>{code}</Code><Message>{message}</Message><RequestId>r1</RequestId><HostId>h1</HostId>{more}"
    )
    return f"<Error>{said}</Error>".encode()


def answering(*answers: bytes) -> Play:
    """Play: one response per request."""

    def play(peer: Peer) -> None:
        for said in answers:
            peer.answer(said)
        peer.wait_for_end()

    return play


def copy(bucket: Bucket) -> str:
    return bucket.copy("k", source_bucket="s", source_key="k", if_match="e", headers={}).etag


def refusal_of(*answers: bytes) -> S3Error:
    """Return the error that CopyObject raises after these responses."""
    with bucket_on(answering(*answers)) as (bucket, _, _), pytest.raises(S3Error) as caught:
        copy(bucket)
    return caught.value


@pytest.mark.parametrize("said", [answer(COPIED), chunked(b"  \n", b" ", COPIED), answer(b"\n\n  " + COPIED)])
def test_a_copy_succeeds_once_its_body_says_so(said: bytes) -> None:
    """White space before the document keeps the connection alive and means nothing."""
    with bucket_on(answering(said)) as (bucket, _, counter):
        assert copy(bucket) == "abc"
    assert counter.counted == [("CopyObject", "200")]


@pytest.mark.parametrize(
    ("code", "temporary"), [("InternalError", True), ("SlowDown", True), ("AccessDenied", False)]
)
def test_an_error_in_a_200_is_an_error(code: str, temporary: bool) -> None:
    """CopyObject, UploadPartCopy and CompleteMultipartUpload may fail after their status was sent."""
    said = chunked(b"   ", error_body(code))
    calls = (
        copy,
        lambda bucket: bucket.copy_part(
            "k", "u", 1, source_bucket="s", source_key="k", first=0, last=1, if_match="e"
        ),
        lambda bucket: bucket.complete_upload("k", "u", [(1, "e")], {}),
    )
    with bucket_on(answering(said, said, said)) as (bucket, _, counter):
        for call in calls:
            with pytest.raises(S3Error, match=code) as caught:
                call(bucket)
            assert (caught.value.status, caught.value.temporary) == (200, temporary)
    assert [said_code for _, said_code in counter.counted] == [code] * 3


@pytest.mark.parametrize(
    "body", [b"", b"   ", b"<CopyObjectResult>", b"OK", b"<CopyObjectResult></CopyObjectResult>"]
)
def test_a_200_without_a_document_is_not_a_success(body: bytes) -> None:
    """An empty or broken body is temporary trouble."""
    error = refusal_of(answer(body))
    assert (error.code, error.temporary) == ("InvalidResponse", True)


def test_another_document_than_asked_for_is_an_unknown_operation() -> None:
    """Stores that do not know a sub-resource respond with another document."""
    with (
        bucket_on(answering(answer(b"<ListBucketResult/>"))) as (bucket, _, _),
        pytest.raises(S3Error) as caught,
    ):
        bucket.tags("k")
    assert (caught.value.code, caught.value.temporary) == ("NotImplemented", False)


@pytest.mark.parametrize(
    ("status", "body", "code", "temporary"),
    [
        ("503 Slow Down", error_body("SlowDown"), "SlowDown", True),
        ("500 Internal Server Error", error_body("InternalError"), "InternalError", True),
        ("400 Bad Request", error_body("RequestTimeout"), "RequestTimeout", True),
        ("409 Conflict", error_body("OperationAborted"), "OperationAborted", True),
        ("409 Conflict", error_body("ConditionalRequestConflict"), "ConditionalRequestConflict", True),
        ("409 Conflict", error_body("InvalidBucketState"), "InvalidBucketState", False),
        ("429 Too Many Requests", b"", "TooManyRequests", True),
        ("502 Bad Gateway", b"<html>nginx</html>", "BadGateway", True),
        ("504 Gateway Time-out", b"not XML", "GatewayTimeout", True),
        ("503 Service Unavailable", b"", "ServiceUnavailable", True),
        ("403 Forbidden", error_body("AccessDenied"), "AccessDenied", False),
        ("400 Bad Request", error_body("ExpiredToken"), "ExpiredToken", True),
        ("404 Not Found", error_body("NoSuchKey"), "NoSuchKey", False),
        ("412 Precondition Failed", error_body("PreconditionFailed"), "PreconditionFailed", False),
        ("501 Not Implemented", b"", "NotImplemented", False),
        ("418 I'm a teapot", error_body("has spaces and is no code"), "I'maTeapot", False),
        ("599 Odd", b"", "Status599", False),
        ("302 Found", b"", "Found", False),
    ],
)
def test_every_refusal_says_whether_trying_again_can_help(
    status: str, body: bytes, code: str, temporary: bool
) -> None:
    """By S3's code, else by the status."""
    error = refusal_of(answer(body, status))
    assert (error.code, error.temporary, error.status) == (code, temporary, int(status[:3]))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("404 Not Found", "NotFound"),
        ("403 Forbidden", "AccessDenied"),
        ("412 Precondition Failed", "PreconditionFailed"),
        ("400 Bad Request", "BadRequest"),
        ("301 Moved Permanently", "PermanentRedirect"),
        ("500 Internal Server Error", "InternalError"),
    ],
)
def test_a_refused_head_gets_its_code_from_the_status(status: str, code: str) -> None:
    """There is no body to read it from; a 400 may mean an expired token or a slow request."""
    said = f"HTTP/1.1 {status}\r\nContent-Length: 300\r\nx-amz-request-id: r7\r\n\r\n".encode()
    with bucket_on(answering(said)) as (bucket, _, counter), pytest.raises(S3Error) as caught:
        bucket.head("k")
    assert (caught.value.code, caught.value.operation, caught.value.request_id) == (code, "HeadObject", "r7")
    assert counter.counted == [("HeadObject", code)]
    assert caught.value.temporary == (code in {"BadRequest", "InternalError"})


def test_an_error_says_who_refused_what() -> None:
    """Operation, message on one line, request id, host id and region stand in it."""
    error = refusal_of(
        answer(error_body("AccessDenied", "No\n  way. " + "x" * 900, "<Region>eu-west-3</Region>"), "403 F")
    )
    assert (error.operation, error.request_id, error.host_id, error.region) == (
        "CopyObject",
        "r1",
        "h1",
        "eu-west-3",
    )
    assert error.message.startswith("No way. xxx")
    assert len(error.message) == 500


def test_secrets_that_a_server_repeats_are_taken_out() -> None:
    """Neither message nor repr holds what signs requests."""
    keys = Credentials("AKID", "very/secret", "the+token")
    said = answer(error_body("SignatureDoesNotMatch", "not very/secret with the+token"), "403 Forbidden")
    with bucket_on(answering(said), keys=keys) as (bucket, _, _), pytest.raises(S3Error) as caught:
        copy(bucket)
    assert "secret" not in repr(caught.value) + str(caught.value)
    assert "token" not in repr(caught.value) + str(caught.value)


def test_a_connection_error_names_the_operation_and_is_counted() -> None:
    """A network error is reported like a refusal."""
    with bucket_on(Peer.close) as (bucket, _, counter), pytest.raises(S3Error) as caught:
        copy(bucket)
    assert (caught.value.operation, caught.value.status) == ("CopyObject", 0)
    assert counter.counted == [("CopyObject", "ConnectionError")]


def signed_at(request: bytes) -> str:
    found = re.search(rb"x-amz-date: (\w+)", request)
    assert found
    return found[1].decode()


SKEWED = answer(
    error_body("RequestTimeTooSkewed"), "403 Forbidden", f"Date: {formatdate(NOW + 7200, usegmt=True)}"
)


def test_a_wrong_clock_is_set_by_the_servers() -> None:
    """The request is signed again at S3's time, and so are all that follow."""
    with bucket_on(answering(SKEWED, answer(COPIED), answer(COPIED))) as (bucket, heard, counter):
        assert copy(bucket) == "abc"
        assert copy(bucket) == "abc"
    assert [signed_at(request) for request in heard] == [
        "20250104T031709Z",
        "20250104T051709Z",
        "20250104T051709Z",
    ]
    assert [code for _, code in counter.counted] == ["RequestTimeTooSkewed", "200", "200"]


def test_a_refused_head_with_a_distant_date_is_a_wrong_clock() -> None:
    """HEAD does not say why it refuses; a clock that is hours off explains it."""
    said = f"HTTP/1.1 403 Forbidden\r\nDate: {formatdate(NOW - 7200, usegmt=True)}\r\n\r\n".encode()
    with bucket_on(answering(said, answer(b""))) as (bucket, heard, _):
        bucket.head_bucket()
    assert [signed_at(request) for request in heard] == ["20250104T031709Z", "20250104T011709Z"]


def test_a_clock_is_corrected_once() -> None:
    """A server that goes on refusing is believed."""
    assert refusal_of(SKEWED, SKEWED).code == "RequestTimeTooSkewed"


def test_a_second_lesson_is_for_the_next_attempt() -> None:
    """Where the second request is refused and the target was corrected again, the error is temporary."""
    wrong = [
        answer(
            error_body("AuthorizationHeaderMalformed", more=f"<Region>{region}</Region>"), "400 Bad Request"
        )
        for region in ("eu-west-3", "us-east-1")
    ]
    assert refusal_of(*wrong).temporary


def test_a_body_that_fails_where_it_comes_from_is_not_blamed_on_the_write() -> None:
    """The error of the read that feeds a write names that read."""

    def read(_: memoryview) -> int:
        raise S3Error("IncompleteBody", operation="GetObject", bucket="source", temporary=True)

    with (
        bucket_on(answering()) as (bucket, _, counter),
        pytest.raises(S3Error, match="GetObject on source: IncompleteBody"),
    ):
        bucket.put("k", read, 5, {}, chunks=True)
    assert counter.counted == [("PutObject", "IncompleteBody")]


@pytest.mark.parametrize("date", ["", "Date: yesterday", f"Date: {formatdate(NOW + 5, usegmt=True)}"])
def test_a_refusal_for_another_reason_is_not_corrected(date: str) -> None:
    """Nothing was corrected, so the request is not sent again."""
    with bucket_on(answering(answer(error_body("AccessDenied"), "403 Forbidden", date))) as (
        bucket,
        heard,
        _,
    ):
        with pytest.raises(S3Error, match="AccessDenied"):
            copy(bucket)
        assert len(heard) == 1


def test_a_signature_for_the_wrong_region_is_made_anew() -> None:
    """S3 names the right one in the body or in a header."""
    wrong = answer(
        error_body("AuthorizationHeaderMalformed", more="<Region>eu-west-3</Region>"), "400 Bad Request"
    )
    with bucket_on(answering(wrong, answer(COPIED))) as (bucket, heard, _):
        assert copy(bucket) == "abc"
    assert b"/us-east-1/s3/" in heard[0]
    assert b"/eu-west-3/s3/" in heard[1]


@pytest.mark.parametrize(
    ("status", "more", "headers"),
    [
        ("301 Moved Permanently", "", ["x-amz-bucket-region: eu-west-3"]),
        ("307 Temporary Redirect", "", ["x-amz-bucket-region: eu-west-3"]),
        ("301 Moved Permanently", "<Region>eu-west-3</Region>", []),
        ("307 Temporary Redirect", "<Endpoint>b.s3-eu-west-3.amazonaws.com</Endpoint>", []),
    ],
)
def test_a_redirect_to_another_region_is_followed_and_remembered(
    status: str, more: str, headers: list[str]
) -> None:
    """On a store of one's own only the signature changes; the next request is signed rightly at once."""
    elsewhere = answer(error_body("PermanentRedirect", more=more), status, *headers)
    with bucket_on(answering(elsewhere, answer(COPIED), answer(COPIED))) as (bucket, heard, counter):
        assert copy(bucket) == "abc"
        assert copy(bucket) == "abc"
    assert [b"/eu-west-3/s3/" in request for request in heard] == [False, True, True]
    assert [code for _, code in counter.counted] == ["PermanentRedirect", "200", "200"]


def test_a_refused_head_may_name_the_region_too() -> None:
    """There is no body, only the header."""
    said = b"HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: eu-west-3\r\nContent-Length: 9\r\n\r\n"
    with bucket_on(answering(said, answer(b""))) as (bucket, heard, _):
        bucket.head_bucket()
    assert b"/eu-west-3/s3/" in heard[1]


def test_on_aws_a_redirect_leads_to_the_region_s_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go to the host of its region, on a new connection, from then on."""
    elsewhere = answer(b"", "301 Moved Permanently", "x-amz-bucket-region: eu-west-3")
    with scripted(answering(elsewhere), answering(answer(COPIED), answer(COPIED))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}:{proxy.port}")
        address = BucketAddress("b", "http", "b.s3.us-east-1.amazonaws.com", 80, "", "us-east-1")
        bucket = Bucket(address, lambda: KEYS, lambda *_: None)
        assert copy(bucket) == "abc"
        assert copy(bucket) == "abc"
        bucket.close_thread()
    hosts = [request.split(b" ")[1].split(b"/")[2] for request in proxy.heard]
    here, there = b"b.s3.us-east-1.amazonaws.com", b"b.s3.eu-west-3.amazonaws.com"
    assert hosts == [here, there, there]
    assert [b"\r\nhost: " + there in request for request in proxy.heard] == [False, True, True]
    assert [b"/eu-west-3/s3/" in request for request in proxy.heard] == [False, True, True]


@pytest.mark.parametrize("region", ["", "us-east-1"])
def test_a_redirect_that_leads_nowhere_else_is_an_error(region: str) -> None:
    """No other region is named, so the request is not sent again."""
    told = [f"x-amz-bucket-region: {region}"] if region else []
    with bucket_on(answering(answer(b"", "301 Moved Permanently", *told))) as (bucket, heard, _):
        with pytest.raises(S3Error, match="PermanentRedirect") as refused:
            copy(bucket)
        assert (len(heard), refused.value.temporary) == (1, False)


def test_redirects_in_a_circle_are_followed_once() -> None:
    """Two hosts that redirect to each other end in an error: the caller bounds the attempts."""
    circle = [
        answer(b"", "301 Moved Permanently", f"x-amz-bucket-region: {region}")
        for region in ("eu-west-3", "us-east-1")
    ]
    with bucket_on(answering(*circle)) as (bucket, heard, _):
        with pytest.raises(S3Error, match="PermanentRedirect"):
            copy(bucket)
        assert len(heard) == 2


def test_a_body_being_read_survives_a_correction_of_the_host() -> None:
    """A connection that is still being read from is not closed when another request corrects the host."""
    content = answer(b"0123456789", "200 OK", 'ETag: "e"')
    wrong = answer(b"", "301 Moved Permanently", "x-amz-bucket-region: eu-west-3")
    tags = answer(b"<Tagging><TagSet/></Tagging>")
    with bucket_on(answering(content), answering(wrong, tags)) as (bucket, _, _), bucket.get("k") as body:
        assert bucket.tags("k") == []
        assert body.read_all() == b"0123456789"


def test_a_stream_is_not_sent_again_but_may_be_tried_anew() -> None:
    """What was read is gone: the error is temporary now, since the next attempt will be signed rightly."""
    with bucket_on(answering(SKEWED)) as (bucket, heard, _):
        with pytest.raises(S3Error) as caught:
            bucket.put("k", len, 5, {}, chunks=True)
        assert (caught.value.code, caught.value.temporary, len(heard)) == ("RequestTimeTooSkewed", True, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-meta-a": "b\r\nx-amz-acl: public-read"},
        {"x-amz-meta-a": "b\n"},
        {"x-amz-meta-a": "\0"},
        {"x-amz-meta-a": "日本"},
        {"x-amz-meta-a: b\r\nx": "y"},
        {"x-amz meta": "y"},
        {"X-Amz-Acl": "y"},
    ],
)
def test_a_header_cannot_smuggle_another(headers: dict[str, str]) -> None:
    """What no header can hold is refused before anything is sent."""
    with bucket_on() as (bucket, heard, counter):
        with pytest.raises(S3Error) as caught:
            bucket.create_upload("k", headers)
        assert (caught.value.code, caught.value.temporary, heard) == ("InvalidHeader", False, [])
    assert counter.counted == [("CreateMultipartUpload", "InvalidHeader")]


def test_metadata_that_is_not_ascii_goes_on_as_it_came() -> None:
    """The bytes of a header that was read are the bytes that are sent."""
    raw = "grün, 緑".encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx-amz-meta-t: " + raw + b"\r\n\r\n"
    with bucket_on(
        answering(
            head,
            answer(b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"),
        )
    ) as (bucket, heard, _):
        read = bucket.head("k").headers["x-amz-meta-t"]
        bucket.create_upload("k", {"x-amz-meta-t": read})
    assert b"\r\nx-amz-meta-t: " + raw + b"\r\n" in heard[1]


def test_every_request_names_the_owner_where_one_is_expected() -> None:
    """A bucket that changed hands is refused by S3."""
    with bucket_on(answering(answer(COPIED)), expected_owner="123456789012") as (bucket, heard, _):
        copy(bucket)
    assert b"\r\nx-amz-expected-bucket-owner: 123456789012\r\n" in heard[0]
    assert b"x-amz-expected-bucket-owner" in heard[0].partition(b"SignedHeaders=")[2]


def test_every_request_offers_to_pay_where_configured() -> None:
    """Requester-pays buckets refuse all others."""
    with bucket_on(answering(answer(COPIED)), request_payer=True) as (bucket, heard, _):
        copy(bucket)
    assert b"\r\nx-amz-request-payer: requester\r\n" in heard[0]


def test_a_session_token_is_sent_and_signed() -> None:
    """Temporary credentials prove themselves by their token."""
    with bucket_on(answering(answer(COPIED)), keys=Credentials("AKID", "s", "tok")) as (bucket, heard, _):
        copy(bucket)
    assert b"\r\nx-amz-security-token: tok\r\n" in heard[0]
    assert b"x-amz-security-token" in heard[0].partition(b"SignedHeaders=")[2]


def test_every_copy_names_its_source_s_owner_where_one_is_expected() -> None:
    """So that nothing is copied out of a stranger's bucket of that name, whole or in parts; other requests do not."""
    part = b"<CopyPartResult><ETag>e</ETag></CopyPartResult>"
    told = b"\r\nx-amz-source-expected-bucket-owner: 210987654321\r\n"
    plays = answering(answer(COPIED), answer(part), answer(b""))
    with bucket_on(plays, expected_source_owner="210987654321") as (bucket, heard, _):
        copy(bucket)
        bucket.copy_part(
            "k", "u", 1, source_bucket="s", source_key="k", first=0, last=PART_SIZE - 1, if_match="e"
        )
        bucket.delete("k")
    assert [told in request for request in heard] == [True, True, False]


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Sat, 04 Jan 99999999 03:17:09 GMT",
        "Sat, 04 Jan 2025 03:17:09 +9999999",
        "Sat, 04 Jan 0001 00:00:00 +2359",
    ]
    + [formatdate(NOW + days * 86_400, usegmt=True) for days in (-400, -2, 2, 4000)],
)
def test_a_date_that_is_nonsense_corrects_no_clock(date: str) -> None:
    """Neither one that cannot be read nor one that is days off: later requests would be signed for that day."""
    refused = answer(error_body("RequestTimeTooSkewed"), "403 Forbidden", f"Date: {date}")
    with bucket_on(answering(refused, answer(COPIED))) as (bucket, heard, _):
        with pytest.raises(S3Error, match="RequestTimeTooSkewed"):
            copy(bucket)
        assert copy(bucket) == "abc"
    assert b"x-amz-date: 20250104T031709Z" in heard[1]


@pytest.mark.parametrize(
    "stated", ["bytes 0-9/" + "9" * 5000, "bytes 0-9/x", "nonsense", "bytes 0-9/*", "bytes 0-9/-1"]
)
def test_a_total_that_is_nonsense_is_unknown(stated: str) -> None:
    """The bytes are read all the same."""
    said = answer(b"0123456789", "206 Partial Content", f"Content-Range: {stated}")
    with bucket_on(answering(said)) as (bucket, _, _):
        if stated.startswith("bytes 0-"):
            with bucket.get("k", first=0, last=9) as body:
                assert (body.head.size, body.read_all()) == (-1, b"0123456789")
        else:
            with pytest.raises(S3Error, match="InvalidResponse"):
                bucket.get("k", first=0, last=9)


def test_texts_of_a_server_are_clean_and_short_wherever_they_stand() -> None:
    """Ids of megabytes, a session token that is repeated, and what a terminal would obey come into no log or trail."""
    keys = Credentials("AKID", "very/secret", "the+token" * 60)
    body = (
        f"<Error><Code>AccessDenied</Code><Message>\x1b[31mno {keys.session_token}</Message>"
        f"<RequestId>{keys.session_token}{'r' * 50_000}</RequestId><HostId>very/secret\x1b]0;h</HostId></Error>"
    )
    refused = answering(answer(body.encode(), "403 F"))
    with bucket_on(refused, keys=keys) as (bucket, _, _), pytest.raises(S3Error) as caught:
        copy(bucket)
    error = caught.value
    assert (error.message, len(error.request_id), error.host_id) == ("[31mno …", 128, "…]0;h")
    assert "token" not in str(error) + repr(error)


def test_an_upload_begins_whatever_the_document_is_called() -> None:
    """What it contains decides, as it does for the libraries of AWS; a list page is none."""
    named = answer(b"<InitiateMultipartUpload><UploadId>u1</UploadId></InitiateMultipartUpload>")
    listed = answer(b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")
    with bucket_on(answering(named, listed)) as (bucket, _, _):
        assert bucket.create_upload("k", {}) == "u1"
        with pytest.raises(S3Error, match="NotImplemented: the response is ListBucketResult"):
            bucket.create_upload("k", {})


def test_a_length_that_head_lacks_is_taken_from_the_listing() -> None:
    """A proxy may drop it."""
    listed = b"<IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>7</Size></Contents>"
    page = b"<ListBucketResult>%s</ListBucketResult>" % listed
    with bucket_on(answering(b'HTTP/1.1 200 OK\r\nETag: W/"e"\r\n\r\n', answer(page))) as (bucket, _, _):
        assert bucket.head("k")[:2] == (7, "e")
