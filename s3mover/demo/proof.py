"""Compares both buckets of the demo, with boto3, so that the result does not depend on s3mover's own client."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from s3mover.demo.server import Account, DemoServer

_THREADS = 8
_CHUNK = 1024 * 1024


class ObjectProperties(NamedTuple):
    """What must be equal for an object and its copy."""

    sha256: str
    size: int
    content_type: str
    metadata: dict[str, str]
    tags: list[tuple[str, str]]


def compare_buckets(server: DemoServer) -> tuple[int, list[str]]:
    """Read all objects of both buckets; return the number of objects of the source, and the keys that differ."""
    sources = _all_properties(server, server.source)
    copies = _all_properties(server, server.destination)
    keys = sorted(sources.keys() | copies.keys())
    return len(sources), [key for key in keys if sources.get(key) != copies.get(key)]


def _all_properties(server: DemoServer, account: Account) -> dict[str, ObjectProperties]:
    s3 = server.client("s3", account)
    keys = list(_keys(s3, account.bucket))
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(keys, pool.map(partial(_properties, s3, account.bucket), keys), strict=True))


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def _properties(s3: Any, bucket: str, key: str) -> ObjectProperties:
    response = s3.get_object(Bucket=bucket, Key=key)
    digest, size = hashlib.sha256(), 0
    for chunk in response["Body"].iter_chunks(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] if response.get("TagCount") else []
    return ObjectProperties(
        digest.hexdigest(),
        size,
        response["ContentType"],
        response["Metadata"],
        sorted((tag["Key"], tag["Value"]) for tag in tags),
    )
