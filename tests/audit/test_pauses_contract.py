"""Pauses of pairs, on every database: they stand until they are removed, and each instance sees them."""

import contextlib

from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Trail
from s3mover.model import Pair, Pause
from tests.audit.conftest import Backend
from tests.audit.samples import PAIR

PAUSE = Pause(1_736_000_000.25, "ops@bastion", "wartung \N{PINCHING HAND} '; --")
OTHER = Pair("other", "", "pair", "")


def test_a_pause_stands_until_it_is_removed(trail: Trail, backend: Backend) -> None:
    """Another connection sees who, when and why; a second pause takes the place of the first one."""
    trail.pause(PAIR, Pause(1.0, "before", ""))
    trail.pause(PAIR, PAUSE)
    with contextlib.closing(open_reader(backend.url)) as other:
        assert other.pause_of(PAIR) == PAUSE
        assert other.pause_of(OTHER) is None
        other.resume(OTHER)
        other.resume(PAIR)
        other.resume(PAIR)
    assert trail.pause_of(PAIR) is None


def test_a_leader_sees_a_pause_with_its_heartbeat(trail: Trail, backend: Backend) -> None:
    """And its end."""
    with contextlib.closing(open_reader(backend.url)) as command:
        command.pause(PAIR, PAUSE)
        trail.heartbeat()
        assert trail.standing_pause == PAUSE
        command.resume(PAIR)
        trail.heartbeat()
        assert trail.standing_pause is None


def test_a_standby_sees_a_pause_when_it_asks_for_the_lease(trail: Trail, backend: Backend) -> None:
    """So it is known before the first sweep."""
    trail.pause(PAIR, PAUSE)
    with contextlib.closing(open_reader(backend.url)) as standby:
        assert not standby.acquire_lease(PAIR)
        assert standby.standing_pause == PAUSE


def test_long_texts_are_cut(trail: Trail) -> None:
    """Rather than refused by the database."""
    trail.pause(PAIR, Pause(1.0, "b" * 300, "r" * 2000))
    assert trail.pause_of(PAIR) == Pause(1.0, "b" * 255, "r" * 1000)
