"""An environment without the machine's own AWS settings and proxies; moto, and the same buckets through boto3."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest
from botocore.loaders import JSONFileLoader

from s3mover.model import BucketAddress, Credentials
from s3mover.s3.bucket import Bucket
from testkit.moto import running_moto
from tests.s3.samples import KEYS


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("AWS_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


# What botocore reads from its own files: each of its sessions parses megabytes of it again.
_read_once = cache(JSONFileLoader().load_file)


@pytest.fixture(autouse=True)
def _files_of_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda _, path: _read_once(path))


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The server of moto, one per test process."""
    with running_moto() as url:
        yield url


@pytest.fixture
def boto(moto_url: str) -> Iterator[Any]:
    """The same server through boto3."""
    client = boto3.client(
        "s3",
        endpoint_url=moto_url,
        region_name="us-east-1",
        aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key,
    )
    yield client
    client.close()


@pytest.fixture
def counts() -> list[tuple[str, str]]:
    """What the buckets counted."""
    return []


MakeBucket = Callable[[], Bucket]


@pytest.fixture
def make_bucket(moto_url: str, boto: Any, counts: list[tuple[str, str]]) -> Iterator[MakeBucket]:
    """Make buckets on moto's server for one test each."""
    made: list[Bucket] = []

    def make() -> Bucket:
        name = f"bucket-{uuid4()}"
        boto.create_bucket(Bucket=name)
        url = urlsplit(moto_url)
        address = BucketAddress(name, "http", url.hostname or "", url.port or 0, f"/{name}", "us-east-1")
        made.append(Bucket(address, credentials, lambda operation, code: counts.append((operation, code))))
        return made[-1]

    yield make
    for bucket in made:
        bucket.close_thread()


@pytest.fixture
def bucket(make_bucket: MakeBucket) -> Bucket:
    """One empty bucket."""
    return make_bucket()


def credentials() -> Credentials:
    """Give the keys that sign requests in these tests."""
    return KEYS
