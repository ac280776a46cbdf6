"""The properties of an object as headers of a write."""

import pytest

from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.properties import (
    WriteHeaders,
    hidden_metadata,
    is_tagged,
    property_headers,
    with_source_properties,
    write_headers,
)
from s3mover.transfer.store_features import Feature

POLICY = TransferPolicy(method="auto", part_size=1, max_attempts=1)
LOCKED = {
    "x-amz-object-lock-mode": "GOVERNANCE",
    "x-amz-object-lock-retain-until-date": "2030-01-01T00:00:00Z",
    "x-amz-object-lock-legal-hold": "OFF",
}


def able(_: Feature) -> bool:
    return True


def test_content_headers_and_metadata_are_carried_and_nothing_else() -> None:
    """Headers that describe the content are kept; headers that describe the response are not."""
    answer = {
        "content-type": "text/csv",
        "content-encoding": "gzip",
        "cache-control": "no-store",
        "x-amz-meta-owner": "Zoë",
        "content-length": "5",
        "etag": '"x"',
        "x-amz-storage-class": "GLACIER_IR",
        "x-amz-server-side-encryption": "AES256",
    }
    assert property_headers(answer, []) == {
        "content-type": "text/csv",
        "content-encoding": "gzip",
        "cache-control": "no-store",
        "x-amz-meta-owner": "Zoë",
    }


def test_tags_are_sent_as_a_query() -> None:
    """Tags travel in one header, percent-encoded: not every store takes a plus for a space."""
    assert property_headers({}, [("a b", "1&2"), ("ü", "")]) == {"x-amz-tagging": "a%20b=1%262&%C3%BC="}


def test_the_source_class_is_kept_unless_another_is_configured() -> None:
    """STANDARD is S3's default and is not sent; any other class must be, since S3 does not keep it."""
    assert write_headers(POLICY, "STANDARD", {}, able).headers == {}
    kept = write_headers(POLICY, "STANDARD_IA", {}, able)
    assert (kept.headers, kept.used) == ({"x-amz-storage-class": "STANDARD_IA"}, (Feature.STORAGE_CLASS,))
    configured = TransferPolicy(method="auto", part_size=1, max_attempts=1, storage_class="GLACIER_IR")
    assert write_headers(configured, "STANDARD_IA", {}, able).headers == {"x-amz-storage-class": "GLACIER_IR"}


def test_properties_that_copies_drop_are_sent() -> None:
    """Redirect and Object Lock settings are sent where the source has them; a legal hold that is off is not."""
    source = {"x-amz-website-redirect-location": "/elsewhere", **LOCKED}
    told = write_headers(POLICY, "", source, able)
    assert told.headers == {
        "x-amz-website-redirect-location": "/elsewhere",
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": "2030-01-01T00:00:00Z",
    }
    assert told.note == ""


def test_a_refused_property_is_left_out_and_noted() -> None:
    """A copy without its lock is better than none, and the note says that it is not locked."""
    told = write_headers(POLICY, "STANDARD_IA", LOCKED, lambda feature: feature is not Feature.OBJECT_LOCK)
    assert told.headers == {"x-amz-storage-class": "STANDARD_IA"}
    assert told.used == (Feature.STORAGE_CLASS,)
    assert "the Object Lock settings" in told.note


def test_acl_and_key_are_sent_where_configured() -> None:
    """ACL and KMS key come from the settings alone."""
    policy = TransferPolicy(
        method="auto", part_size=1, max_attempts=1, acl="bucket-owner-full-control", kms_key_id="alias/k"
    )
    assert write_headers(policy, "", {}, able).headers == {
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/k",
    }


@pytest.mark.parametrize(
    ("encryption", "key", "sent"),
    [
        ("", "", []),
        ("AES256", "", ["AES256"]),
        ("aws:kms", "", ["aws:kms"]),
        ("", "k", ["aws:kms", "k"]),
        ("aws:kms:dsse", "k", ["aws:kms:dsse", "k"]),
    ],
)
def test_encryption_is_requested_as_configured(encryption: str, key: str, sent: list[str]) -> None:
    """A key alone means `aws:kms`; without either the bucket's default applies."""
    policy = TransferPolicy("auto", part_size=1, max_attempts=1, encryption=encryption, kms_key_id=key)
    names = ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
    assert write_headers(policy, "", {}, able).headers == dict(zip(names, sent, strict=False))


def test_the_headers_say_whether_there_are_tags() -> None:
    """Without tags no request is made for them."""
    assert is_tagged({"x-amz-tagging-count": "2"})
    assert not is_tagged({})


@pytest.mark.parametrize(
    ("encoding", "kept"),
    [
        ("aws-chunked", None),
        ("gzip,aws-chunked", "gzip"),
        ("AWS-Chunked, gzip", "gzip"),
        ("gzip, br", "gzip, br"),
        ("", ""),
    ],
)
def test_the_framing_of_a_request_is_not_the_encoding_of_an_object(encoding: str, kept: str | None) -> None:
    """A store that left it there shall not have it copied onward."""
    assert property_headers({"content-encoding": encoding}, []).get("content-encoding") == kept


@pytest.mark.parametrize(("stated", "hidden"), [("2", 2), ("0", 0), ("some", 1)])
def test_metadata_that_is_not_returned_is_counted(stated: str, hidden: int) -> None:
    """A number that is none says at least that something is missing."""
    assert hidden_metadata({"x-amz-missing-meta": stated}) == hidden


def test_long_tags_are_not_sent_in_a_header() -> None:
    """They would not fit beside the other headers; ten of the longest plain ones do."""
    plain = [(f"{n}" * 128, "v" * 256) for n in range(10)]
    long = [(f"{n}" * 128, "ü" * 256) for n in range(10)]
    base, tagged = WriteHeaders({}, ()), {"x-amz-tagging-count": "10"}
    in_header = with_source_properties(base, tagged, able, lambda: plain)
    late = with_source_properties(base, tagged, able, lambda: long)
    assert (in_header.late_tags, "x-amz-tagging" in in_header.headers) == ((), True)
    assert (late.late_tags, late.headers) == (long, {})
    assert Feature.TAG_HEADER not in late.used
