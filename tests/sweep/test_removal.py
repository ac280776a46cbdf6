"""Deleting source objects: what the store refuses for now is tried again, within reason."""

from queue import SimpleQueue
from typing import cast

import pytest

from s3mover.errors import S3Error, UnreachableError
from s3mover.model import BucketAddress, DueDeletion
from s3mover.s3.bucket import Bucket, Head
from s3mover.s3.retry import retry_policy
from s3mover.sweep.delete_conditions import DeleteConditions, require_conditions
from s3mover.sweep.removal import Removed, Remover, delete
from testkit.scripted_server import Peer, answer
from testkit.waiting import TOO_LONG
from tests.s3.samples import bucket_on

HONOURED = DeleteConditions(single=True, batch=True)
SLOW = answer(b"<Error><Code>SlowDown</Code></Error>", "503 Slow Down")


def due(*keys: str) -> list[DueDeletion]:
    return [DueDeletion(7, number, key, "e") for number, key in enumerate(keys)]


def refusing(**codes: str) -> bytes:
    errors = "".join(f"<Error><Key>{key}</Key><Code>{code}</Code></Error>" for key, code in codes.items())
    return answer(f"<DeleteResult>{errors}</DeleteResult>".encode())


def test_an_internal_error_reaches_the_owner() -> None:
    """The owner waits for the results of each batch, and would wait for ever."""
    inbox: SimpleQueue[Removed] = SimpleQueue()
    remover = Remover(cast("Bucket", object()), retry_policy(1, lambda _: True), inbox.put, HONOURED)
    remover.remove(due("a"))
    with pytest.raises(AttributeError):
        remover.received(inbox.get(timeout=TOO_LONG))


def test_a_refused_request_is_repeated() -> None:
    """After a SlowDown the batch is sent again, and so is a single deletion of a key that XML cannot carry."""

    def play(peer: Peer) -> None:
        for said in (SLOW, refusing()):
            peer.answer(said)

    def single(peer: Peer) -> None:
        for said in (SLOW, answer(b"", "204 No Content")):
            peer.answer(said)

    with bucket_on(play, single) as (bucket, heard, counted):
        ended = delete(bucket, due("a", "b\x07"), retry_policy(3, lambda _: True), HONOURED)
    assert [(one.due.key, one.code) for one in ended] == [("a", ""), ("b\x07", "")]
    assert len(heard) == 4
    assert counted.counted.count(("DeleteObjects", "SlowDown")) == 1


def test_only_the_keys_that_were_refused_for_now_are_repeated() -> None:
    """What is gone, and what is refused for good, is not asked for again; the rate's keeper hears of the keys."""

    def play(peer: Peer) -> None:
        for said in (refusing(b="SlowDown", c="AccessDenied", d="InternalError"), refusing(d="AccessDenied")):
            peer.answer(said)

    with bucket_on(play) as (bucket, heard, counted):
        ended = delete(bucket, due("a", "b", "c", "d"), retry_policy(3, lambda _: True), HONOURED)
    assert {one.due.key: one.code for one in ended} == {
        "a": "",
        "b": "",
        "c": "AccessDenied",
        "d": "AccessDenied",
    }
    assert [key for key in "abcd" if f"<Key>{key}</Key>".encode() in heard[1]] == ["b", "d"]
    assert counted.counted == [
        ("DeleteObjects", "200"),
        ("DeleteObjects", "SlowDown"),
        ("DeleteObjects", "200"),
    ]


def test_what_is_refused_to_the_end_stays_due() -> None:
    """After the last attempt each object keeps the code that it was last refused with."""

    def play(peer: Peer) -> None:
        for said in (refusing(b="InternalError"), SLOW):
            peer.answer(said)

    with bucket_on(play) as (bucket, heard, _):
        ended = delete(bucket, due("a", "b"), retry_policy(2, lambda _: True), HONOURED)
    assert [(one.due.key, one.code) for one in ended] == [("a", ""), ("b", "InternalError")]
    assert not ended[1].has_ended
    assert len(heard) == 2


def test_a_stop_ends_the_retries() -> None:
    """Where a wait is cut short nothing is asked again."""
    with bucket_on(lambda peer: peer.answer(SLOW)) as (bucket, heard, _):
        [ended] = delete(bucket, due("a"), retry_policy(8, lambda _: False), HONOURED)
    assert ended.code == "SlowDown"
    assert len(heard) == 1


