"""What several operations say in the same words: values left out where there are none, ETags, what to copy."""

from collections.abc import Mapping

from s3mover.s3 import xml
from s3mover.s3.sigv4 import quote_key


def said(values: Mapping[str, str]) -> dict[str, str]:
    """Return those that have a value."""
    return {name: value for name, value in values.items() if value}


def quoted(etag: str) -> str:
    """Return an ETag as conditions have it; empty where there is none."""
    return xml.quoted_etag(etag) if etag else ""


def copy_source(bucket: str, key: str, if_match: str, owner: str) -> dict[str, str]:
    """Name what to copy, if it still has an ETag and the bucket an owner, each empty for any.

    An access point has its own spelling (API page of CopyObject, `x-amz-copy-source`).
    """
    path = f"{bucket}/object/{key}" if bucket.startswith("arn:") else f"{bucket}/{key}"
    headers = {
        "x-amz-copy-source": quote_key(path),
        "x-amz-copy-source-if-match": quoted(if_match),
        "x-amz-source-expected-bucket-owner": owner,
    }
    return said(headers)
