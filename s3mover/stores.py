"""Which store a bucket is in: a server-side copy names two buckets of one store. Pure.

| source | destination | one store |
|---|---|---|
| AWS | AWS, same partition (any region, any kind of endpoint) | yes |
| AWS | AWS, another partition (China, GovCloud) | no |
| AWS | another host | no |
| another host | the same host and port; the bucket in the path or in the host's name | yes |
| another host | another host or port | no |

http and https at their default ports are one store, and so are all names of the loopback interface. Two names of one
store cannot be recognised: between them objects are streamed, which is right, too. One store may have a namespace of
buckets per account: `transfer/bucket_identity.py` finds that out.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from s3mover.model import BucketAddress

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Store(NamedTuple):
    """A store: an AWS partition (`aws`, `aws-cn`, `aws-us-gov`), or a host and a port, None for the default one."""

    name: str
    port: int | None = None
    is_aws: bool = False

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


def store_of(address: BucketAddress) -> Store:
    """Return the store of a bucket's address."""
    host = address.host if address.path else address.host.removeprefix(f"{address.bucket}.")
    return _store(address.scheme, host, address.port, address.region)


def store_of_endpoint(endpoint_url: str, region: str) -> Store:
    """Return the store that an endpoint's URL leads to, AWS's of the region where it is empty."""
    url = urlsplit(endpoint_url)
    return _store(url.scheme, url.hostname or "", url.port, region)


def _store(scheme: str, host: str, port: int | None, region: str) -> Store:
    host = host.rstrip(".").lower()
    if not host or host.endswith(AWS_DOMAINS):
        return Store(_partition(host, region), is_aws=True)
    own_port = None if port == _DEFAULT_PORTS.get(scheme) else port
    return Store("localhost" if host in _LOOPBACK else host, own_port)


def _partition(host: str, region: str) -> str:
    if host.endswith(".cn") or region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") or ".us-gov-" in host else "aws"
