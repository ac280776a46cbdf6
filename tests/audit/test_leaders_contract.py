"""What the leader of a pair reports of itself, on every database."""

import contextlib

import pytest

from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Trail
from s3mover.errors import LeaseHeldError
from s3mover.model import Pair
from testkit.leases import expire_lease
from tests.audit.conftest import Backend
from tests.audit.samples import PAIR

OTHER = Pair("other", "", "pair", "")


def test_a_standby_reads_what_the_leader_last_reported(trail: Trail, backend: Backend) -> None:
    """With its age by the database's clock."""
    trail.report("pod-0", "", "{}")
    trail.report("pod-1", "http://10.0.0.1:8080", '{"state": "\N{PINCHING HAND} idle"}')
    with contextlib.closing(open_reader(backend.url)) as standby:
        report = standby.leader_of(PAIR)
        assert report is not None
        assert report[:3] == ("pod-1", "http://10.0.0.1:8080", '{"state": "\N{PINCHING HAND} idle"}')
        assert report.is_alive
        assert standby.leader_of(OTHER) is None
        backend.query("UPDATE leaders SET reported_at = '2025-01-04 03:17:09.000'")
        old = standby.leader_of(PAIR)
        assert old is not None
        assert old.age > report.age + 86_400


def test_a_leader_whose_lease_expired_is_not_alive(trail: Trail, backend: Backend) -> None:
    """Its report stays, until another takes over."""
    trail.report("pod-1", "", "{}")
    expire_lease(backend.url, PAIR)
    report = trail.leader_of(PAIR)
    assert report is not None
    assert not report.is_alive


def test_a_report_ends_with_its_leader(trail: Trail, backend: Backend) -> None:
    """The successor has reported nothing yet, and the former leader can't report any more."""
    trail.report("pod-1", "", "{}")
    expire_lease(backend.url, PAIR)
    with contextlib.closing(open_reader(backend.url)) as successor:
        assert successor.acquire_lease(PAIR)
        assert successor.leader_of(PAIR) is None
        with pytest.raises(LeaseHeldError):
            trail.report("pod-1", "", "late")
        successor.report("pod-2", "", "{}")
        report = successor.leader_of(PAIR)
        assert report is not None
        assert report.name == "pod-2"
