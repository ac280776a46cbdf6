"""Deletions carried over, against each store: by conditions where it honours them, by comparing elsewhere."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from s3mover.model import Action, BucketAddress, Credentials, Order
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retry_policy
from s3mover.sweep.delete_conditions import REFUSED, destination_conditions
from s3mover.sweep.deletions.execution import Carried, Deleter
from s3mover.workers.lease_guard import LeaseGuard
from testkit.foreign_stores import STORES
from tests.stores import sweeping
from tests.stores.abilities import CONDITIONAL_DELETE
from tests.stores.conftest import Stores
from tests.stores.corpus import Item
from tests.stores.sweeping import Route

KEYS = ["a b", "deep/y", "kept", "plus+plus", "ä"]
AT_ONCE = [
    "deletions.mode=propagate",
    "deletions.confirm=1",
    "deletions.min_age=0",
    "deletions.max_share=100%",
]


def keys_of(bucket: sweeping.Bucket) -> set[str]:
    return set(bucket.store.classes(bucket.name))


@pytest.mark.parametrize("name", STORES)
def test_deletions_are_carried_over(route: Callable[..., Route], name: str) -> None:
    """Each has a row of success, what is kept stays, and the next sweep finds nothing to do."""
    moved = route(name)
    moved.source.put([Item(key) for key in KEYS])
    moved.run("sweep", settings=AT_ONCE)
    assert keys_of(moved.destination) == set(KEYS)
    for key in KEYS:
        if key != "kept":
            moved.source.store.client.delete_object(Bucket=moved.source.name, Key=key)
    moved.run("sweep", settings=AT_ONCE)
    assert keys_of(moved.destination) == {"kept"}
    deletions = "SELECT file_key, status FROM document_logs WHERE action = 'delete'"
    assert dict(moved.query(deletions)) == dict.fromkeys(set(KEYS) - {"kept"}, "success")
    moved.run("sweep", settings=AT_ONCE)
    assert len(moved.query(deletions)) == len(KEYS) - 1


def opened(bucket: sweeping.Bucket) -> Bucket:
    """Return a bucket of a store as s3mover uses it."""
    store = bucket.store.store
    url = urlsplit(store.endpoint)
    address = BucketAddress(
        bucket.name, url.scheme, url.hostname or "", url.port or 80, f"/{bucket.name}", store.region
    )
    keys = Credentials(store.access_key, store.secret_key)
    return Bucket(address, lambda: keys, lambda *_: None)


def deletion(key: str, etag: str, number: int) -> Order:
    return Order(1, number, key, key, 1, etag, "", "", action=Action.DELETE)


@pytest.mark.parametrize("name", STORES)
def test_another_version_is_not_deleted(stores: Stores, name: str) -> None:
    """By its ETag, in the way that is the safest on this store; what the source has stays as well."""
    source, destination = stores.bucket(name), stores.bucket(name)
    destination.put([Item(key) for key in KEYS])
    source.put([Item("kept")])
    there = opened(destination)
    etags = {key: there.head(key).etag for key in KEYS}
    retry = retry_policy(2, lambda _: True)
    conditions = destination_conditions(there, "", retry)
    assert conditions.none_is_honoured is (name not in CONDITIONAL_DELETE)
    deleter = Deleter(opened(source), there, retry, conditions)
    orders = [deletion(key, etags[key] if key != "ä" else "0" * 32, n) for n, key in enumerate(KEYS)]
    carried = dict(zip(KEYS, deleter.carry_out(orders, LeaseGuard()), strict=True))
    assert carried == {
        "a b": Carried(),
        "deep/y": Carried(),
        "kept": Carried(is_back=True),
        "plus+plus": Carried(),
        "ä": Carried(REFUSED),
    }
    assert keys_of(destination) == {"kept", "ä"}
    there.close_thread()
