"""Whether a HeadObject precedes a copy: decided once for many objects, and safely where the buckets do not say."""

from collections.abc import Iterator
from typing import Any

import pytest

from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retry_policy
from s3mover.transfer.pre_copy_check import RECHECK_SECONDS, PreCopyCheck
from simulator import Simulator

ACCOUNT = "111111111111"
LOOKS = ("GetObjectLockConfiguration", "GetBucketWebsite")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


class Pair:
    """Two buckets, the check, and a clock that the test sets."""

    def __init__(self, s3: Simulator) -> None:
        key = s3.add_key(ACCOUNT)
        port = int(s3.endpoint.rpartition(":")[2])
        credentials = Credentials(key.access_key, key.secret_key)
        self.s3 = s3
        self.now = 0.0
        self.source, self.destination = (
            Bucket(
                BucketAddress(name, "http", "127.0.0.1", port, f"/{name}", s3.region),
                lambda: credentials,
                lambda *_: None,
            )
            for name in ("from", "to")
        )
        self.auto = self.deciding("auto")

    def deciding(self, mode: str) -> PreCopyCheck:
        retry = retry_policy(3, lambda _: True)
        return PreCopyCheck(mode, self.source, self.destination, lambda: self.now, retry)

    def looks(self) -> int:
        """Return the number of requests that the check made."""
        return sum(count for name, count in self.s3.counts().items() if name.startswith(LOOKS))


@pytest.fixture
def pair(simulator: Simulator) -> Iterator[Pair]:
    simulator.create_bucket("from", ACCOUNT)
    simulator.create_bucket("to", ACCOUNT)
    simulator.clear_log()
    fresh = Pair(simulator)
    yield fresh
    fresh.source.close_thread()
    fresh.destination.close_thread()
    simulator.clear_faults()
    simulator.remove_bucket("from")
    simulator.remove_bucket("to")


@pytest.mark.parametrize(
    ("bucket", "settings", "expected"),
    [
        ("from", {}, False),
        ("from", {"object_lock": True}, True),
        ("from", {"website": True}, True),
        ("to", {"website": True}, True),
        ("to", {"object_lock": True}, False),
    ],
)
def test_a_head_precedes_copies_that_may_lose_something(
    pair: Pair, bucket: str, settings: dict[str, Any], expected: bool
) -> None:
    """Object Lock at the source or a website at either end; locks of the destination are given to every object."""
    pair.s3.configure_bucket(bucket, **settings)
    assert pair.auto.is_needed("k") == expected


def test_the_buckets_are_asked_once(pair: Pair) -> None:
    """However many objects there are; again after a while, since buckets may be reconfigured."""
    assert [pair.auto.is_needed("k") for _ in range(50)] == [False] * 50
    assert pair.looks() == 3
    pair.s3.configure_bucket("to", website=True)
    pair.now = RECHECK_SECONDS - 1
    assert not pair.auto.is_needed("k")
    pair.now = RECHECK_SECONDS
    assert pair.auto.is_needed("k")


@pytest.mark.parametrize(("mode", "expected"), [("always", True), ("never", False)])
def test_a_configured_decision_makes_no_request(pair: Pair, mode: str, expected: bool) -> None:
    """`always` and `never` do not ask the buckets."""
    pair.s3.configure_bucket("from", website=not expected)
    assert pair.deciding(mode).is_needed("k") == expected
    assert pair.looks() == 0


@pytest.mark.parametrize(
    "action", ["s3:GetBucketObjectLockConfiguration", "s3:GetBucketWebsite", "s3:GetBucket*"]
)
def test_a_refused_question_counts_as_yes(pair: Pair, action: str) -> None:
    """Without the permission to ask, a HeadObject precedes each copy."""
    denied = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
    pair.s3.configure_bucket("from", policy={"Statement": denied})
    assert pair.auto.is_needed("k")


@pytest.mark.parametrize("quirk", ["no_bucket_settings", "unknown_subresource_lists"])
def test_a_store_that_does_not_know_such_settings_has_none(pair: Pair, quirk: str) -> None:
    """501, or a page of the listing instead of the document, however full, are a no, which is not asked for again."""
    for bucket in ("from", "to"):
        pair.s3.fill(bucket, 1000, size=1)
        pair.s3.configure_bucket(bucket, quirks=[quirk])
    assert not pair.auto.is_needed("k")
    assert len(pair.s3.log()) == len(LOOKS) + 2


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("MethodNotAllowed", 405, False), ("NotFound", 404, False), ("NoSuchBucket", 404, True)],
)
def test_only_a_plain_no_is_a_no(pair: Pair, code: str, status: int, expected: bool) -> None:
    """A store that does not know the operation has no such settings; a bucket that is gone does not say."""
    pair.s3.add_fault("refusal", operation="GetBucketWebsite", code=code, status=status)
    assert pair.auto.is_needed("k") == expected


def test_temporary_errors_are_retried(pair: Pair) -> None:
    """Only where throttling lasts does a HeadObject precede each copy."""
    fault = pair.s3.add_fault("slow_down", operation="GetBucketWebsite", times=2)
    assert not pair.auto.is_needed("k")
    pair.s3.clear_faults(fault)
    pair.s3.add_fault("slow_down", operation="GetBucketWebsite")
    assert pair.deciding("auto").is_needed("k")


def test_the_operations_raise_their_refusals(pair: Pair) -> None:
    """Called directly, a refusal is an error."""
    assert (pair.source.has_object_lock(), pair.source.is_website()) == (False, False)
    pair.s3.configure_bucket("from", object_lock=True, website=True)
    assert (pair.source.has_object_lock(), pair.source.is_website()) == (True, True)
    pair.s3.add_fault("access_denied", operation="GetBucketWebsite")
    with pytest.raises(S3Error, match="GetBucketWebsite on from: AccessDenied"):
        pair.source.is_website()


@pytest.mark.parametrize("encoding", ["aws-chunked", "gzip, aws-chunked", "gzip"])
def test_a_head_precedes_copies_where_one_object_has_the_framing_of_its_request(
    pair: Pair, encoding: str
) -> None:
    """One object is looked at, which costs one request for all."""
    pair.s3.put_object("from", "k", b"x", headers={"content-encoding": encoding})
    assert [pair.auto.is_needed("k") for _ in range(5)] == ["aws-chunked" in encoding] * 5
    assert pair.s3.counts()["HeadObject"] == 1


def test_an_object_that_cannot_be_looked_at_is_copied_as_it_is(pair: Pair) -> None:
    """The copy itself shows what is wrong with it."""
    assert not pair.auto.is_needed("missing")
