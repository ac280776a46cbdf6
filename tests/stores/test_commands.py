"""`check`, listings, deletions and a kill, against each store."""

import json
from collections.abc import Callable

import pytest

from testkit.foreign_stores import STORES
from testkit.program import daemon
from testkit.trail_rows import assert_counted
from tests.stores.abilities import CONDITIONAL_DELETE, DIRECTORY_ORDER
from tests.stores.corpus import Item
from tests.stores.sweeping import SETTINGS, Route, assert_equal

# `data/x` stands between the others in S3's order, and before them where a store lists folder by folder.
KEYS = ["data-1", "data.csv", "data/deep/y", "data/x", "data0", "ä"]
# SeaweedFS replaces application/octet-stream by the type that an extension suggests.
ITEMS = [Item(key, properties={"ContentType": "text/x-odd"}) for key in KEYS]
DELETE = ["transfer.after=delete"]


def check(route: Route, *settings: str) -> dict[str, tuple[str, str]]:
    """Return level and message of each line of `check`."""
    route.run("schema", "apply")
    done = route.run("check", "--json", settings=settings, expect=None)
    assert done.stderr == ""
    return {one["name"]: (one["level"], one["message"]) for one in json.loads(done.stdout)}


@pytest.mark.parametrize("name", STORES)
def test_check_says_what_the_store_can_do(route: Callable[..., Route], name: str) -> None:
    """Nothing that works is called broken; directory order, and deletions without conditions, are named."""
    checked = route(name)
    checked.source.put(ITEMS)
    lines = check(checked, *DELETE)
    failed = {line for line, (level, _) in lines.items() if level == "failed"}
    assert failed == (set() if name in CONDITIONAL_DELETE else {"source: delete"})
    assert lines["server-side copy"][1].startswith("permitted")
    assert ("directory order" in lines["source: list"][1]) == (name in DIRECTORY_ORDER)


@pytest.mark.parametrize("name", STORES)
def test_check_says_that_two_stores_cannot_copy_from_each_other(
    route: Callable[..., Route], name: str
) -> None:
    """Objects are streamed: that is no failure, and no permission is missing."""
    checked = route(name, next(other for other in STORES if other != name))
    checked.source.put([Item("k")])
    lines = check(checked)
    assert "failed" not in {level for level, _ in lines.values()}
    assert "objects will be streamed" in lines["server-side copy"][1]


@pytest.mark.parametrize("name", STORES)
def test_the_order_of_a_listing_is_known(route: Callable[..., Route], name: str) -> None:
    """Buckets of both orders are moved whole, by pages, and into each other."""
    moved = route(name, "moto" if name in DIRECTORY_ORDER else "seaweedfs")
    moved.source.put(ITEMS)
    listed = list(moved.source.store.classes(moved.source.name))
    assert sorted(listed) == sorted(KEYS)
    assert (listed != KEYS) == (name in DIRECTORY_ORDER)
    moved.sweep_and_compare()


@pytest.mark.parametrize("name", STORES)
def test_a_source_is_deleted_only_where_the_store_honours_conditions(
    route: Callable[..., Route], name: str
) -> None:
    """Elsewhere the sweep is refused before anything is moved, and says why."""
    moved = route(name)
    moved.source.put(ITEMS)
    before = moved.source.contents()
    if name in CONDITIONAL_DELETE:
        moved.run("sweep", settings=DELETE)
        assert moved.source.contents() == {}
        assert_equal(moved, before)
    else:
        done = moved.run("sweep", settings=DELETE, expect=3)
        assert "ignores the conditions of deletions" in done.stderr
        assert moved.source.contents() == before
        assert moved.destination.contents() == {}


def test_a_killed_sweep_is_completed_by_the_next(route: Callable[..., Route]) -> None:
    """No object is lost or moved twice, no row stays pending, and no upload is left."""
    moved = route("moto", "seaweedfs")
    moved.source.put([Item("aaa", 6_000_000), *(Item(f"many/{number}") for number in range(100))])
    before = moved.source.contents()
    options = [option for value in (*SETTINGS, "transfer.threads=2") for option in ("--set", value)]
    with daemon(moved.environment, moved.folder, *options, "sweep") as killed:
        killed.await_event("object.moved")
    assert len(moved.destination.contents()) < len(before)
    moved.run("sweep")
    assert_equal(moved, before)
    assert_counted(moved.folder)
    uploads = moved.destination.store.client.list_multipart_uploads(Bucket=moved.destination.name)
    assert uploads.get("Uploads", []) == []
    assert f"{len(before)} equal, 0 unproven" in moved.run("verify", "--deep").stdout
