"""Regions as answers tell of them, and the hosts that answer for them. Pure.

S3 names a bucket's region in a header, in the body, or only in the host that it would rather be asked by. Sources:
Amazon S3 User Guide, "Making requests using bucket redirection" (301, 307); AWS General Reference, "Amazon S3
endpoints" (names of hosts).
"""

import re

DEFAULT_REGION = "us-east-1"
AWS_DOMAIN = ".amazonaws.com"  # China's ends in .amazonaws.com.cn
REGION = "[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_REGION = re.compile(REGION)
# What an AWS host for buckets consists of: the bucket or nothing, the kind of endpoint, the region or none.
_HOST = re.compile(
    rf"(?P<bucket>.+\.)?(?P<kind>s3(?:-fips)?(?:\.dualstack)?)(?:[.-](?P<region>{REGION}))?"
    r"(?P<domain>\.amazonaws\.com(?:\.cn)?)"
)


def is_region(name: str) -> bool:
    """Tell whether `name` has the shape of a region of AWS: what an answer says becomes part of a host."""
    return _REGION.fullmatch(name) is not None


def region_of_host(host: str) -> str:
    """Return the region that an AWS host answers for, empty where it names none or is none of AWS's."""
    found = _HOST.fullmatch(host)
    return (found["region"] or "") if found else ""


def host_in(host: str, region: str) -> str:
    """Return the AWS host that answers for `region` as `host` does for its own.

    Any other host is returned as it is: another store is asked where it is, and accelerated endpoints and access
    points know no other place.
    """
    found = _HOST.fullmatch(host)
    if not found or not is_region(region):
        return host
    return f"{found['bucket'] or ''}{found['kind']}.{region}{found['domain']}"
