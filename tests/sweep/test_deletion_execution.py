"""Carrying out intended deletions: what is asked before, what holds a deletion back, and what became of each."""

import threading
from typing import Any, cast

import pytest

from s3mover.errors import S3Error
from s3mover.model import INTERRUPTED, Action, Order
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retry_policy
from s3mover.sweep.delete_conditions import REFUSED, DeleteConditions
from s3mover.sweep.deletions.execution import Carried, Deleter
from s3mover.workers.lease_guard import LeaseGuard
from testkit.waiting import TOO_LONG
from tests.sweep.test_removal import BOTH, Store

ONCE = retry_policy(1, lambda _: True)
KNOWN = {
    BOTH: DeleteConditions(single=True, batch=True),
    BOTH[:1]: DeleteConditions(single=True, batch=False),
    (): DeleteConditions(single=False, batch=False),
}


class Source(Store):
    """A source that refuses to say whether it has a key; `refused` are these keys and the code."""

    refused: dict[str, S3Error] = {}  # noqa: RUF012 - set by tests

    def head(self, key: str) -> Any:
        if key in self.refused:
            raise self.refused[key]
        return super().head(key)

    def is_listed(self, key: str) -> bool:
        return key in self.etags


def orders(*keys: str, etag: str = "e") -> list[Order]:
    return [Order(7, n, key, key, 1, etag, "", "", action=Action.DELETE) for n, key in enumerate(keys)]


def carried(
    source: Store, destination: Store, keys: list[str], etag: str = "e", lease: LeaseGuard | None = None
) -> dict[str, Carried]:
    deleter = Deleter(
        cast("Bucket", source), cast("Bucket", destination), ONCE, KNOWN[tuple(destination.honours)]
    )
    done = deleter.carry_out(orders(*keys, etag=etag), lease or LeaseGuard())
    return dict(zip(keys, done, strict=True))


@pytest.mark.parametrize("honours", KNOWN)
def test_only_what_the_source_lacks_and_what_is_unchanged_goes(honours: tuple[str, ...]) -> None:
    """In whatever way the store can be asked to delete."""
    source, destination = Source(), Store(*honours, objects=4)
    source.etags["k1"] = "whatever it has there"
    destination.etags["k2"] = "newer"
    destination.is_listed = lambda key: key in destination.etags  # type: ignore[attr-defined]
    done = carried(source, destination, ["k0", "k1", "k2", "k3"])
    assert done == {
        "k0": Carried(),
        "k1": Carried(is_back=True),
        "k2": Carried(REFUSED),
        "k3": Carried(),
    }
    assert destination.etags.keys() == {"k1", "k2"}


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "InternalError"])
def test_where_the_source_does_not_say_nothing_goes(code: str) -> None:
    """Whether it refuses for good, or does not answer for now; the other objects go."""
    source, destination = Source(), Store(*BOTH, objects=2)
    source.refused = {"k0": S3Error(code, status=500)}
    done = carried(source, destination, ["k0", "k1"])
    assert done == {"k0": Carried(code, not_asked=True), "k1": Carried()}
    assert destination.etags.keys() == {"k0"}


def test_a_missing_object_that_is_refused_counts_as_missing_where_no_listing_has_it() -> None:
    """To who may list a part of a bucket only, S3 refuses missing objects like forbidden ones."""
    source, destination = Source(objects=1), Store(*BOTH, objects=2)
    source.refused = {key: S3Error("AccessDenied", status=403) for key in ("k0", "k1")}
    done = carried(source, destination, ["k0", "k1"])
    assert done == {"k0": Carried("AccessDenied", not_asked=True), "k1": Carried()}
    assert destination.etags.keys() == {"k0"}


@pytest.mark.parametrize("honours", KNOWN)
def test_nothing_goes_once_the_lease_is_lost(honours: tuple[str, ...]) -> None:
    """Another instance may have copied the same object again by now, and the condition would hold."""
    lease = LeaseGuard()
    lease.revoke()
    destination = Store(*honours, objects=2)
    done = carried(Source(), destination, ["k0", "k1"], lease=lease)
    assert {one.code for one in done.values()} == {INTERRUPTED}
    assert destination.deleted == []


def test_deletions_wait_for_the_lease() -> None:
    """While it is not known to be held none begins; they go on once it is."""
    lease, destination = LeaseGuard(), Store(*BOTH, objects=2)
    lease.extend(0.0)
    done: list[dict[str, Carried]] = []
    thread = threading.Thread(
        target=lambda: done.append(carried(Source(), destination, ["k0", "k1"], lease=lease))
    )
    thread.start()
    assert destination.deleted == []
    lease.extend(float("inf"))
    thread.join(TOO_LONG)
    assert done == [{"k0": Carried(), "k1": Carried()}]
    assert destination.etags == {}


def test_what_is_gone_already_counts_as_deleted() -> None:
    """An earlier attempt may have been cut off before its response."""
    assert carried(Source(), Store(*BOTH, absent="NoSuchKey"), ["k0"]) == {"k0": Carried()}
