"""The stores, each started once when a test first asks for it, and buckets on them."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from testkit.foreign_stores import running_store
from testkit.waiting import wait_until
from tests.stores.abilities import lost_in
from tests.stores.corpus import CORPUS, BotoStore, Item
from tests.stores.sweeping import Bucket, Route

_names = itertools.count(1)


class Stores:
    """The running stores and what each accepts of the corpus."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, BotoStore] = {}
        self._accepted: dict[str, list[Item]] = {}

    def __getitem__(self, name: str) -> BotoStore:
        if name not in self._running:
            store = BotoStore(self._stack.enter_context(running_store(name)))
            wait_until(lambda: _takes_objects(store), f"{name} takes objects")
            self._running[name] = store
        return self._running[name]

    def bucket(self, name: str) -> Bucket:
        """Return an empty bucket of this store."""
        store, bucket = self[name], f"bucket-{next(_names)}"
        store.client.create_bucket(Bucket=bucket)
        return Bucket(store, bucket)

    def accepted(self, *names: str) -> list[Item]:
        """Return the items that all these stores accept by a plain put, get and list of boto3."""
        keys = set.intersection(*({item.key for item in self._accepted_by(name)} for name in names))
        return [item for item in CORPUS if item.key in keys]

    def _accepted_by(self, name: str) -> list[Item]:
        if name not in self._accepted:
            self._accepted[name] = self._try_corpus(name)
        return self._accepted[name]

    def _try_corpus(self, name: str) -> list[Item]:
        bucket = self.bucket(name)
        in_order = sorted(CORPUS, key=lambda item: item.key.encode())
        read = [item for item in in_order if bucket.store.accepts(bucket.name, item, lost_in(name))]
        listed = bucket.store.classes(bucket.name)
        return [item for item in read if item.key in listed]


@pytest.fixture(scope="session")
def stores() -> Iterator[Stores]:
    """The stores; each is started when it is first named."""
    with ExitStack() as stack:
        yield Stores(stack)


@pytest.fixture
def route(stores: Stores, tmp_path: Path) -> Callable[..., Route]:
    """Return a function that makes a route between fresh buckets of two stores, or of one."""

    def make(source: str, destination: str = "", method: str = "auto") -> Route:
        return Route(stores.bucket(source), stores.bucket(destination or source), tmp_path, method)

    return make


def _takes_objects(store: BotoStore) -> bool:
    """Return whether the store keeps an object: some answer before the disks behind them are ready."""
    try:
        store.client.create_bucket(Bucket=(bucket := f"bucket-{next(_names)}-{os.getpid()}"))
        store.client.put_object(Bucket=bucket, Key="ready", Body=b"")
    except ClientError:
        return False
    return True
