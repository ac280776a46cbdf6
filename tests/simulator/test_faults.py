"""Faults on demand: each kind does what it says, to the requests that it names, as often as it should."""

import http.client
import select
from typing import Any

import pytest

from simulator import Simulator
from simulator.faults import QUIRKS, FaultKind, FaultRule
from testkit.waiting import wait_until
from tests.simulator.conftest import MakeBucket
from tests.simulator.raw import EVERYONE, ask, connected
from tests.simulator.refusal import refused

Client = Any


@pytest.fixture
def opened(simulator: Simulator, make_bucket: MakeBucket) -> str:
    """A bucket that is open to everyone, with one object `a`."""
    name = make_bucket(policy=EVERYONE)
    simulator.put_object(name, "a", b"0123456789" * 100)
    return name


def struck(rule: FaultRule, count: int) -> list[int]:
    """Return which of so many requests a rule hits."""
    return [number for number in range(1, count + 1) if rule.hits_request("GetObject", "b", "k", "p")]


def test_a_rule_hits_the_requests_that_it_counts_to() -> None:
    """`nth` names requests by their number, `times` is the most."""
    assert struck(FaultRule(FaultKind.SLOW_DOWN, nth=(2, 4)), 6) == [2, 4]
    assert struck(FaultRule(FaultKind.SLOW_DOWN, times=2), 6) == [1, 2]


def test_chance_is_repeatable() -> None:
    """The same seed hits the same requests; another seed others; about as many as it should."""
    one, same, other = (FaultRule(FaultKind.SLOW_DOWN, probability=0.5, seed=seed) for seed in (1, 1, 2))
    hits = struck(one, 1000)
    assert hits == struck(same, 1000) != struck(other, 1000)
    assert 400 < len(hits) < 600


@pytest.mark.parametrize("field", ["operation", "bucket", "key", "principal"])
def test_a_rule_keeps_to_its_filters(field: str) -> None:
    """A request that a filter does not match is neither hit nor counted."""
    filters: dict[str, Any] = {field: "[x]*"}
    rule = FaultRule(FaultKind.SLOW_DOWN, **filters)
    assert struck(rule, 3) == []
    assert rule.seen == 0


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("slow_down", 503, "SlowDown"),
        ("internal_error", 500, "InternalError"),
        ("service_unavailable", 503, "ServiceUnavailable"),
        ("request_timeout", 400, "RequestTimeout"),
        ("expired_token", 400, "ExpiredToken"),
        ("access_denied", 403, "AccessDenied"),
        ("wrong_region", 400, "AuthorizationHeaderMalformed"),
        ("permanent_redirect", 301, "PermanentRedirect"),
        ("temporary_redirect", 307, "TemporaryRedirect"),
        ("time_skewed", 403, "RequestTimeTooSkewed"),
    ],
)
def test_a_refusal_is_answered_before_acting(
    simulator: Simulator, opened: str, kind: str, status: int, code: str
) -> None:
    """The object is not written, the answer is S3's, and the next request goes through."""
    simulator.add_fault(kind, operation="PutObject", bucket=opened, times=1, region="eu-west-3")
    answer = ask(simulator.endpoint, "PUT", f"/{opened}/new", body=b"x")
    assert (answer.status, answer.code) == (status, code)
    assert simulator.count(opened) == 1
    assert ask(simulator.endpoint, "PUT", f"/{opened}/new", body=b"x").status == 200
    if "region" in code.lower() or status == 301:
        assert answer.headers["x-amz-bucket-region"] == "eu-west-3"


def test_any_other_error_can_be_named(simulator: Simulator, opened: str) -> None:
    """A rule of kind `refusal` has its own code and status."""
    simulator.add_fault("refusal", code="OperationAborted", status=409, bucket=opened)
    answer = ask(simulator.endpoint, "GET", f"/{opened}/a")
    assert (answer.status, answer.code) == (409, "OperationAborted")


def test_an_error_can_come_with_status_200(simulator: Simulator, owner: Client, opened: str) -> None:
    """White space, then an error: nothing was copied (boto3 makes it an error of its own)."""
    simulator.add_fault("error_in_200", operation="CopyObject", bucket=opened, times=2)
    answer = ask(
        simulator.endpoint,
        "PUT",
        f"/{opened}/b",
        headers={"x-amz-copy-source": f"{opened}/a", "Content-Length": "0"},
    )
    assert (answer.status, answer.code) == (200, "InternalError")
    assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n   ')
    copy = {"Bucket": opened, "Key": "b", "CopySource": f"{opened}/a"}
    assert refused(owner.copy_object, **copy) == "InternalError"
    assert simulator.count(opened) == 1
    assert simulator.counts(opened) == {"CopyObject:InternalError": 2}


