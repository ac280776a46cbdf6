"""The plain way: boto3, a pool of threads, and CopyObject for each listed object. What many write first.

`python boto3_pool.py ENDPOINT THREADS copy|sync`: `sync` lists both buckets and copies what differs.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config


def _listed(s3: Any, bucket: str) -> Iterator[tuple[str, str, int]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for one in page.get("Contents", []):
            yield one["Key"], one["ETag"], one["Size"]


def main() -> None:
    """Do what the arguments say."""
    endpoint, threads, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        config=Config(max_pool_connections=threads, s3={"addressing_style": "path"}),
    )
    there = set(_listed(s3, "destination")) if what == "sync" else set()

    def copy(key: str) -> None:
        s3.copy_object(Bucket="destination", Key=key, CopySource={"Bucket": "source", "Key": key})

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(copy, one[0]) for one in _listed(s3, "source") if one not in there]:
            done.result()


if __name__ == "__main__":
    main()
