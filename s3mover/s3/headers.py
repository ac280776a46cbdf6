"""Headers that several operations share: conditions, and the source of a copy."""

from collections.abc import Mapping

from s3mover.s3.sigv4 import quote_key
from s3mover.s3.xml_requests import quote_etag


def non_empty(values: Mapping[str, str]) -> dict[str, str]:
    """Return the items that have a value."""
    return {name: value for name, value in values.items() if value}


def etag_condition(etag: str) -> str:
    """Return an ETag as the value of a condition, empty where there is none."""
    return quote_etag(etag) if etag else ""


def copy_source(bucket: str, key: str, if_match: str, owner: str) -> dict[str, str]:
    """Return the headers that name the source of a copy, its ETag and its bucket's owner, each empty for any.

    An access point is written differently (API page of CopyObject, `x-amz-copy-source`).
    """
    path = f"{bucket}/object/{key}" if bucket.startswith("arn:") else f"{bucket}/{key}"
    headers = {
        "x-amz-copy-source": quote_key(path),
        "x-amz-copy-source-if-match": etag_condition(if_match),
        "x-amz-source-expected-bucket-owner": owner,
    }
    return non_empty(headers)