@pytest.mark.parametrize(("kind", "count"), [("reset_before", 1), ("reset_after", 2)])
def test_a_connection_can_be_reset(simulator: Simulator, opened: str, kind: str, count: int) -> None:
    """Before acting nothing is written; after it the object is there, but nobody was told."""
    simulator.add_fault(kind, operation="PutObject", bucket=opened)
    with pytest.raises(ConnectionResetError) as caught:
        ask(simulator.endpoint, "PUT", f"/{opened}/new", body=b"x")
    assert caught.type is ConnectionResetError  # not its subclass for a connection that was merely closed
    assert simulator.count(opened) == count


def test_a_body_can_be_cut(simulator: Simulator, opened: str) -> None:
    """Less arrives than was announced."""
    simulator.add_fault("truncated_body", operation="GetObject", bucket=opened)
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(simulator.endpoint, "GET", f"/{opened}/a")
    assert len(caught.value.partial) == 500


def test_a_body_can_be_corrupted_on_its_way_out(simulator: Simulator, opened: str) -> None:
    """One bit differs, everything else is as it should be."""
    simulator.add_fault("corrupted_body", operation="GetObject", bucket=opened, offset=3)
    body = ask(simulator.endpoint, "GET", f"/{opened}/a").body
    right = b"0123456789" * 100
    assert [number for number in range(1000) if body[number] != right[number]] == [3]


def test_a_body_can_be_corrupted_on_its_way_in(simulator: Simulator, owner: Client, opened: str) -> None:
    """The ETag tells it; where a checksum was promised the body is refused."""
    simulator.add_fault("corrupted_body", operation="PutObject", bucket=opened)
    answer = ask(simulator.endpoint, "PUT", f"/{opened}/new", body=b"hello")
    assert answer.status == 200
    assert answer.headers["etag"] != '"5d41402abc4b2a76b9719d911017c592"'
    assert simulator.read_object(opened, "new") == b"iello"
    assert refused(owner.put_object, Bucket=opened, Key="new", Body=b"hello") == "BadDigest"


def test_a_body_can_be_slow(simulator: Simulator, opened: str) -> None:
    """It arrives in small pieces, and whole."""
    simulator.add_fault("slow_body", operation="GetObject", bucket=opened, rate=10_000)
    assert ask(simulator.endpoint, "GET", f"/{opened}/a").body == b"0123456789" * 100


@pytest.mark.parametrize(("kind", "count"), [("hang", 1), ("hang_after", 2)])
def test_a_request_can_hang(simulator: Simulator, opened: str, kind: str, count: int) -> None:
    """No answer comes, whether or not something was done."""
    simulator.add_fault(kind, operation="PutObject", bucket=opened)
    with connected(simulator.endpoint, seconds=0.2) as connection:
        connection.request("PUT", f"/{opened}/new", body=b"x")
        wait_until(lambda: simulator.counts(opened), "the request is written down")
        with pytest.raises(TimeoutError):
            connection.getresponse()
    assert simulator.count(opened) == count


def test_an_answer_can_be_held_back(simulator: Simulator, opened: str) -> None:
    """What was asked is done; its answer, and no other, waits until the rule is taken away."""
    held = simulator.add_fault("hold", operation="PutObject", bucket=opened)
    other = simulator.add_fault("hold", operation="DeleteObject", bucket=opened)
    with connected(simulator.endpoint, seconds=0.2) as gone, connected(simulator.endpoint) as connection:
        for number, one in enumerate((gone, connection)):
            one.request("PUT", f"/{opened}/{number}", body=b"x")
        wait_until(lambda: simulator.counts(opened).get("PutObject") == 2, "both are held")
        with pytest.raises(TimeoutError):
            gone.getresponse()
        gone.close()
        assert simulator.count(opened) == 3
        simulator.clear_faults(other)
        assert select.select([connection.sock], [], [], 0)[0] == []
        simulator.clear_faults(held)
        assert connection.getresponse().status == 200
    assert ask(simulator.endpoint, "PUT", f"/{opened}/free", body=b"x").status == 200


def test_xml_can_be_broken(simulator: Simulator, opened: str) -> None:
    """The list page ends in the middle."""
    simulator.add_fault("bad_xml", operation="ListObjectsV2", bucket=opened)
    answer = ask(simulator.endpoint, "GET", f"/{opened}?list-type=2")
    assert answer.status == 200
    assert not answer.body.endswith(b"</ListBucketResult>")
    assert len(answer.body) == int(answer.headers["content-length"])


def test_a_prefix_gives_only_so_much(simulator: Simulator, opened: str) -> None:
    """Beyond a prefix's rate there is SlowDown; other prefixes and reads are not concerned."""
    simulator.set_rate_limit(opened, writes=0.001, reads=0, depth=1)
    answers = [ask(simulator.endpoint, "PUT", f"/{opened}/p/{number}", body=b"").code for number in range(3)]
    assert answers == ["", "SlowDown", "SlowDown"]
    assert ask(simulator.endpoint, "PUT", f"/{opened}/q/0", body=b"").status == 200
    assert ask(simulator.endpoint, "GET", f"/{opened}/p/0").status == 200