class Store:
    """A source in memory; `honours` are the operations that look at the ETag.

    `absent` is the code for a key that is missing, "always" before it if there is no condition either; `writable` says
    whether PUT is permitted.
    """

    address = BucketAddress("source", "http", "localhost", 80, "", "us-east-1")

    def __init__(self, *honours: str, objects: int = 0, absent: str = "", writable: bool = True) -> None:
        self.etags = {f"k{number}": "e" for number in range(objects)}
        self.honours = honours
        self.absent = absent
        self.writable = writable
        self.deleted: list[tuple[str, str]] = []

    def put(self, key: str, _read: object, _length: int, _headers: dict[str, str]) -> None:
        if not self.writable:
            raise S3Error("AccessDenied", status=403)
        self.etags[key] = "own"

    def head(self, key: str) -> Head:
        if key not in self.etags:
            raise S3Error("NotFound", status=404)
        return Head(1, self.etags[key], "", {})

    def delete(self, key: str, *, if_match: str = "") -> None:
        if code := self._deleted("DeleteObject", key, if_match):
            raise S3Error(code, status=412)

    def delete_many(self, entries: list[tuple[str, str]]) -> dict[str, str]:
        codes = {key: self._deleted("DeleteObjects", key, etag) for key, etag in entries}
        return {key: code for key, code in codes.items() if code}

    def close_thread(self) -> None:
        """Hold nothing."""

    def _deleted(self, operation: str, key: str, etag: str) -> str:
        if key not in self.etags:
            return self.absent.removeprefix("always ") if etag or "always" in self.absent else ""
        if etag and operation in self.honours and etag != self.etags[key]:
            return "PreconditionFailed"
        del self.etags[key]
        if key.startswith("k"):
            self.deleted.append((operation, key))
        return ""


BOTH = ("DeleteObject", "DeleteObjects")
PATIENT = retry_policy(1, lambda _: True)


def conditions_of(store: Store) -> DeleteConditions:
    return require_conditions(cast("Bucket", store), "in/", PATIENT)


@pytest.mark.parametrize(
    ("honours", "absent", "writable", "known"),
    [
        (BOTH, "NoSuchKey", False, DeleteConditions(single=True, batch=True)),
        (BOTH, "PreconditionFailed", False, DeleteConditions(single=True, batch=True)),
        (BOTH, "always NoSuchKey", False, DeleteConditions()),
        (BOTH, "always NoSuchKey", True, DeleteConditions(single=True, batch=True)),
        (BOTH, "", True, DeleteConditions(single=True, batch=True)),
        (BOTH, "", False, DeleteConditions()),
        (("DeleteObject",), "", True, DeleteConditions(single=True, batch=False)),
        ((), "", False, DeleteConditions()),
    ],
)
def test_conditions_are_asked_for_on_a_key_that_is_missing_and_on_an_object_of_ours(
    honours: tuple[str, ...], absent: str, *, writable: bool, known: DeleteConditions
) -> None:
    """A store may let any deletion of what is missing succeed, or fail; nothing is left, nothing else is touched."""
    store = Store(*honours, objects=2, absent=absent, writable=writable)
    assert conditions_of(store) == known
    assert (len(store.etags), store.deleted) == (2, [])


def test_a_store_that_ignores_all_conditions_is_refused() -> None:
    """Before anything is moved, where an object may be written."""
    with pytest.raises(UnreachableError, match=r"set transfer\.after to keep"):
        conditions_of(Store())


@pytest.mark.parametrize("honours", [BOTH, ("DeleteObject",), ("DeleteObjects",)])
def test_what_is_not_known_is_tried_on_the_first_object_whose_copy_is_recorded(
    honours: tuple[str, ...],
) -> None:
    """It is deleted at worst, as it was to be; all others go only in a way that honours conditions."""
    store = Store(*honours, objects=4, writable=False)
    store.etags["k2"] = "newer"
    conditions = conditions_of(store)
    ended = delete(cast("Bucket", store), due("k0", "k1", "k2", "k3"), PATIENT, conditions)
    assert {one.due.key: one.code for one in ended} == {
        "k0": "",
        "k1": "",
        "k2": "PreconditionFailed",
        "k3": "",
    }
    assert store.etags == {"k2": "newer"}
    assert sum(operation not in honours for operation, _ in store.deleted) <= 1
    assert conditions == DeleteConditions(single=BOTH[0] in honours, batch=BOTH[1] in honours)


def test_a_store_that_ignores_all_conditions_loses_only_what_was_tried() -> None:
    """One object by each operation, both copied; all others stay, with the reason."""
    store = Store(objects=5, writable=False)
    conditions = conditions_of(store)
    first = delete(cast("Bucket", store), due("k0", "k1", "k2"), PATIENT, conditions)
    later = delete(cast("Bucket", store), due("k3", "k4"), PATIENT, conditions)
    assert sorted(one.code for one in first) == ["", "", "ConditionsIgnored"]
    assert [one.code for one in later] == ["ConditionsIgnored"] * 2
    assert len(store.etags) == 3
    assert not any(one.has_ended for one in later)


def test_an_object_that_changed_is_not_tried() -> None:
    """A store that ignores conditions would delete what was never copied."""
    store = Store(objects=1, writable=False)
    store.etags["k0"] = "newer"
    [ended] = delete(cast("Bucket", store), due("k0"), PATIENT, conditions_of(store))
    assert (ended.code, store.etags) == ("PreconditionFailed", {"k0": "newer"})
