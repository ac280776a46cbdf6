"""Which addressing `check` advises."""

import pytest

from s3mover.diagnostics.addressing import addressing_advice
from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Side

PATH = BucketAddress("docs", "https", "store.example", 443, "/docs", "us-east-1")
VIRTUAL = BucketAddress("docs", "https", "docs.store.example", 443, "", "us-east-1")
AWS = BucketAddress("docs", "https", "docs.s3.eu-west-1.amazonaws.com", 443, "", "eu-west-1")


@pytest.mark.parametrize(
    ("address", "code", "advised"),
    [
        (PATH, "SecondLevelDomainForbidden", "virtual"),
        (PATH, "NoSuchBucket", "virtual"),
        (PATH, "SlowDown", ""),
        (PATH, "ConnectionError", ""),
        (VIRTUAL, "ConnectionError", "path"),
        (VIRTUAL, "NoSuchBucket", "path"),
        (VIRTUAL, "AccessDenied", ""),
        (AWS, "NoSuchBucket", ""),
    ],
)
def test_the_other_addressing_is_advised_where_an_answer_speaks_for_it(
    address: BucketAddress, code: str, advised: str
) -> None:
    """AWS takes both, and most refusals have other causes."""
    advice = addressing_advice(Side.DESTINATION, address, S3Error(code))
    assert advice.endswith(f"destination.addressing: {advised}") if advised else advice == ""
