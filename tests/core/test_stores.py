"""Which buckets are in one store."""

import pytest

from s3mover.model import BucketAddress
from s3mover.stores import store_of, store_of_endpoint


def address(url: str, bucket: str = "b", region: str = "us-east-1") -> BucketAddress:
    """Return the address of a bucket at `url`: with the bucket in the host's name where it begins with it."""
    scheme, _, place = url.partition("://")
    host, _, port = place.partition(":")
    path = "" if host.startswith(f"{bucket}.") else f"/{bucket}"
    return BucketAddress(bucket, scheme, host, int(port or {"http": 80, "https": 443}[scheme]), path, region)


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        (address("https://b.s3.eu-west-1.amazonaws.com"), address("https://c.s3.amazonaws.com", "c")),
        (
            address("https://b.vpce-1-2.s3.eu-west-1.vpce.amazonaws.com"),
            address("https://s3-fips.dualstack.us-east-1.amazonaws.com"),
        ),
        (address("https://cn-b.s3.amazonaws.com", "cn-b"), address("https://b.s3.amazonaws.com")),
        (address("https://b.store.test"), address("https://store.test", "c")),
        (address("https://b.store.test:9000"), address("https://c.store.test:9000", "c")),
        (address("http://127.0.0.1:9000"), address("http://localhost:9000")),
        (address("http://store.test"), address("https://store.test")),
    ],
)
def test_names_of_one_store(source: BucketAddress, destination: BucketAddress) -> None:
    """All of a partition of AWS, and one host and port, wherever the bucket's name is."""
    assert store_of(source) == store_of(destination)


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        (address("https://b.s3.amazonaws.com"), address("https://store.test")),
        (
            address("https://b.s3.amazonaws.com"),
            address("https://b.s3.cn-north-1.amazonaws.com.cn", region="cn-north-1"),
        ),
        (
            address("https://b.s3.amazonaws.com"),
            address("https://b.s3.us-gov-west-1.amazonaws.com", region="us-gov-west-1"),
        ),
        (address("https://store.test"), address("https://other.test")),
        (address("https://store.test:9000"), address("https://store.test:9001")),
        (address("https://amazonaws.com.evil.test"), address("https://s3.amazonaws.com")),
    ],
)
def test_names_of_two_stores(source: BucketAddress, destination: BucketAddress) -> None:
    """Another partition, host or port."""
    assert store_of(source) != store_of(destination)


@pytest.mark.parametrize("url", ["", "http://store.test:9000", "https://s3.cn-north-1.amazonaws.com.cn"])
def test_an_endpoint_names_the_store_of_its_addresses(url: str) -> None:
    """The settings and the addresses that are made of them lead to one decision."""
    built = address(url or "https://b.s3.us-east-1.amazonaws.com")
    assert store_of_endpoint(url, "") == store_of(built)
