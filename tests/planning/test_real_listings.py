"""Ranges over a real listing: cuts travel in requests, whatever characters keys are made of."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from s3mover.app.listings import SideListing
from s3mover.model import BucketAddress, Credentials, Pair
from s3mover.planning.page_diff import Rules
from s3mover.planning.plan import ListingPlan
from s3mover.s3.bucket import Bucket
from simulator import Simulator

ACCOUNT = "111111111111"
# Flat numbers, folders of which one is deep, hashes, letters of several scripts, and what XML cannot carry.
FORMS = ["{:06d}", "a/b/c/d/e/{:03d}", "{0:08x}/x y+z", "é/{:d}😀", "\x01{:d}\x7f", "&<{:d}>%2F//"]
COUNT = 500


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator with a bucket of each side."""
    with Simulator() as running:
        for name in ("from", "to"):
            running.create_bucket(name, ACCOUNT)
        yield running


def bucket(simulator: Simulator, name: str) -> Bucket:
    parts = urlsplit(simulator.endpoint)
    key = simulator.add_key(ACCOUNT)
    address = BucketAddress(name, "http", parts.hostname or "", parts.port or 0, f"/{name}", simulator.region)
    return Bucket(address, lambda: Credentials(key.access_key, key.secret_key), lambda *_: None)


def test_odd_keys_are_listed_once_by_ranges(simulator: Simulator) -> None:
    """Three thousand keys of six forms, of which every seventh is in place; the source's prefix is another."""
    keys = [form.format(number * 7919) for form in FORMS for number in range(COUNT)]
    simulator.put_objects("from", [{"key": f"in/{key}", "size": 9, "seed": hash(key)} for key in keys])
    simulator.put_objects("to", [{"key": f"ü/{key}", "size": 9, "seed": hash(key)} for key in keys[::7]])
    pair = Pair("from", "in/", "to", "ü/")
    said: list[str] = []
    source, destination = (
        SideListing(bucket(simulator, name), prefix, said.append, lambda _: None)
        for name, prefix in (("from", "in/"), ("to", "ü/"))
    )

    # A page counts as full with ten keys, so that three pages are many.
    plan = ListingPlan(source, destination, Rules(pair, lambda *_: True), listers=4, page=10)
    with closing(plan.diffs()) as diffs:
        found = list(diffs)

    moved = sorted(transfer.entry.key for diff in found for transfer in diff.transfers)
    assert moved == sorted({f"in/{key}" for key in keys} - {f"in/{key}" for key in keys[::7]})
    assert sum(diff.listed for diff in found) == len(keys)
    assert not said
    assert simulator.counts("from")["ListObjectsV2"] > len(keys) / 1000 + 1
