"""Deleting source objects: what the store refuses for now is tried again, within reason."""

from queue import SimpleQueue
from typing import cast

import pytest

from s3mover.model import DueDeletion
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retry_policy
from s3mover.sweep.removal import Removed, Remover, delete
from testkit.scripted_server import Peer, answer
from testkit.waiting import TOO_LONG
from tests.s3.samples import bucket_on

SLOW = answer(b"<Error><Code>SlowDown</Code></Error>", "503 Slow Down")


def due(*keys: str) -> list[DueDeletion]:
    return [DueDeletion(7, number, key, "e") for number, key in enumerate(keys)]


def refusing(**codes: str) -> bytes:
    errors = "".join(f"<Error><Key>{key}</Key><Code>{code}</Code></Error>" for key, code in codes.items())
    return answer(f"<DeleteResult>{errors}</DeleteResult>".encode())


def test_an_internal_error_reaches_the_owner() -> None:
    """The owner waits for the results of each batch, and would wait for ever."""
    inbox: SimpleQueue[Removed] = SimpleQueue()
    remover = Remover(cast("Bucket", object()), retry_policy(1, lambda _: True), inbox.put)
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
        ended = delete(bucket, due("a", "b\x07"), retry_policy(3, lambda _: True))
    assert [(one.due.key, one.code) for one in ended] == [("a", ""), ("b\x07", "")]
    assert len(heard) == 4
    assert counted.counted.count(("DeleteObjects", "SlowDown")) == 1


def test_only_the_keys_that_were_refused_for_now_are_repeated() -> None:
    """What is gone, and what is refused for good, is not asked for again; the rate's keeper hears of the keys."""

    def play(peer: Peer) -> None:
        for said in (refusing(b="SlowDown", c="AccessDenied", d="InternalError"), refusing(d="AccessDenied")):
            peer.answer(said)

    with bucket_on(play) as (bucket, heard, counted):
        ended = delete(bucket, due("a", "b", "c", "d"), retry_policy(3, lambda _: True))
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
        ended = delete(bucket, due("a", "b"), retry_policy(2, lambda _: True))
    assert [(one.due.key, one.code) for one in ended] == [("a", ""), ("b", "InternalError")]
    assert not ended[1].has_ended
    assert len(heard) == 2


def test_a_stop_ends_the_retries() -> None:
    """Where a wait is cut short nothing is asked again."""
    with bucket_on(lambda peer: peer.answer(SLOW)) as (bucket, heard, _):
        [ended] = delete(bucket, due("a"), retry_policy(8, lambda _: False))
    assert ended.code == "SlowDown"
    assert len(heard) == 1
