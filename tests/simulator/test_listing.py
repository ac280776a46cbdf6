"""Listings: binary order, pages, opaque tokens, keys that XML can't carry."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import Simulator
from simulator.key_order import KeyOrder
from tests.simulator.conftest import MakeBucket
from tests.simulator.raw import EVERYONE, ask
from tests.simulator.refusal import refused

Client = Any


@given(st.sets(st.text(max_size=3)), st.sets(st.text(max_size=3)), st.text(max_size=3))
def test_keys_are_kept_in_the_order_of_their_bytes(keys: set[str], gone: set[str], start: str) -> None:
    """Whatever is added and removed, in whatever order."""
    order = KeyOrder()
    for key in keys:
        order.add(key)
    for key in keys & gone:
        order.remove(key)
    left = sorted(keys - gone, key=lambda key: key.encode("utf-8", "surrogatepass"))
    assert list(order.after("", inclusive=True)) == left
    assert list(order.after(start)) == [key for key in left if key > start]


def test_many_keys_stay_in_order() -> None:
    """Blocks split and vanish without losing anyone."""
    order = KeyOrder()
    keys = [f"{number * 7919 % 20_011:05d}" for number in range(20_011)]
    for key in keys:
        order.add(key)
    for key in keys[:15_000]:
        order.remove(key)
    assert list(order.after("")) == sorted(keys[15_000:])


def test_pages_follow_each_other(simulator: Simulator, owner: Client, bucket: str) -> None:
    """Every key once, in order, a thousand a page at most."""
    simulator.fill(bucket, 2500, size=1)
    pages = list(owner.get_paginator("list_objects_v2").paginate(Bucket=bucket))
    assert [page["KeyCount"] for page in pages] == [1000, 1000, 500]
    keys = [one["Key"] for page in pages for one in page["Contents"]]
    assert keys == [f"{number:08d}" for number in range(2500)]
    assert owner.list_objects_v2(Bucket=bucket, MaxKeys=5000)["KeyCount"] == 1000


def test_order_is_that_of_bytes(simulator: Simulator, owner: Client, bucket: str) -> None:
    """Not of letters, not of UTF-16."""
    keys = ["B", "a", "b/", "b//", "ä", "\uffee", "\U0001f600"]
    simulator.put_objects(bucket, [{"key": key, "body": b""} for key in reversed(keys)])
    assert [one["Key"] for one in owner.list_objects_v2(Bucket=bucket)["Contents"]] == keys


def test_a_full_page_need_not_be_truncated(simulator: Simulator, owner: Client, bucket: str) -> None:
    """A page is truncated only where something follows."""
    simulator.fill(bucket, 3)
    assert owner.list_objects_v2(Bucket=bucket, MaxKeys=3)["IsTruncated"] is False
    assert owner.list_objects_v2(Bucket=bucket, MaxKeys=2)["IsTruncated"] is True


@pytest.mark.parametrize("token", ["a", "", "YWJjZGVmZ2hpamts"])
def test_a_token_is_opaque(owner: Client, bucket: str, token: str) -> None:
    """A token that S3 did not give is refused."""
    assert refused(owner.list_objects_v2, Bucket=bucket, ContinuationToken=token) == "InvalidArgument"


def test_a_token_survives_its_key(simulator: Simulator, owner: Client, bucket: str) -> None:
    """A page goes on where the last one ended, also when that key is gone."""
    simulator.fill(bucket, 4)
    token = owner.list_objects_v2(Bucket=bucket, MaxKeys=2)["NextContinuationToken"]
    simulator.delete_objects(bucket, ["00000001", "00000002"])
    found = owner.list_objects_v2(Bucket=bucket, ContinuationToken=token)
    assert [one["Key"] for one in found["Contents"]] == ["00000003"]


def test_control_characters_need_url_encoding(simulator: Simulator, make_bucket: MakeBucket) -> None:
    """Without it the page is no XML, as with S3."""
    opened = make_bucket(policy=EVERYONE)
    simulator.put_object(opened, "a\x01 ü", b"")
    plain = ask(simulator.endpoint, "GET", f"/{opened}?list-type=2").body
    encoded = ask(simulator.endpoint, "GET", f"/{opened}?list-type=2&encoding-type=url").body
    assert b"<Key>a&#x1; \xc3\xbc</Key>" in plain
    assert b"<Key>a%01+%C3%BC</Key>" in encoded


def test_versions_come_in_pages(owner: Client, make_bucket: MakeBucket) -> None:
    """Newest first within a key; markers lead on within a key."""
    versioned = make_bucket(versioning="Enabled")
    put = {"Bucket": versioned, "Key": "a"}
    written = [owner.put_object(Body=body, **put)["VersionId"] for body in (b"1", b"2", b"3")]
    owner.put_object(Bucket=versioned, Key="b", Body=b"")
    pages = owner.get_paginator("list_object_versions").paginate(
        Bucket=versioned, PaginationConfig={"PageSize": 2}
    )
    found = [(one["Key"], one["VersionId"]) for page in pages for one in page["Versions"]]
    assert [version for key, version in found if key == "a"] == written[::-1]
    assert len(found) == 4


def test_a_removed_marker_brings_the_object_back(owner: Client, make_bucket: MakeBucket) -> None:
    """Deleting a marker by its version is an undelete."""
    versioned = make_bucket(versioning="Enabled")
    owner.put_object(Bucket=versioned, Key="a", Body=b"1")
    marker = owner.delete_object(Bucket=versioned, Key="a")
    assert marker["DeleteMarker"]
    assert (
        refused(owner.get_object, Bucket=versioned, Key="a", VersionId=marker["VersionId"])
        == "MethodNotAllowed"
    )
    owner.delete_object(Bucket=versioned, Key="a", VersionId=marker["VersionId"])
    assert owner.get_object(Bucket=versioned, Key="a")["Body"].read() == b"1"


TREE = ["a b/c", "aa", "data/x", "data/y/z", "data!", "data-1/q", "data.csv", "data.d/1", "dir/", "zz"]


def put_keys(simulator: Simulator, bucket: str, keys: list[str]) -> None:
    simulator.put_objects(bucket, [{"key": key, "body": b""} for key in keys])


def names_of(page: dict[str, Any]) -> tuple[list[str], list[str]]:
    keys = [one["Key"] for one in page.get("Contents", [])]
    return keys, [one["Prefix"] for one in page.get("CommonPrefixes", [])]


def all_names(owner: Client, bucket: str, **asked: Any) -> list[str]:
    pages = owner.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 2}, **asked
    )
    return [name for page in pages for names in names_of(page) for name in names]


def test_directory_order_is_that_of_a_store_of_files(
    simulator: Simulator, owner: Client, bucket: str
) -> None:
    """As SeaweedFS 4 answered to the same keys, by pages and from a start that is not a key."""
    put_keys(simulator, bucket, TREE)
    assert all_names(owner, bucket) == sorted(TREE)
    simulator.configure_bucket(bucket, quirks=["directory_order"])
    assert all_names(owner, bucket) == TREE
    after = owner.list_objects_v2(Bucket=bucket, StartAfter="data.", MaxKeys=2)
    assert names_of(after)[0] == ["data.csv", "data.d/1"]


@pytest.mark.parametrize("quirks", [[], ["directory_order"]])
def test_a_delimiter_rolls_folders_up(
    simulator: Simulator, owner: Client, bucket: str, quirks: list[str]
) -> None:
    """Each folder once, whichever page it is on; below its own prefix a marker is a key."""
    put_keys(simulator, bucket, TREE)
    simulator.configure_bucket(bucket, quirks=quirks)
    found = names_of(owner.list_objects_v2(Bucket=bucket, Delimiter="/"))
    folders = ["a b/", "data-1/", "data.d/", "data/", "dir/"]
    assert (found[0], sorted(found[1])) == (["aa", "data!", "data.csv", "zz"], folders)
    assert sorted(all_names(owner, bucket, Delimiter="/")) == sorted(found[0] + folders)
    assert names_of(owner.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="dir/")) == (["dir/"], [])
    within = names_of(owner.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="data/"))
    assert within == (["data/x"], ["data/y/"])


def test_a_start_that_is_not_a_key_can_mislead(simulator: Simulator, owner: Client, bucket: str) -> None:
    """One store leaves out the first key of the next page, one lists nothing, one refuses; a key is always right."""
    simulator.fill(bucket, 6)

    def after(start: str) -> list[str]:
        asked = {"PaginationConfig": {"PageSize": 2}, "StartAfter": start}
        pages = owner.get_paginator("list_objects_v2").paginate(Bucket=bucket, **asked)
        return [key[-1] for page in pages for key in names_of(page)[0]]

    simulator.configure_bucket(bucket, quirks=["unknown_start_skips"])
    assert (after("00000000"), after("00000000!")) == (["1", "2", "3", "4", "5"], ["1", "2", "4", "5"])
    simulator.configure_bucket(bucket, quirks=["unknown_start_empty"])
    assert (after("00000000"), after("00000000!")) == (["1", "2", "3", "4", "5"], [])
    simulator.configure_bucket(bucket, quirks=["unknown_start_400"])
    assert after("00000000") == ["1", "2", "3", "4", "5"]
    assert refused(owner.list_objects_v2, Bucket=bucket, StartAfter="00000000!") == "InvalidArgument"


@pytest.mark.parametrize(
    ("quirk", "etags"),
    [
        ("no_listed_etags", {None}),
        ("empty_listed_etags", {'""'}),
        ("alike_listed_etags", {'"d41d8cd98f00b204e9800998ecf8427e"'}),
    ],
)
def test_a_listing_need_not_have_etags(
    simulator: Simulator, owner: Client, bucket: str, quirk: str, etags: set[str | None]
) -> None:
    """None, empty ones, or one for all."""
    simulator.fill(bucket, 2)
    simulator.configure_bucket(bucket, quirks=[quirk])
    assert {one.get("ETag") for one in owner.list_objects_v2(Bucket=bucket)["Contents"]} == etags


def test_deletions_can_be_conditional_in_part(simulator: Simulator, owner: Client, bucket: str) -> None:
    """Where there is no object the condition counts for nothing, or only DeleteObject heeds it."""
    asked = {"Bucket": bucket, "Delete": {"Objects": [{"Key": "a", "ETag": "0" * 32}]}}
    simulator.configure_bucket(bucket, quirks=["absent_delete_succeeds"])
    owner.delete_object(Bucket=bucket, Key="a", IfMatch="0" * 32)
    assert "Errors" not in owner.delete_objects(**asked)
    put_keys(simulator, bucket, ["a"])
    assert [one["Code"] for one in owner.delete_objects(**asked)["Errors"]] == ["PreconditionFailed"]
    simulator.configure_bucket(bucket, quirks=["ignores_batch_delete_etags"])
    assert refused(owner.delete_object, Bucket=bucket, Key="a", IfMatch="0" * 32) == "PreconditionFailed"
    assert "Errors" not in owner.delete_objects(**asked)
    assert simulator.count(bucket) == 0
