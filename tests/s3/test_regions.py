"""Regions of buckets, and the hosts that serve them."""

import pytest

from s3mover.s3.regions import host_for_region, is_region, region_of_host


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [
        ("b.s3.us-east-1.amazonaws.com", "b.s3.eu-west-3.amazonaws.com"),
        ("b.s3.amazonaws.com", "b.s3.eu-west-3.amazonaws.com"),
        ("s3.us-east-1.amazonaws.com", "s3.eu-west-3.amazonaws.com"),
        ("s3-us-west-2.amazonaws.com", "s3.eu-west-3.amazonaws.com"),
        ("a.b.s3.dualstack.us-east-1.amazonaws.com", "a.b.s3.dualstack.eu-west-3.amazonaws.com"),
        ("b.s3-fips.us-gov-west-1.amazonaws.com", "b.s3-fips.eu-west-3.amazonaws.com"),
        ("b.s3-fips.dualstack.ap-southeast-2.amazonaws.com", "b.s3-fips.dualstack.eu-west-3.amazonaws.com"),
        ("b.s3.cn-north-1.amazonaws.com.cn", "b.s3.eu-west-3.amazonaws.com.cn"),
    ],
)
def test_an_aws_host_has_a_brother_in_every_region(host: str, elsewhere: str) -> None:
    """Bucket, kind of endpoint and partition stay as they are."""
    assert host_for_region(host, "eu-west-3") == elsewhere
    assert region_of_host(elsewhere) == "eu-west-3"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "minio.example.com",
        "s3.us-east-1.example.com",
        "b.s3-accelerate.amazonaws.com",
        "point-1.s3-accesspoint.us-east-1.amazonaws.com",
        "bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com",
        "s3.us-east-1.amazonaws.com.example.com",
    ],
)
def test_any_other_host_stays_where_it_is(host: str) -> None:
    """Another store, an accelerated endpoint or an access point has no brother."""
    assert host_for_region(host, "eu-west-3") == host
    assert region_of_host(host) == ""


@pytest.mark.parametrize("said", ["", "x", "eu-west-3.example.com/", "evil.example.com#-1", "EU-WEST-3"])
def test_an_invalid_region_never_becomes_part_of_a_host(said: str) -> None:
    """A response cannot redirect signed requests to a host of its choice."""
    assert not is_region(said)
    assert host_for_region("b.s3.us-east-1.amazonaws.com", said) == "b.s3.us-east-1.amazonaws.com"