def quirky(simulator: Simulator, bucket: str, quirk: str) -> str:
    """Give a bucket a quirk."""
    simulator.configure_bucket(bucket, quirks=[quirk])
    return simulator.endpoint


def test_etags_can_lack_their_quotes(simulator: Simulator, opened: str) -> None:
    """In headers and in lists."""
    url = quirky(simulator, opened, "etag_without_quotes")
    assert '"' not in ask(url, "HEAD", f"/{opened}/a").headers["etag"]
    assert b"quot" not in ask(url, "GET", f"/{opened}?list-type=2").body


@pytest.mark.parametrize(
    ("quirk", "status"), [("trailers_411", 411), ("trailers_400", 400), ("chunks_501", 501)]
)
def test_a_store_can_refuse_trailers(simulator: Simulator, opened: str, quirk: str, status: int) -> None:
    """Bodies with trailers are refused, others not."""
    url = quirky(simulator, opened, quirk)
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "0",
    }
    assert ask(url, "PUT", f"/{opened}/b", body=b"0\r\n\r\n", headers=headers).status == status
    assert ask(url, "PUT", f"/{opened}/b", body=b"").status == 200


@pytest.mark.parametrize(
    ("quirk", "method", "target", "wanted", "unwanted"),
    [
        ("no_tag_set", "GET", "/a?tagging", b"<Tagging", b"TagSet"),
        ("no_error_message", "GET", "/none", b"<Code>NoSuchKey</Code>", b"<Message>"),
        ("no_tagging", "GET", "/a?tagging", b"NotImplemented", b"TagSet"),
        ("unknown_subresource_lists", "GET", "?object-lock", b"ListBucketResult", b"NotImplemented"),
        ("no_url_encoding", "GET", "?list-type=2&encoding-type=url", b"<Key>a</Key>", b"EncodingType"),
        ("no_continuation_token", "GET", "?list-type=2&max-keys=1", b"true</IsTruncated>", b"Token"),
    ],
)
def test_a_store_can_answer_otherwise(
    simulator: Simulator, opened: str, quirk: str, method: str, target: str, wanted: bytes, unwanted: bytes
) -> None:
    """What is left out, and what comes instead."""
    simulator.put_object(opened, "b", b"")
    body = ask(quirky(simulator, opened, quirk), method, f"/{opened}{target}").body
    assert wanted in body
    assert unwanted not in body


def test_pages_can_be_out_of_order_or_repeated(simulator: Simulator, owner: Client, opened: str) -> None:
    """A listing that contradicts itself, for clients that should notice."""
    simulator.put_object(opened, "b", b"")
    quirky(simulator, opened, "unordered_pages")
    assert [one["Key"] for one in owner.list_objects_v2(Bucket=opened)["Contents"]] == ["b", "a"]
    quirky(simulator, opened, "repeats_page")
    first = owner.list_objects_v2(Bucket=opened, MaxKeys=1)
    token = first["NextContinuationToken"]
    again = owner.list_objects_v2(Bucket=opened, MaxKeys=1, ContinuationToken=token)
    assert again["Contents"] == first["Contents"]


def test_a_store_can_refuse_copies_and_classes(simulator: Simulator, owner: Client, opened: str) -> None:
    """No server-side copy at all, no class but STANDARD."""
    quirky(simulator, opened, "no_copy")
    copy = {"Bucket": opened, "Key": "b", "CopySource": f"{opened}/a"}
    assert refused(owner.copy_object, **copy) == "NotImplemented"
    quirky(simulator, opened, "standard_class_only")
    assert refused(owner.copy_object, **copy, StorageClass="STANDARD_IA") == "InvalidStorageClass"


def test_an_unknown_quirk_is_refused(simulator: Simulator, opened: str) -> None:
    """A misspelt quirk would make a test of nothing."""
    with pytest.raises(ValueError, match="no such quirk"):
        simulator.configure_bucket(opened, quirks=["etags_without_quotes"])
    with pytest.raises(ValueError, match="sloow_down"):
        simulator.add_fault("sloow_down")
    assert all(QUIRKS.values())


@pytest.mark.parametrize(("told", "status"), [({}, 200), ({"x-amz-sdk-checksum-algorithm": "CRC32"}, 400)])
def test_a_store_can_ignore_trailers_of_which_it_was_not_told(
    simulator: Simulator, opened: str, told: dict[str, str], status: int
) -> None:
    """A wrong one is refused only where its algorithm is sent as a header, too."""
    url = quirky(simulator, opened, "ignores_trailers")
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "1",
        "x-amz-trailer": "x-amz-checksum-crc32",
        **told,
    }
    body = b"1\r\na\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    assert ask(url, "PUT", f"/{opened}/b", body=body, headers=headers).status == status
