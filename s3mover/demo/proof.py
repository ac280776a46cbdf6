"""Are both buckets of the demo equal? Asked with boto3, so that s3mover does not vouch for itself."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from s3mover.demo.server import Account, DemoServer

_THREADS = 8
_CHUNK = 1024 * 1024


class Likeness(NamedTuple):
    """What must be alike of an object and its copy."""

    sha256: str
    size: int
    content_type: str
    metadata: dict[str, str]
    tags: list[tuple[str, str]]


def compare_buckets(server: DemoServer) -> tuple[int, list[str]]:
    """Read all objects of both buckets; return how many the source holds, and the keys that differ."""
    sources = _likenesses(server, server.source)
    copies = _likenesses(server, server.destination)
    keys = sorted(sources.keys() | copies.keys())
    return len(sources), [key for key in keys if sources.get(key) != copies.get(key)]


def _likenesses(server: DemoServer, account: Account) -> dict[str, Likeness]:
    s3 = server.client("s3", account)
    keys = list(_keys(s3, account.bucket))
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(keys, pool.map(partial(_likeness, s3, account.bucket), keys), strict=True))


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def _likeness(s3: Any, bucket: str, key: str) -> Likeness:
    answer = s3.get_object(Bucket=bucket, Key=key)
    digest, size = hashlib.sha256(), 0
    for chunk in answer["Body"].iter_chunks(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] if answer.get("TagCount") else []
    return Likeness(
        digest.hexdigest(),
        size,
        answer["ContentType"],
        answer["Metadata"],
        sorted((tag["Key"], tag["Value"]) for tag in tags),
    )
