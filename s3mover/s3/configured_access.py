"""One side that the settings tell in full: its own keys, and a store that is not AWS. Nothing has to be found then.

The answer is the one that boto3's core would give (a test holds them against each other), whose loading it saves.
Wherever anything else might have a say (AWS's configuration files or variables, a role, an access point, a name or
host that is in any way special), there is no answer here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from s3mover.model import BucketAddress, Credentials
from s3mover.s3.regions import DEFAULT_REGION, is_region
from s3mover.s3.side_access import ResolvedSide, SideAccess

# Variables that decide neither who signs nor where a bucket answers.
_HARMLESS = frozenset({"AWS_CA_BUNDLE", "AWS_EC2_METADATA_DISABLED"})
_OF_BOTO3 = ("AWS_", "BOTO")
# Two hyphens in a row mark directory buckets and the aliases of access points (S3 user guide, "Bucket naming rules").
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9]|[.-](?=[a-z0-9])){1,61}[a-z0-9]")
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{0,9}}")
_OF_AWS = re.compile(r"amazon|aws")
_PORTS = {"http": 80, "https": 443}


def resolve_from_settings(access: SideAccess, environ: Mapping[str, str]) -> ResolvedSide | None:
    """Return what boto3 would find for this side, None where that cannot be said without it."""
    url, region = urlsplit(access.endpoint_url), access.region or DEFAULT_REGION
    host = url.hostname or ""
    is_plain = (
        access.access_key
        and not (access.profile or access.role_arn)
        and _BUCKET.fullmatch(access.bucket)
        and is_region(region)
        and url.scheme in _PORTS
        and not (url.path or url.query or url.fragment or "@" in url.netloc)
        and _HOST.fullmatch(host)
        and not _OF_AWS.search(host)
    )
    if not is_plain or _is_configured(environ):
        return None
    port, path = url.port or _PORTS[url.scheme], f"/{access.bucket}"
    address = BucketAddress(access.bucket, url.scheme, host, port, path, region)
    return ResolvedSide(address, Credentials(access.access_key, access.secret_key, access.session_token))


def _is_configured(environ: Mapping[str, str]) -> bool:
    """Tell whether boto3 has been told anything: by a variable, or by files where it looks for them."""
    told = any(name.startswith(_OF_BOTO3) and name not in _HARMLESS for name in environ)
    home = environ.get("HOME", "")
    return told or not home or Path(home, ".aws").exists()
