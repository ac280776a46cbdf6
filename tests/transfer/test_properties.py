"""What travels with the bytes."""

from s3mover.transfer.policy import Policy
from s3mover.transfer.properties import carried_headers, chosen_headers, is_tagged

POLICY = Policy(method="auto", part_size=1, max_attempts=1)


def test_content_headers_and_metadata_are_carried_and_nothing_else() -> None:
    """What describes the content goes along; what describes the answer stays."""
    answer = {
        "content-type": "text/csv",
        "content-encoding": "gzip",
        "cache-control": "no-store",
        "x-amz-meta-owner": "Zoë",
        "x-amz-website-redirect-location": "/x",
        "content-length": "5",
        "etag": '"x"',
        "x-amz-storage-class": "GLACIER_IR",
        "x-amz-server-side-encryption": "AES256",
    }
    assert carried_headers(answer, []) == {
        "content-type": "text/csv",
        "content-encoding": "gzip",
        "cache-control": "no-store",
        "x-amz-meta-owner": "Zoë",
        "x-amz-website-redirect-location": "/x",
    }


def test_tags_are_sent_as_a_query() -> None:
    """Tags travel in one header, encoded as a query string."""
    assert carried_headers({}, [("a b", "1&2"), ("ü", "")]) == {"x-amz-tagging": "a+b=1%262&%C3%BC="}


def test_the_source_class_is_kept_unless_another_is_configured() -> None:
    """STANDARD is S3's default and is not sent; any other class must be, since S3 does not keep it."""
    assert chosen_headers(POLICY, "STANDARD") == {}
    assert chosen_headers(POLICY, "STANDARD_IA") == {"x-amz-storage-class": "STANDARD_IA"}
    configured = Policy(method="auto", part_size=1, max_attempts=1, storage_class="GLACIER_IR")
    assert chosen_headers(configured, "STANDARD_IA") == {"x-amz-storage-class": "GLACIER_IR"}


def test_acl_and_key_are_sent_where_configured() -> None:
    """ACL and KMS key come from the settings alone."""
    policy = Policy(
        method="auto", part_size=1, max_attempts=1, acl="bucket-owner-full-control", kms_key_id="alias/k"
    )
    assert chosen_headers(policy, "") == {
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/k",
    }


def test_an_answer_tells_whether_there_are_tags() -> None:
    """Without tags nobody asks for them."""
    assert is_tagged({"x-amz-tagging-count": "2"})
    assert not is_tagged({})
