"""The corpus of keys, sizes and properties arrives whole, through each store and between each two."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from testkit.foreign_stores import STORES
from testkit.keys import ODD_KEYS
from tests.stores.abilities import REFUSED, lost_in
from tests.stores.conftest import Stores
from tests.stores.corpus import METADATA, PART_SIZE, RICH, STORAGE_CLASS, Item
from tests.stores.sweeping import Route, events

# Every property, and a value of it.
VALUES = {**RICH, STORAGE_CLASS: "STANDARD_IA", "WebsiteRedirectLocation": "/elsewhere"}

# Stores that need many seconds for parts, as they compute checksums in pure Python, and the only such objects for them.
SLOW_WITH_PARTS = {"ministack": {"properties/above one part", "parts/above one part"}}


def cases() -> list[Any]:
    """Return each store with each method, and each two stores."""
    within = [(name, name, method) for name in STORES for method in ("auto", "streaming")]
    between = [(source, destination, "auto") for source, destination in itertools.permutations(STORES, 2)]
    return [pytest.param(*case, id="-".join(case)) for case in (*within, *between)]


@pytest.mark.parametrize(("source", "destination", "method"), cases())
def test_every_object_arrives_with_bytes_and_properties(
    stores: Stores, route: Callable[..., Route], source: str, destination: str, method: str
) -> None:
    """A second sweep finds nothing to do, and `verify` agrees."""
    moved = route(source, destination, method)
    items = stores.accepted(source, destination)
    if destination in SLOW_WITH_PARTS and moved.streams:
        items = [item for item in items if item.size <= PART_SIZE or item.key in SLOW_WITH_PARTS[destination]]
    moved.source.put(items if source == destination else some(items))
    moved.sweep_and_compare()
    way = "streaming" if moved.streams else "server_side_copy"
    assert moved.query("SELECT DISTINCT method, status FROM document_logs") == [(way, "success")]
    assert_refusals_are_said(moved)


def some(items: list[Item]) -> list[Item]:
    """Return all sizes and properties, and some of the keys: all of them go through each store by itself."""
    odd = [item for item in items if item.key in ODD_KEYS]
    return [item for item in items if item not in odd or item in odd[::6]]


def assert_refusals_are_said(moved: Route) -> None:
    """Assert that the row of each object names the properties of it that the destination refused, and no other row."""
    refused = REFUSED.get(moved.destination.store.store.name, frozenset())
    reduced = {key for key, seen in moved.source.contents().items() if refused.intersection(seen.properties)}
    said = moved.query(
        "SELECT file_key FROM document_logs WHERE message LIKE '%destination refuses it: the%'"
    )
    assert {key for (key,) in said} == reduced


@pytest.mark.parametrize("in_parts", [False, True], ids=["whole", "parts"])
@pytest.mark.parametrize("name", STORES)
def test_what_a_store_does_not_keep_is_known(stores: Stores, name: str, in_parts: bool) -> None:
    """A plain PutObject and a multipart upload of boto3 lose exactly the properties that `docs/stores.md` names."""
    bucket = stores.bucket(name)
    refused = REFUSED.get(name, frozenset())
    item = Item("all", PART_SIZE + 1 if in_parts else 100, VALUES, in_parts)
    bucket.store.put(bucket.name, item, but=refused)
    seen = bucket.contents()["all"].properties
    assert {value for value in VALUES if value not in seen} == lost_in(name, in_parts=in_parts)
    assert seen[METADATA] == RICH[METADATA]
    for value in refused:
        with pytest.raises(ClientError):
            bucket.store.put(bucket.name, Item("refused", 1, {value: VALUES[value]}))


@pytest.mark.parametrize("name", sorted(set(STORES) - {"moto"}))
def test_a_key_that_the_destination_refuses_is_an_error_and_all_others_move(
    stores: Stores, route: Callable[..., Route], name: str
) -> None:
    """Its row names the key and the store's answer; the exit code is 1, and nothing else is left out."""
    moved = route("moto", name)
    refused = {item.key for item in stores.accepted("moto")} - {
        item.key for item in stores.accepted("moto", name)
    }
    keys = [*sorted(refused, key=str.encode)[:12], "other", "others/too"]
    moved.source.put(Item(key) for key in keys)
    done = moved.run("sweep", expect=1 if refused else 0)
    failed = {event["key"] for event in events(done.stdout, "object.failed")}
    assert failed == set(keys) & refused
    moved_keys = {
        key for (key,) in moved.query("SELECT file_key FROM document_logs WHERE status = 'success'")
    }
    assert moved_keys == set(keys) - refused
    listed = moved.destination.store.classes(moved.destination.name)
    for key in moved_keys:
        assert moved.destination.store.see(moved.destination.name, key, listed[key]).size == 100
