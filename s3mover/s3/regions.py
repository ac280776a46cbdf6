"""Regions of buckets, and the hosts that serve them. Pure.

S3 names a bucket's region in a header, in the body, or only in the host that it redirects to. Sources:
Amazon S3 User Guide, "Making requests using bucket redirection" (301, 307); AWS General Reference, "Amazon S3
endpoints" (names of hosts).
"""

import re

DEFAULT_REGION = "us-east-1"
AWS_DOMAIN = ".amazonaws.com"  # China's ends in .amazonaws.com.cn
REGION = "[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_REGION = re.compile(REGION)
# The parts of an AWS host for buckets: bucket (optional), kind of endpoint, region (optional), domain.
_HOST = re.compile(
    rf"(?P<bucket>.+\.)?(?P<kind>s3(?:-fips)?(?:\.dualstack)?)(?:[.-](?P<region>{REGION}))?"
    r"(?P<domain>\.amazonaws\.com(?:\.cn)?)"
)


def is_region(name: str) -> bool:
    """Return whether `name` has the shape of an AWS region; a region named by a response becomes part of a host."""
    return _REGION.fullmatch(name) is not None


def region_of_host(host: str) -> str:
    """Return the region of an AWS host, empty where the host names none or is not of AWS."""
    match = _HOST.fullmatch(host)
    return (match["region"] or "") if match else ""


def host_for_region(host: str, region: str) -> str:
    """Return the AWS host for `region` that corresponds to `host`.

    Hosts of other stores, accelerated endpoints and access points are returned unchanged.
    """
    match = _HOST.fullmatch(host)
    if not match or not is_region(region):
        return host
    return f"{match['bucket'] or ''}{match['kind']}.{region}{match['domain']}"
