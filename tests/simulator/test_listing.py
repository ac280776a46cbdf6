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
