"""Requests that hang: known while they are under way, whatever they end by."""

from contextlib import suppress

import pytest

from s3mover.errors import MoverError
from s3mover.s3.bucket import Timeouts
from s3mover.s3.request_watch import RequestWatch
from testkit.scripted_server import Peer, answer
from tests.s3.samples import bucket_on

LATE = Timeouts().longest + 5.0


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_request_is_overdue_once_it_is_beyond_its_own_deadline() -> None:
    """Others that began later, or may take longer, do not hide it; what has ended is forgotten."""
    clock = Clock()
    watch = RequestWatch(clock)
    assert watch.overdue() == 0.0
    with watch(60.0):
        with watch(10.0):
            clock.now += 12.0
            with watch(10.0):
                assert watch.overdue() == 2.0
        assert watch.overdue() == 0.0
        clock.now += 50.0
        assert watch.overdue() == 2.0
    assert watch.overdue() == 0.0


@pytest.mark.parametrize(
    "said",
    [answer(b""), answer(b"", "403 Forbidden"), answer(b"", "500 Oops"), b"HTTP/1.1 nonsense\r\n\r\n", b""],
)
def test_a_request_to_s3_is_watched_until_it_ends(said: bytes) -> None:
    """By an answer, by a refusal, or because the server closes the connection."""
    clock = Clock()
    watch = RequestWatch(clock)
    seen: list[float] = []

    def play(peer: Peer) -> None:
        peer.hear()
        clock.now += LATE
        seen.append(watch.overdue())
        peer.say(said)

    with bucket_on(play, watch=watch, timeouts=Timeouts()) as (bucket, _, _):
        with suppress(MoverError):
            bucket.head("k")
        assert watch.overdue() == 0.0
    assert seen == [pytest.approx(5.0)]
